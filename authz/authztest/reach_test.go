package authztest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// TestEverythingReachesPolicies has one condition for each thing that a table can say: it holds for what the table says, and not for anything else.
func TestEverythingReachesPolicies(t *testing.T) {
	t.Parallel()
	const table = `principals:
  who:
    id: u-1
    tenant: acme
    kind: service
    roles: [editor]
    scopes: [things.*]
    methods: [pwd, mfa]
    auth_time: 2026-03-01T11:00:00Z
    mfa_age: 90s
    attributes: { department: news, level: 3, trusted: true, tags: [a, b], home: { city: Oslo }, limit: 1.5 }
resources:
  thing: { type: Thing, id: t-1, attributes: { owner: u-1 }, parents: [{ type: Folder, id: inner, parents: [{ type: Folder, id: outer }] }] }
environment: { ip: 192.0.2.1, method: PUT, route: "/things/:id", attributes: { zone: blue } }
cases:
  - { principal: who, action: things.do, resource: thing, environment: { time: 2026-03-01T12:00:00Z }, expect: %s }
`
	for _, condition := range []string{
		`principal == User::"u-1"`, `principal.tenant == "acme"`, `principal.kind == "service"`, `principal in Role::"editor"`,
		`principal.scopes.contains("things.*")`, `principal.methods.contains("mfa")`, `principal.authTime == datetime("2026-03-01T11:00:00Z")`,
		`context.mfaAge == 90`, `principal has department && principal.department == "news"`, `principal has level && principal.level == 3`,
		`principal has trusted && principal.trusted`, `principal has tags && principal.tags.containsAll(["a", "b"])`,
		`principal has limit && principal.limit == decimal("1.5")`,
		`resource == Thing::"t-1"`, `resource.owner == principal`, `resource in Folder::"inner"`, `resource in Folder::"outer"`,
		`context.ip == ip("192.0.2.1")`, `context.method == "PUT"`, `context.route == "/things/:id"`,
		`context has zone && context.zone == "blue"`, `context.time == datetime("2026-03-01T12:00:00Z")`,
	} {
		t.Run(condition, func(t *testing.T) {
			t.Parallel()
			said := strings.Replace(table, ", home: { city: Oslo }", "", 1)
			holds := reachRules(`permit (principal, action == Action::"things.do", resource) when { ` + condition + ` };`)
			assert.Empty(t, try(t, holds, fmt.Sprintf(said, "allow")).said())
			fails := reachRules(`permit (principal, action == Action::"things.do", resource) unless { ` + condition + ` };`)
			assert.Empty(t, try(t, fails, fmt.Sprintf(said, "deny")).said())
		})
	}
	unknown := try(t, reachRules(`permit (principal, action == Action::"things.do", resource);`), fmt.Sprintf(table, "allow"))
	assert.Contains(t, unknown.said(), "unknown attribute home of who")
}

func reachRules(cedar string) authztest.Rules {
	return authztest.Config(authz.Config{
		Roles: map[string]authz.RoleConfig{"editor": {}},
		Policies: authz.PolicyConfig{
			Inline: cedar,
			Resources: map[string]authz.ResourceConfig{
				"Thing":  {Attributes: map[string]string{"owner": "User"}, Parents: []string{"Folder"}, Actions: []string{"things.do"}},
				"Folder": {Parents: []string{"Folder"}},
			},
			Attributes: map[string]string{"department": "String", "level": "Long", "trusted": "Bool", "tags": "Set<String>", "limit": "decimal"},
			Context:    map[string]string{"zone": "String"},
		},
	})
}

// Rules in tests have no clock, so that no case is right at one time of day alone.
func TestTimeComesFromTheTable(t *testing.T) {
	t.Parallel()
	rules := reachRules(`permit (principal, action == Action::"things.do", resource) when { context.time < datetime("2030-01-01") };`)
	const table = "principals: {who: {roles: [editor]}}\ncases: [{principal: who, action: things.do, expect: deny}]"
	assert.Contains(t, try(t, rules, table).said(), "denied only because something could not be asked")
}

// Only what a case proves counts as covered.
func TestCoverageIsProven(t *testing.T) {
	t.Parallel()
	cfg := rules()
	cfg.Roles["trainee"] = authz.RoleConfig{Inherits: []string{"editor"}, Permissions: []string{"!articles.delete", "!articles.read"}}
	rules := authztest.Config(cfg)
	const failing = "principals: {ada: {roles: [editor]}}\ncases: [{principal: ada, action: articles.read, expect: deny}]"
	assert.Contains(t, try(t, rules, failing).logs[0], "role editor: articles.read")

	const denied = head + "  - {principal: tom, action: articles.delete, resource: draft, expect: deny, reason: denied}\n"
	summary := try(t, rules, strings.Replace(denied, "principals:\n", "principals:\n  tom: {roles: [trainee]}\n", 1)).logs[0]
	assert.NotContains(t, summary, "role trainee: !articles.delete")
	assert.Contains(t, summary, "role trainee: !articles.read")

	// A policy that applies does not count where a role has decided before it.
	const published = "principals: {tom: {roles: [trainee]}}\nresources: {x: {type: Article, attributes: {owner: ada, status: published}}}\nenvironment: {ip: 192.0.2.1}\ncases: [{principal: tom, action: articles.delete, resource: x, expect: deny}]"
	assert.Contains(t, try(t, rules, published).logs[0], "policy published-stays")
}

// A table that is too long is refused, not read in part.
func TestTablesAreBounded(t *testing.T) {
	t.Parallel()
	assert.Contains(t, try(t, authztest.Config(rules()), head+strings.Repeat("#", 1<<20)).said(), "longer than 1048576 bytes")

	var principals, rows, actions strings.Builder
	for i := range 101 {
		fmt.Fprintf(&principals, "  p%d: {}\n", i)
		fmt.Fprintf(&rows, "      p%d: [%s]\n", i, strings.Repeat("deny, ", 100))
		if i > 0 {
			fmt.Fprintf(&actions, "a.b%d, ", i)
		}
	}
	table := "principals:\n" + principals.String() + "matrix:\n  - actions: [" + actions.String() + "]\n    rows:\n" + rows.String()
	assert.ErrorContains(t, authztest.ReadTable("t", []byte(table)), "at most 10000 questions")
}
