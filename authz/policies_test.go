package authz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/setting"
)

const pressPolicies = `
@id("own")
permit (principal, action == Action::"articles.edit", resource is Article) when { resource.owner == principal };

@id("published")
forbid (principal, action in [Action::"articles.edit", Action::"articles.delete"], resource is Article) when { resource.status == "published" };

@id("office")
forbid (principal, action == Action::"articles.export", resource) unless { context.ip.isInRange(ip("10.0.0.0/8")) };

@id("interns")
forbid (principal in Role::"intern", action == Action::"articles.read", resource);

@id("department")
permit (principal, action == Action::"articles.print", resource) when { principal has department && principal.department == "press" };
`

func press() authz.Config {
	return authz.Config{
		SuperuserRole: "root",
		Roles: map[string]authz.RoleConfig{
			"reader": holding("articles.read"), "editor": {Inherits: []string{"reader"}, Permissions: []string{"articles.edit", "articles.export", "presses.run"}},
			"intern": inheriting("reader"), "banned": holding("!articles.edit"), "trainee": inheriting("intern"),
		},
		Policies: authz.PolicyConfig{
			Inline: pressPolicies,
			Resources: map[string]authz.ResourceConfig{"Article": {
				Attributes: map[string]string{"owner": "User", "status": "String"},
				Actions:    []string{"articles.edit", "articles.delete", "articles.read", "articles.export", "articles.print"},
			}},
			Attributes: map[string]string{"department": "String"},
		},
	}
}

func article(owner, status string) authz.Resource {
	return authz.Resource{Type: "Article", ID: "a1", Attributes: authz.Attributes{"owner": owner, "status": status}}
}

// Forbid, else role permission or permit, else deny (POL-01, V8.2.2, item 17 of the original).
func TestPoliciesAndRolesTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	own, ownPublished, other := article("u1", "draft"), article("u1", "published"), article("u2", "draft")
	noStatus := authz.Resource{Type: "Article", ID: "a1", Attributes: authz.Attributes{"owner": "u1"}}
	for name, tc := range map[string]struct {
		p        authn.Principal
		action   string
		resource authz.Resource
		reason   string
		policy   string
	}{
		"permitted by a policy alone":         {user(), "articles.edit", own, authz.ReasonPermitted, "own"},
		"neither role nor policy":             {user("reader"), "articles.edit", other, authz.ReasonMissingPermission, ""},
		"granted by a role":                   {user("editor"), "articles.edit", other, authz.ReasonGranted, ""},
		"forbidden over a permit":             {user(), "articles.edit", ownPublished, authz.ReasonForbidden, "published"},
		"forbidden over a role":               {user("editor"), "articles.edit", ownPublished, authz.ReasonForbidden, "published"},
		"forbidden over the superuser":        {user("root"), "articles.edit", ownPublished, authz.ReasonForbidden, "published"},
		"superuser":                           {user("root"), "articles.edit", other, authz.ReasonSuperuser, ""},
		"taken away over a permit":            {user("banned"), "articles.edit", own, authz.ReasonDenied, ""},
		"taken away over another role":        {user("editor", "banned"), "articles.edit", other, authz.ReasonDenied, ""},
		"taken away from the superuser":       {user("root", "banned"), "articles.edit", other, authz.ReasonDenied, ""},
		"an attribute is missing":             {user("root"), "articles.edit", noStatus, authz.ReasonPolicyError, ""},
		"no resource where a forbid wants it": {user("root"), "articles.delete", none, authz.ReasonPolicyError, "published"},
		"an unknown type of resource":         {user("root"), "articles.edit", authz.Resource{Type: "Ghost", ID: "1"}, authz.ReasonPolicyError, ""},
		"forbidden to a role":                 {user("intern"), "articles.read", own, authz.ReasonForbidden, "interns"},
		"forbidden to an heir":                {user("trainee"), "articles.read", own, authz.ReasonForbidden, "interns"},
		"not forbidden to others":             {user("reader"), "articles.read", own, authz.ReasonGranted, ""},
		"no address is known":                 {user("editor"), "articles.export", own, authz.ReasonPolicyError, ""},
		"no attribute of the caller":          {user(), "articles.print", own, authz.ReasonMissingPermission, ""},
		"an action of which nothing is said":  {user("root"), "bills.pay", none, authz.ReasonSuperuser, ""},
		"another tenant's":                    {user("root"), "articles.read", authz.Resource{Type: "Article", ID: "a1", Tenant: "globex"}, authz.ReasonTenant, ""},
		"the same tenant's":                   {userOf("acme", "reader"), "articles.read", authz.Resource{Type: "Article", ID: "a1", Tenant: "acme"}, authz.ReasonGranted, ""},
		"an anonymous caller":                 {authn.Principal{}, "articles.edit", own, authz.ReasonAnonymous, ""},
		"out of scope":                        {limited("articles.read"), "articles.edit", own, authz.ReasonScope, ""},
		"in scope":                            {limited("articles.*"), "articles.edit", own, authz.ReasonPermitted, "own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := b.service.Authorize(t.Context(), tc.p, tc.action, tc.resource)
			assert.Equal(t, tc.reason == authz.ReasonPolicyError, errors.Is(err, authz.ErrEvaluation), err)
			require.Equal(t, tc.reason, d.Reason)
			allowed := tc.reason == authz.ReasonGranted || tc.reason == authz.ReasonPermitted || tc.reason == authz.ReasonSuperuser
			assert.Equal(t, allowed, d.Allowed)
			if tc.policy != "" {
				require.Len(t, d.Policies, 1)
				assert.True(t, strings.HasPrefix(d.Policies[0], tc.policy+" (auth.rbac.policies.inline:"), d.Policies[0])
			}
			assert.Equal(t, allowed, b.service.Can(t.Context(), tc.p, tc.action, tc.resource))
			e, err := b.service.Explain(t.Context(), tc.p, tc.action, tc.resource)
			assert.Equal(t, tc.reason == authz.ReasonPolicyError, err != nil)
			d.ID = ""
			assert.Equal(t, d, e.Decision)
		})
	}
}

