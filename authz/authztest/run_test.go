package authztest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
	"github.com/authmodule/authmodule/store/memstore"
)

// TestTable runs the way an application's own test does.
func TestTable(t *testing.T) {
	t.Parallel()
	authztest.Run(t, authztest.Config(rules()).RequireCoverage(), "testdata/*.authz.yaml")
}

func TestEveryCaseIsASubtest(t *testing.T) {
	t.Parallel()
	fake := &fakeT{}
	authztest.Run(fake, authztest.Config(rules()), "testdata/*.authz.yaml", "testdata/articles.*")
	require.Empty(t, fake.said())
	assert.Equal(t, []string{
		"an editor edits his own draft", "nobody but its owner edits a draft",
		"what is published stays articles.edit", "what is published stays articles.delete",
		"an administrator deletes a draft from inside", "from elsewhere nobody deletes",
		"ada articles.read draft", "ada articles.publish draft", "eve articles.read draft", "eve articles.publish draft",
		"guest articles.read draft", "guest articles.publish draft", "bot articles.read draft",
		"without a resource ada articles.read",
	}, fake.leaves())
	assert.Equal(t, []string{"coverage: 3 of 3 policies, 2 of 2 permissions of roles"}, fake.logs)
}

// head is the beginning of tables that need somebody and something.
const head = `principals:
  ada: { roles: [editor] }
  eve: { roles: [admin] }
resources:
  draft: { type: Article, attributes: { owner: ada, status: draft } }
  published: { type: Article, attributes: { owner: ada, status: published, api_token: do-not-show } }
environment: { ip: 192.0.2.1 }
matrix:
  - { resource: draft, actions: [articles.edit], rows: { ada: [allow], eve: [allow] } }
  - { resource: published, actions: [articles.edit], rows: { ada: [deny] } }
cases:
`

// A table whose expectations are wrong must fail, and say why.
func TestWrongExpectationsFail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, entry, expected string }{
		{"allow for deny", "{principal: eve, action: articles.edit, resource: published, expect: allow}", "t.authz.yaml:12: eve articles.edit published: expected allow, and the rules say deny (forbidden)"},
		{"deny for allow", "{principal: eve, action: articles.delete, resource: draft, expect: deny}", "expected deny, and the rules say allow (granted)"},
		{"another reason", "{principal: ada, action: articles.delete, resource: draft, expect: allow, reason: granted}", "expected the reason granted, and it is permitted"},
		{"another policy", "{principal: ada, action: articles.delete, resource: draft, expect: allow, policy: inside-only}", "expected the policy inside-only to decide, and it was owner-edits"},
		{"no policy", "{principal: eve, action: articles.read, expect: allow, policy: inside-only}", "expected the policy inside-only to decide, and it was none"},
		{"another role", "{principal: eve, action: articles.read, expect: allow, role: viewer}", "expected the role viewer to decide, and it was editor"},
		{"an error is no denial", "{principal: ada, action: articles.delete, resource: draft, environment: {ip: 192.0.2.1, route: /x}, expect: deny}", "expected deny"},
		{"a denial for want of a resource", "{principal: eve, action: articles.delete, expect: deny}", "denied only because something could not be asked"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := try(t, authztest.Config(rules()), head+"  - "+tc.entry)
			assert.Contains(t, fake.said(), tc.expected)
		})
	}
	assert.Empty(t, try(t, authztest.Config(rules()), head+"  - {principal: eve, action: articles.delete, expect: deny, reason: policy_error}").said())
}

// V16.2.5: what a failing case prints holds no secret.
func TestAFailureExplains(t *testing.T) {
	t.Parallel()
	cfg := rules()
	cfg.Policies.Short += `  - id: looks-at-a-secret
    allow: articles.publish
    resource: Article
    when: { resource.api_token: right }
`
	fake := try(t, authztest.Config(cfg), head+"  - {principal: ada, action: articles.publish, resource: published, expect: allow}")
	said := fake.said()
	for _, expected := range []string{
		"expected allow, and the rules say deny (missing_permission)",
		"role editor: says nothing",
		"policy looks-at-a-secret (auth.rbac.policies.short:15:5): does not apply",
		"resource.api_token = [redacted]",
	} {
		assert.Contains(t, said, expected)
	}
	assert.NotContains(t, said, "do-not-show")

	said = try(t, authztest.Config(rules()), head+"  - {principal: eve, action: articles.read, expect: deny}").said()
	assert.Contains(t, said, "role admin: articles.*\n")
	assert.Contains(t, said, "role admin: articles.read by admin > editor")
}

