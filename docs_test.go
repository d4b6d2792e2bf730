package authmodule_test

import (
	"go/ast"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/internal/house"
)

// longFiles are the files that may have more than 500 lines, each with the reason.
var longFiles = map[string]string{}

const mostLines = 500

// loadTexts reads the repository's text files once for all tests.
var loadTexts = sync.OnceValues(func() ([]house.Text, error) { return house.Texts(".") })

func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	m, err := loadModule()
	require.NoError(t, err)
	for _, found := range (house.PackageDocs{}).Check(m) {
		t.Error(found)
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	m, err := loadModule()
	require.NoError(t, err)
	for _, found := range (house.ExportedDocs{}).Check(m) {
		t.Error(found)
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	eachText(t, "", func(text house.Text) {
		if _, excused := longFiles[text.Path]; !excused && path.Ext(text.Path) == ".go" && text.Lines() > mostLines {
			t.Errorf("%s has %d lines; split it, or say in longFiles why it may", text.Path, text.Lines())
		}
	})
}

func TestTextsAreClean(t *testing.T) {
	t.Parallel()
	eachText(t, "", func(text house.Text) {
		for _, found := range append(text.Find(house.MachinePath), text.Find(house.OpenMark)...) {
			t.Error(found)
		}
	})
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	eachText(t, ".md", func(text house.Text) {
		for _, found := range text.BrokenLinks(".") {
			t.Error(found)
		}
	})
}

func TestGoInDocumentsParses(t *testing.T) {
	t.Parallel()
	eachText(t, ".md", func(text house.Text) {
		for _, block := range text.GoBlocks() {
			assert.NoError(t, house.ParseGo(block), "%s:\n%s", text.Path, block)
		}
	})
}

func TestChangelogHasUnreleased(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, `(?m)^## \[Unreleased\]$`, document(t, "CHANGELOG.md"))
}

// TestDecisionsAreDated looks at docs/adr: numbered files with the parts that 0001 asks for.
func TestDecisionsAreDated(t *testing.T) {
	t.Parallel()
	index := document(t, "docs/adr/README.md")
	eachText(t, ".md", func(text house.Text) {
		name := path.Base(text.Path)
		if path.Dir(text.Path) != "docs/adr" || name == "README.md" {
			return
		}
		assert.Regexp(t, `^\d{4}-[a-z0-9-]+\.md$`, name)
		assert.Regexp(t, `(?m)^Date: \d{4}-\d\d-\d\d$`, text.Content, text.Path)
		for _, part := range []string{"Context", "Decision", "Consequences", "Alternatives"} {
			assert.Contains(t, text.Content, "\n## "+part+"\n", text.Path)
		}
		assert.Contains(t, index, "("+name+")", "docs/adr/README.md does not list %s", name)
	})
}

var eventRow = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| `([A-Za-z]+)` \\| [^|]+ \\| [^|]+ \\|$")

// TestEventsAreDocumented holds docs/events.md to the constants of package
// audit: one row for each, and no other.
func TestEventsAreDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]string{}
	for _, row := range eventRow.FindAllStringSubmatch(document(t, "docs/events.md"), -1) {
		assert.NotContains(t, documented, row[2], "two rows")
		documented[row[2]] = row[1]
	}
	declared := textConstants(t, "audit", "Type")
	assert.Equal(t, declared, documented)

	types := map[string]bool{}
	for _, typ := range audit.Types() {
		types[string(typ)] = true
	}
	for constant, name := range declared {
		assert.True(t, types[name], "audit.Types lacks %s", constant)
	}
	assert.Len(t, types, len(declared))
}

// TestReasonsAreDocumented looks for the reasons why sessions end in docs/events.md.
func TestReasonsAreDocumented(t *testing.T) {
	t.Parallel()
	for constant, reason := range textConstants(t, "authn", "EndReason") {
		assert.Contains(t, document(t, "docs/events.md"), "`"+reason+"`", constant)
	}
}

// textConstants returns the constants of one string type of a package, by name.
func textConstants(t *testing.T, pkg, typeName string) map[string]string {
	t.Helper()
	m, err := loadModule()
	require.NoError(t, err)
	constants := map[string]string{}
	for _, p := range m.Packages {
		for _, f := range p.Files {
			if p.Path != pkg {
				continue
			}
			ast.Inspect(f.Syntax, func(node ast.Node) bool {
				if name, value := textConstant(node, typeName); name != "" {
					constants[name] = value
				}
				return true
			})
		}
	}
	require.NotEmpty(t, constants)
	return constants
}

func textConstant(node ast.Node, typeName string) (name, value string) {
	spec, ok := node.(*ast.ValueSpec)
	if !ok || len(spec.Values) != 1 {
		return "", ""
	}
	typ, isNamed := spec.Type.(*ast.Ident)
	literal, isLiteral := spec.Values[0].(*ast.BasicLit)
	if !isNamed || !isLiteral || typ.Name != typeName {
		return "", ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return "", ""
	}
	return spec.Names[0].Name, value
}

// eachText calls f for each text file whose name ends in suffix.
func eachText(t *testing.T, suffix string, f func(house.Text)) {
	t.Helper()
	texts, err := loadTexts()
	require.NoError(t, err)
	require.NotEmpty(t, texts)
	for _, text := range texts {
		if strings.HasSuffix(text.Path, suffix) {
			f(text)
		}
	}
}

// document returns the content of one text file.
func document(t *testing.T, name string) string {
	t.Helper()
	texts, err := loadTexts()
	require.NoError(t, err)
	for _, text := range texts {
		if text.Path == name {
			return text.Content
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}