func limited(scopes ...string) authn.Principal {
	p := user()
	p.Scopes = scopes
	return p
}

// What a guard of permissions passes is what Authorize says without a resource, remembered or not (POL-04).
func TestGuardsAskPolicies(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	export, edit, either := authz.RequirePermissions("articles.export"), authz.RequirePermissions("articles.edit"), authz.RequireAnyPermission("articles.print", "articles.export")
	office := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("10.1.2.3")}})
	home := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("192.0.2.1")}})
	p := user("editor").Remembering()
	for range 3 {
		for _, r := range []authz.Requirement{export, edit, either} {
			require.False(t, b.service.Passes(&p, r), "what depends on more than roles is not remembered")
		}
		d, err := b.service.Decide(office, &p, export)
		require.NoError(t, err)
		require.True(t, d.Allowed)
		d, err = b.service.Decide(home, &p, export)
		require.NoError(t, err)
		require.Equal(t, authz.ReasonForbidden, d.Reason)
		d, err = b.service.Decide(office, &p, either)
		require.NoError(t, err)
		require.True(t, d.Allowed)
		_, err = b.service.Decide(office, &p, edit)
		require.ErrorIs(t, err, authz.ErrEvaluation, "a forbid depends on the resource")
		d, err = b.service.DecideOn(office, &p, edit, article("u9", "draft"))
		require.NoError(t, err)
		require.True(t, d.Allowed)
	}
}