// What would change no answer, or could have only one, is a fault with its line.
func TestCasesThatCannotFail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, table, expected string }{
		{"an action that nobody is granted", head + "  - {principal: ada, action: artcles.read, expect: deny}", "t.authz.yaml:12:5: ada artcles.read: the case cannot fail: no role grants the action and no policy permits it; did you mean articles.read?"},
		{"asked twice", head + "  - {principal: ada, action: articles.edit, resource: draft, expect: allow}", "asks what line 12 has asked"},
		{"scopes", "principals: {bot: {roles: [admin], scopes: [articles.read]}}\ncases: [{principal: bot, action: articles.publish, expect: deny}]", "the principal's scopes do not cover the action"},
		{"tenants", "principals: {amy: {tenant: acme, roles: [admin]}}\nresources: {x: {type: Article, tenant: globex}}\ncases: [{principal: amy, action: articles.publish, resource: x, expect: deny}]", "the resource is another tenant's"},
		{"an unknown role", "principals: {ada: {roles: [edtior]}}\ncases: [{principal: ada, action: articles.read, expect: deny}]", "t.authz.yaml:1:14: unknown role edtior of ada; did you mean editor?"},
		{"an unknown type", "principals: {ada: {roles: [editor]}}\nresources: {draft: {type: Artcle}}\ncases: [{principal: ada, action: articles.read, resource: draft, expect: allow}]", "the type Artcle of draft is declared nowhere; did you mean Article?"},
		{"an unknown attribute", "principals: {ada: {roles: [editor], attributes: {departement: x}}}\nresources: {draft: {type: Article, attributes: {statsu: draft}}}\nenvironment: {attributes: {zone: 1}}\ncases: [{principal: ada, action: articles.read, resource: draft, expect: allow}]", "unknown attribute departement of ada; did you mean department?"},
		{"an unknown policy", head + "  - {principal: ada, action: articles.delete, resource: draft, expect: allow, policy: owner-edit}", "unknown policy owner-edit; did you mean owner-edits?"},
		{"an unknown role that is expected", head + "  - {principal: eve, action: articles.delete, resource: draft, expect: allow, role: amin}", "unknown role amin; did you mean admin?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, try(t, authztest.Config(rules()), tc.table).said(), tc.expected)
		})
	}
	t.Run("rules that decide nothing", func(t *testing.T) {
		t.Parallel()
		cfg := rules()
		require.NoError(t, cfg.Enabled.UnmarshalText([]byte("false")))
		assert.Contains(t, try(t, authztest.Config(cfg), head).said(), "auth.rbac.enabled is false")
	})
	t.Run("resources without policies", func(t *testing.T) {
		t.Parallel()
		cfg := rules()
		cfg.Policies = authz.PolicyConfig{}
		assert.Contains(t, try(t, authztest.Config(cfg), "principals: {a: {roles: [editor]}}\nresources: {x: {type: T}}\ncases: [{principal: a, action: articles.read, resource: x, expect: allow}]").said(), "there are no policies")
	})
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	const table = "principals: {ada: {roles: [editor]}}\ncases: [{principal: ada, action: articles.read, expect: allow}]"
	const missing = `coverage: 0 of 3 policies, 1 of 2 permissions of roles; no case shows what these do:
  policy inside-only (auth.rbac.policies.short:11:5)
  policy owner-edits (auth.rbac.policies.short:2:5)
  policy published-stays (auth.rbac.policies.short:7:5)
  role admin: articles.*`
	fake := try(t, authztest.Config(rules()), table)
	assert.Empty(t, fake.said())
	assert.Equal(t, []string{missing}, fake.logs)
	assert.Equal(t, []string{missing}, try(t, authztest.Config(rules()).RequireCoverage(), table).errors)
}

func TestRolesAndPoliciesInCode(t *testing.T) {
	t.Parallel()
	sources, err := authz.ReadPolicies(policyFiles(), "*.cedar")
	require.NoError(t, err)
	added := authztest.Config(authz.Config{}).WithRoles(authz.Role{Name: "editor", Permissions: []string{"articles.read", "!articles.delete"}}).WithPolicies(sources...)
	const table = `principals: {ada: {roles: [editor]}, guest: {roles: [viewer]}}
cases:
  - {principal: guest, action: articles.read, expect: allow, policy: all-read}
  - {principal: ada, action: articles.read, expect: allow, role: editor}
`
	assert.Empty(t, try(t, added, table).said())
	taken := try(t, added, table+"  - {principal: ada, action: articles.delete, expect: deny, reason: denied}")
	assert.Contains(t, taken.said(), "no role grants the action", "nobody gives what is taken away here")
}

// A service is asked with what its store holds, for the tenant of each principal.
func TestService(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	service, err := authz.New(rules(), authz.Deps{Rules: store, Assignments: store})
	require.NoError(t, err)
	require.NoError(t, service.DefineRole(t.Context(), authn.Principal{}, "acme", authz.Role{Name: "press", Permissions: []string{"articles.publish"}}))
	const table = `principals: {amy: {tenant: acme, roles: [press]}}
cases: [{principal: amy, action: articles.publish, expect: allow, role: press}]
`
	assert.Empty(t, try(t, authztest.Service(service), table).said())
	assert.Contains(t, try(t, authztest.Service(service), strings.Replace(table, "tenant: acme", "tenant: other", 1)).said(), "unknown role press", "TEN-01")
	assert.Contains(t, try(t, authztest.Service(service), strings.Replace(table, "tenant: acme", "tenant: acme, attributes: {department: x}", 1)).said(), "the service has its own attributes")
	assert.Contains(t, try(t, authztest.Service(nil), table).said(), "the service is nil")
	assert.Contains(t, try(t, authztest.Service(service).WithRoles(authz.Role{Name: "x"}), table).said(), "leave out WithRoles")
}

func TestRulesThatAreNotValid(t *testing.T) {
	t.Parallel()
	cfg := rules()
	cfg.Policies.Files = []string{"nowhere/*.cedar"}
	assert.Contains(t, try(t, authztest.Config(cfg).In("somewhere"), head).said(), "somewhere/nowhere/*.cedar")
	fake := &fakeT{}
	authztest.Run(fake, authztest.Config(rules()))
	assert.Contains(t, fake.said(), "no table is named")
	fake = &fakeT{}
	authztest.Run(fake, authztest.Config(rules()), "testdata/*.nothing")
	assert.Contains(t, fake.said(), "testdata/*.nothing")
}
