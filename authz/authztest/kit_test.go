package authztest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// fakeT is a test that notes what is said to it.
type fakeT struct {
	name                 string
	logs, errors, fatals []string
	subtests             []*fakeT
}

func (*fakeT) Helper() {}
func (f *fakeT) Logf(format string, args ...any) {
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}
func (f *fakeT) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeT) Fatalf(format string, args ...any) {
	f.fatals = append(f.fatals, fmt.Sprintf(format, args...))
}

func (f *fakeT) Run(name string, test func(*fakeT)) bool {
	sub := &fakeT{name: name}
	f.subtests = append(f.subtests, sub)
	test(sub)
	return !sub.failed()
}

func (f *fakeT) failed() bool { return f.said() != "" }

// said is everything that fails the test, subtests included.
func (f *fakeT) said() string {
	all := strings.Join(append(f.fatals, f.errors...), "\n")
	for _, sub := range f.subtests {
		all += sub.said()
	}
	return all
}

func (f *fakeT) leaves() (names []string) {
	for _, sub := range f.subtests {
		if len(sub.subtests) == 0 {
			names = append(names, sub.name)
		}
		names = append(names, sub.leaves()...)
	}
	return names
}

// rules are what the tables here are held against.
func rules() authz.Config {
	return authz.Config{
		Roles: map[string]authz.RoleConfig{
			"viewer": {},
			"editor": {Permissions: []string{"articles.read"}},
			"admin":  {Inherits: []string{"editor"}, Permissions: []string{"articles.*"}},
		},
		Policies: authz.PolicyConfig{
			Resources: map[string]authz.ResourceConfig{
				"Article": {
					Attributes: map[string]string{"owner": "User", "status": "String", "api_token": "String?"},
					Parents:    []string{"Folder"}, Actions: []string{"articles.read", "articles.edit", "articles.delete", "articles.publish"},
				},
				"Folder": {Parents: []string{"Folder"}},
			},
			Attributes: map[string]string{"department": "String"},
			Short: `policies:
  - id: owner-edits
    allow: [articles.edit, articles.delete]
    roles: editor
    resource: Article
    when: { resource.owner: principal, resource.status: draft }
  - id: published-stays
    deny: [articles.edit, articles.delete]
    resource: Article
    when: { resource.status: published }
  - id: inside-only
    deny: articles.delete
    resource: Article
    when: '!context.ip.isInRange(ip("192.0.2.0/24"))'
`,
		},
	}
}

// try runs a table.
func try(t *testing.T, rules authztest.Rules, table string) *fakeT {
	t.Helper()
	file := filepath.Join(t.TempDir(), "t.authz.yaml")
	require.NoError(t, os.WriteFile(file, []byte(table), 0o600))
	fake := &fakeT{}
	authztest.Run(fake, rules, file)
	return fake
}
