package authmodule_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// TestPolicyTestsPage runs the table of docs/policy-tests.md as it stands.
func TestPolicyTestsPage(t *testing.T) {
	t.Parallel()
	table := regexp.MustCompile("(?s)```yaml\n(# testdata.*?)```").FindStringSubmatch(document(t, "docs/policy-tests.md"))
	require.NotNil(t, table)
	file := filepath.Join(t.TempDir(), "page.authz.yaml")
	require.NoError(t, os.WriteFile(file, []byte(table[1]), 0o600))
	authztest.Run(t, authztest.Config(authz.Config{
		Roles: map[string]authz.RoleConfig{
			"editor": {Permissions: []string{"articles.read"}},
			"admin":  {Inherits: []string{"editor"}, Permissions: []string{"articles.edit", "articles.delete"}},
		},
		Policies: authz.PolicyConfig{
			Resources: map[string]authz.ResourceConfig{"Article": {
				Attributes: map[string]string{"owner": "User", "status": "String"}, Actions: []string{"articles.read", "articles.edit", "articles.delete"},
			}},
			Attributes: map[string]string{"department": "String"},
			Short: `policies:
  - { id: owner-edits, allow: articles.edit, roles: editor, resource: Article, when: { resource.owner: principal, resource.status: draft } }
  - { id: inside, deny: articles.delete, unless: 'context.ip.isInRange(ip("192.0.2.0/24"))' }
`,
		},
	}), file)
}