// V8.3.2: a policy counts for the very next decision, and so does its end.
func TestStoredPolicies(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	ctx, p := t.Context(), userOf("acme", "editor").Remembering()
	read := authz.RequirePermissions("presses.run")
	require.True(t, b.service.Can(ctx, p, "presses.run", none))
	require.True(t, b.service.Passes(&p, read))

	night := authz.PolicyText{Name: "night", Format: authz.FormatCedar, Text: `forbid (principal, action == Action::"presses.run", resource);`}
	require.NoError(t, b.service.DefinePolicy(ctx, operator, "acme", night))
	assert.False(t, b.service.Passes(&p, read))
	d, err := b.service.Decide(ctx, &p, read)
	require.NoError(t, err)
	assert.Equal(t, authz.ReasonForbidden, d.Reason)
	assert.Equal(t, []string{"store: night:1:1"}, d.Policies)
	assert.True(t, b.service.Can(ctx, user("editor"), "presses.run", none), "TEN-01: it is one tenant's")

	texts, err := b.service.Policies(ctx, "acme")
	require.NoError(t, err)
	assert.Equal(t, []authz.PolicyText{night}, texts)
	set, err := b.service.PolicySet(ctx, "acme")
	require.NoError(t, err)
	assert.Contains(t, string(set.Cedar()), "presses.run", "V8.1.1: policies can be exported")

	require.ErrorIs(t, b.service.DeletePolicy(ctx, operator, "", "night"), authz.ErrUnknownPolicy)
	require.NoError(t, b.service.DeletePolicy(ctx, operator, "acme", "night"))
	assert.True(t, b.service.Can(ctx, p, "presses.run", none))
	var types []audit.Type
	for _, e := range b.events.take() {
		if e.Type != audit.AccessDenied {
			types = append(types, e.Type)
			assert.Equal(t, map[string]string{"policy": "night"}, e.Detail)
		}
	}
	assert.Equal(t, []audit.Type{audit.PolicyDefined, audit.PolicyDeleted}, types)
}

// What cannot be right is not stored: item 20 and 22 of the original.
func TestStoredPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	ctx := t.Context()
	require.NoError(t, b.service.DefineRole(ctx, operator, "", authz.Role{Name: "night-shift", Permissions: []string{"presses.stop"}}))
	define := func(text string) error {
		return b.service.DefinePolicy(ctx, operator, "", authz.PolicyText{Name: "p", Format: authz.FormatCedar, Text: text})
	}
	for _, text := range []string{
		`permit (principal, action == Action::"articles.edti", resource);`,
		`permit (principal in Role::"ghost", action == Action::"articles.edit", resource);`,
		`permit (principal, action == Action::"articles.edit", resource) when { resource.ownr == principal };`,
		`permit (principal, action`,
	} {
		err := define(text)
		require.ErrorIs(t, err, authz.ErrPolicies, text)
		faults := policy.Faults(err)
		require.NotEmpty(t, faults)
		assert.Equal(t, "store: p", faults[0].Source)
		assert.Equal(t, 1, faults[0].Line)
	}
	require.ErrorIs(t, b.service.DefinePolicy(ctx, operator, "", authz.PolicyText{Name: "No Name", Format: "cedar"}), authz.ErrPolicyName)
	require.ErrorIs(t, b.service.DefinePolicy(ctx, operator, "", authz.PolicyText{Name: "p", Format: "rego"}), authz.ErrPolicyFormat)
	texts, err := b.service.Policies(ctx, "")
	require.NoError(t, err)
	assert.Empty(t, texts)

	require.NoError(t, define(`permit (principal in Role::"night-shift", action == Action::"presses.stop", resource);`), "a tenant's own role and permission")
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "", "night-shift"), authz.ErrPolicies, "a policy names it")
}

// A policy of the configuration that is wrong is an error of the start, with its place.
func TestNewChecksPolicies(t *testing.T) {
	t.Parallel()
	cfg := press()
	cfg.Policies.Inline += "\npermit (principal, action == Action::\"articles.eddit\", resource);"
	store := newFakeStore()
	_, err := authz.New(cfg, authz.Deps{Rules: store, Assignments: store})
	require.ErrorIs(t, err, authz.ErrPolicies)
	assert.Contains(t, err.Error(), "auth.rbac.policies.inline:17:38")
	assert.Contains(t, err.Error(), "articles.edit")
}

type attributes func(p authn.Principal) (authz.Attributes, error)

func (f attributes) PrincipalAttributes(_ context.Context, p authn.Principal) (authz.Attributes, error) {
	return f(p)
}

