package authmodule_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// The table of the document on policy tests holds for the rules that it stands beside.
func TestPolicyTestsDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n# ([a-z./]+)(.*?)```").FindAllStringSubmatch(document(t, "docs/policy-tests.md"), -1) {
		files[filepath.Base(block[1])] = filepath.Join(dir, filepath.Base(block[1]))
		require.NoError(t, os.WriteFile(files[filepath.Base(block[1])], []byte("#"+block[2]), 0o600))
	}
	require.Len(t, files, 3)
	cfg, err := authmodule.Load(files["application.yaml"])
	require.NoError(t, err)
	authztest.Run(t, authztest.Config(cfg.RBAC).In(dir), files["articles.authz.yaml"])
}

// readmePolicies is the section of that name.
func readmePolicies(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(document(t, "README.md"), "\n## Policies\n")
	require.True(t, found, "README has no section on policies")
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}

// The README's policy does what the README says, with its configuration as it stands.
func TestReadmePolicies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, block := range regexp.MustCompile("(?s)```yaml\n# ([a-z.]+)(.*?)```").FindAllStringSubmatch(readmePolicies(t), -1) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, block[1]), []byte("#"+block[2]), 0o600))
	}
	table := filepath.Join(dir, "table.authz.yaml")
	require.NoError(t, os.WriteFile(table, []byte(`principals: { ada: { roles: [editor] }, ben: { roles: [editor] } }
resources:
  draft: { type: Article, attributes: { owner: ada, status: draft } }
  published: { type: Article, attributes: { owner: ada, status: published } }
matrix:
  - { resource: draft, actions: [articles.edit], rows: { ada: [allow], ben: [deny] } }
  - { resource: published, actions: [articles.edit], rows: { ada: [deny] } }
`), 0o600))
	cfg, err := authmodule.Load(filepath.Join(dir, "application.yaml"))
	require.NoError(t, err)
	authztest.Run(t, authztest.Config(cfg.RBAC).In(dir).WithRoles(authz.Role{Name: "editor"}).RequireCoverage(), table)
}

// The README's guard compiles as it stands.
func TestReadmePolicyGuard(t *testing.T) {
	t.Parallel()
	guard := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(readmePolicies(t))
	require.NotNil(t, guard)
	source := filepath.Join(t.TempDir(), "guard.go")
	require.NoError(t, os.WriteFile(source, []byte(`package guard

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

type store struct{}

func (store) Find(context.Context, string) (a struct{ ID, Owner, Status string }, err error) { return a, nil }

func routes(e *echo.Echo, articles store, edit echo.HandlerFunc) {
`+guard[1]+"}\n\nvar _ = routes\n"), 0o600))
	out, err := exec.Command("go", "build", "-o", os.DevNull, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
