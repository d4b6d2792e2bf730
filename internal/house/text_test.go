package house_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

func TestFindMachinePath(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		have     string
		expected string
	}{
		{"open /wo" + "rk/x", "/wo" + "rk/"},
		{"/ro" + "ot/go", "/ro" + "ot/"},
		{`"/ho` + `me/ada/x"`, "/ho" + "me/"},
		{"in /tm" + "p/build", "/tm" + "p/b"},
		{"under $TMPDIR/wo" + "rk/x", ""},
		{"see ./wo" + "rk/plan or docs/wo" + "rk/plan", ""},
		{"mktemp makes /tmp/XXXX", ""},
		{"homework/1", ""},
	}
	for _, tc := range testCases {
		assert.Equal(t, tc.expected, house.MachinePath(tc.have), tc.have)
	}
}

func TestFindOpenMark(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		have     string
		expected string
	}{
		{"// TO" + "DO: later", "TO" + "DO"},
		{"// TO" + "DO(#12): later", ""},
		{"// FIX" + "ME #3", ""},
		{"// TO" + "DO(#12) and FIX" + "ME", "FIX" + "ME"},
		{"// TO" + "DO(ada)", "TO" + "DO"},
		{"METHOD and TODOS", ""},
	}
	for _, tc := range testCases {
		assert.Equal(t, tc.expected, house.OpenMark(tc.have), tc.have)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	text := house.Text{Path: "a.md", Content: "one\ntwo\nbad"}
	found := text.Find(func(line string) string {
		if line == "bad" {
			return "badness"
		}
		return ""
	})
	assert.Equal(t, []string{"a.md:3 holds badness"}, found)
	assert.Equal(t, 3, text.Lines())
}

func TestTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, sources{
		"a.md": "a", "docs/b.md": "b", ".gitignore": "x",
		".git/config": "no", "bin/tool": "no", "cover.out": "no", "picture.png": "no\x00no",
	})
	texts, err := house.Texts(dir)
	require.NoError(t, err)
	var names []string
	for _, text := range texts {
		names = append(names, text.Path)
	}
	assert.Equal(t, []string{".gitignore", "a.md", "docs/b.md"}, names)
}

func TestBrokenLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, sources{"docs/a.md": "# A `b` & c: d\n\n```sh\n# no heading\n```\n", "docs/picture.svg": "<svg/>", "LICENSE": "x"})
	testCases := []struct {
		name     string
		have     string
		expected []string
	}{
		{"a file beside it", "see [a](a.md) and ![p](picture.svg)", nil},
		{"a file above it, and a folder", "see [l](../LICENSE), [d](../docs) and <https://example.com/x.md>", nil},
		{"another site", "[x](https://example.com/none.md) [m](mailto:a@example.com)", nil},
		{"no such file", "see [a](b.md) or [c](c.md \"title\")", []string{"docs/x.md links to b.md, which does not exist", "docs/x.md links to c.md, which does not exist"}},
		{"a heading", "[a](a.md#a-b--c-d) [own](#own)\n\n## Own\n", nil},
		{"no such heading", "[a](a.md#no-heading)", []string{"docs/x.md links to a.md#no-heading, which does not exist"}},
		{"by reference", "[a][1]\n\n[1]: none.md\n", []string{"docs/x.md links to none.md, which does not exist"}},
		{"in code", "`f[T](x)`\n\n```go\nm[k](v)\n```\n", nil},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.expected, house.Text{Path: "docs/x.md", Content: tc.have}.BrokenLinks(dir))
		})
	}
}

func TestGoBlocks(t *testing.T) {
	t.Parallel()
	text := house.Text{Content: "```go\nx := 1\n```\n\n```sh\nls\n```\n\n```go\ntype T int\n```\n"}
	assert.Equal(t, []string{"x := 1\n", "type T int\n"}, text.GoBlocks())
	assert.NoError(t, house.ParseGo("x := 1\n"))
	assert.NoError(t, house.ParseGo("type T int\n"))
	assert.NoError(t, house.ParseGo("package a\n\nimport \"fmt\"\n"))
	assert.Error(t, house.ParseGo("x := := 1\n"))
}

// write writes files below dir.
func write(t *testing.T, dir string, files sources) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	}
}