func withDeps(t *testing.T, cfg authz.Config, deps authz.Deps) *authz.Service {
	t.Helper()
	store := newFakeStore()
	deps.Rules, deps.Assignments = store, store
	service, err := authz.New(cfg, deps)
	require.NoError(t, err)
	return service
}

func TestAttributesOfTheCaller(t *testing.T) {
	t.Parallel()
	asked := 0
	service := withDeps(t, press(), authz.Deps{Attributes: attributes(func(p authn.Principal) (authz.Attributes, error) {
		asked++
		if p.Subject.ID == "broken" {
			return nil, errStore
		}
		return authz.Attributes{"department": map[string]string{"u1": "press", "u2": "sales"}[p.Subject.ID]}, nil
	})})
	ctx := t.Context()
	assert.True(t, service.Can(ctx, user("reader"), "articles.print", none))
	other, broken := user("reader"), user("root")
	other.Subject.ID, broken.Subject.ID = "u2", "broken"
	assert.False(t, service.Can(ctx, other, "articles.print", none))
	d, err := service.Authorize(ctx, broken, "articles.print", none)
	require.ErrorIs(t, err, errStore)
	assert.False(t, d.Allowed, "POL-01: what cannot be known denies")
	before := asked
	assert.True(t, service.Can(ctx, broken, "bills.pay", none))
	assert.Equal(t, before, asked, "no policy is asked about it")
}

func TestFilterAndAuthorizeAll(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	list := []authz.Resource{article("u1", "draft"), article("u2", "draft"), article("u1", "published")}
	mine, err := authz.Filter(t.Context(), b.service, user(), "articles.edit", list, func(r authz.Resource) authz.Resource { return r })
	require.NoError(t, err)
	assert.Equal(t, list[:1], mine)
	assert.Empty(t, b.events.take(), "what is left out of a list is no denial")
	broken := append(list, authz.Resource{Type: "Article", ID: "x"})
	_, err = authz.Filter(t.Context(), b.service, user(), "articles.edit", broken, func(r authz.Resource) authz.Resource { return r })
	require.ErrorIs(t, err, authz.ErrEvaluation)
	_, err = authz.Filter(t.Context(), b.service, user(), "articles.*", list, func(r authz.Resource) authz.Resource { return r })
	require.ErrorIs(t, err, authz.ErrPermissionSyntax)

	ds, err := b.service.AuthorizeAll(t.Context(), user("reader"), authz.Request{Action: "articles.read"}, authz.Request{Action: "articles.edit", Resource: list[2]}, authz.Request{Action: "articles.edit", Resource: list[0]})
	require.NoError(t, err)
	assert.Equal(t, []string{authz.ReasonGranted, authz.ReasonForbidden, authz.ReasonPermitted}, []string{ds[0].Reason, ds[1].Reason, ds[2].Reason})
	ds, err = b.service.AuthorizeAll(t.Context(), user("reader"), authz.Request{Action: "articles.read"}, authz.Request{Action: "*"}, authz.Request{Action: "articles.read"})
	require.ErrorIs(t, err, authz.ErrPermissionSyntax)
	assert.Equal(t, []bool{true, false, false}, []bool{ds[0].Allowed, ds[1].Allowed, ds[2].Allowed})
}

// Recorded decisions tell what a change would do before it is made.
func TestDryRun(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	service := withDeps(t, press(), authz.Deps{
		Recorder: authz.NewJSONRecorder(&log), Now: func() time.Time { return testNow },
		Attributes: attributes(func(authn.Principal) (authz.Attributes, error) {
			return authz.Attributes{"department": "press", "apiToken": setting.Secret("hush")}, nil
		}),
	})
	ctx := t.Context()
	for _, p := range []authn.Principal{user("editor"), user("reader"), userOf("acme", "editor"), limited("articles.edit"), limited()} {
		service.Can(ctx, p, "articles.edit", article("u1", "draft"))
		service.Can(ctx, p, "articles.read", none)
		service.Can(ctx, p, "articles.print", none)
	}
	assert.NotContains(t, log.String(), "hush")
	text := log.String()
	run := func(c authz.RuleChange) []authz.Difference {
		found, err := service.DryRun(ctx, "", c, authz.ReadRecords(strings.NewReader(text)))
		require.NoError(t, err)
		return found
	}
	assert.Empty(t, run(authz.RuleChange{}), "the same rules decide the same")
	strict := authz.PolicyText{Name: "strict", Format: authz.FormatCedar, Text: `forbid (principal, action == Action::"articles.edit", resource) unless { principal in Role::"editor" };`}
	found := run(authz.RuleChange{PutPolicies: []authz.PolicyText{strict}})
	require.Len(t, found, 3)
	assert.Equal(t, []string{"reader"}, found[0].Record.Assigned)
	assert.Equal(t, authz.ReasonForbidden, found[0].Now.Reason)
	found = run(authz.RuleChange{PutRoles: []authz.Role{{Name: "reader"}}})
	require.NotEmpty(t, found)
	for _, d := range found {
		assert.Equal(t, "articles.read", d.Record.Request.Action)
		assert.True(t, d.Record.Allowed)
	}
	_, err := service.DryRun(ctx, "", authz.RuleChange{PutPolicies: []authz.PolicyText{{Name: "x", Format: "cedar", Text: "permit"}}}, authz.ReadRecords(strings.NewReader(text)))
	require.ErrorIs(t, err, authz.ErrPolicies)
	_, err = service.DryRun(ctx, "", authz.RuleChange{}, authz.ReadRecords(strings.NewReader(text+"{")))
	require.ErrorIs(t, err, authz.ErrRecord)
	texts, err := service.Policies(ctx, "")
	require.NoError(t, err)
	assert.Empty(t, texts, "nothing was stored")
}

// Decisions that allow are told of when they are sampled, guards that remember included.
func TestSampledEvents(t *testing.T) {
	t.Parallel()
	cfg := press()
	cfg.GrantedEventsPercent, cfg.DeniedEventsPercent = 50, 25
	b := setup(t, cfg)
	p, read := user("editor").Remembering(), authz.RequirePermissions("articles.read")
	for range 8 {
		if !b.service.Passes(&p, read) {
			_, err := b.service.Decide(t.Context(), &p, read)
			require.NoError(t, err)
		}
		b.service.Can(t.Context(), p, "bills.pay", none)
	}
	counts := map[audit.Type]int{}
	for _, e := range b.events.take() {
		counts[e.Type]++
	}
	assert.Equal(t, map[audit.Type]int{audit.AccessGranted: 4, audit.AccessDenied: 2}, counts)
}

// Policies know all roles of a caller, inherited ones included, however many there are.
func TestPoliciesKnowManyRoles(t *testing.T) {
	t.Parallel()
	cfg := authz.Config{Policies: authz.PolicyConfig{
		Inline:    `forbid (principal in Role::"c1", action == Action::"end.reached", resource); forbid (principal in Role::"other", action == Action::"end.reached", resource);`,
		Resources: map[string]authz.ResourceConfig{"End": {Actions: []string{"end.reached"}}},
	}}
	for _, length := range []int{2, 31, 32, 33, 200} {
		b := setup(t, cfg, append(chain(length, 0), authz.Role{Name: "other"}, authz.Role{Name: "late", Inherits: []string{"c0"}})...)
		last := fmt.Sprintf("c%d", length-1)
		for _, tc := range []struct {
			roles  []string
			reason string
		}{
			{[]string{last}, authz.ReasonForbidden}, {[]string{last, last, "late"}, authz.ReasonForbidden}, {[]string{"late", last}, authz.ReasonForbidden},
			{[]string{"late", "c0"}, authz.ReasonGranted}, {[]string{"late", "other"}, authz.ReasonForbidden},
		} {
			d, err := b.service.Authorize(t.Context(), user(tc.roles...), "end.reached", none)
			require.NoError(t, err)
			require.Equal(t, tc.reason, d.Reason, "%v of %d", tc.roles, length)
		}
		d, err := b.service.Authorize(t.Context(), user(last, "other"), "end.reached", none)
		require.NoError(t, err)
		require.Len(t, d.Policies, 2)
	}
}
