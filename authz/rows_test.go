package authz_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// V8.1.2, V8.1.3 and V8.1.4: the rules for fields, and the attributes and circumstances that decisions depend on, are written
// down where they decide, and can be exported from there.
func TestRulesOfFieldsAreExported(t *testing.T) {
	t.Parallel()
	cfg := authz.Config{
		Roles: map[string]authz.RoleConfig{"clerk": holding("fields.read")},
		Policies: authz.PolicyConfig{
			Short: `
policies:
  - id: salary-from-the-office
    deny: fields.read
    resource: Field
    when: resource.confidential && !context.ip.isInRange(ip("10.0.0.0/8"))
`,
			Resources: map[string]authz.ResourceConfig{"Field": {Attributes: map[string]string{"confidential": "Bool"}, Actions: []string{"fields.read"}}},
		},
	}
	b := setup(t, cfg)
	set, err := b.service.PolicySet(t.Context(), "")
	require.NoError(t, err)
	assert.Contains(t, string(set.Cedar()), `@id("salary-from-the-office")`)
	assert.Contains(t, string(set.Cedar()), "resource.confidential")
	assert.Contains(t, string(set.Schema()), "confidential")
	assert.Contains(t, string(set.Schema()), "mfaAge", "what is known of a request is listed with its type")

	salary := authz.Resource{Type: "Field", ID: "salary", Attributes: authz.Attributes{"confidential": true}}
	office := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("10.0.0.9")}})
	home := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("198.51.100.9")}})
	assert.True(t, b.service.Can(office, user("clerk"), "fields.read", salary))
	assert.False(t, b.service.Can(home, user("clerk"), "fields.read", salary))
}

// V8.4.2: what administers asks for more than a role: an address of the company, and a second factor not long ago.
func TestAdministrationIsLayered(t *testing.T) {
	t.Parallel()
	b := setup(t, authz.Config{
		SuperuserRole: "root",
		Roles:         map[string]authz.RoleConfig{"admin": holding("roles.write")},
		Policies: authz.PolicyConfig{Inline: `
@id("from-the-company")
forbid (principal, action == Action::"roles.write", resource) unless { context.ip.isInRange(ip("10.0.0.0/8")) };
@id("after-a-second-factor")
forbid (principal, action == Action::"roles.write", resource) when { context.mfaAge > 300 };`},
	})
	within := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("10.0.0.9")}})
	outside := authz.WithEnvironment(t.Context(), authz.Environment{Context: policy.Context{IP: netip.MustParseAddr("198.51.100.9")}})
	for _, role := range []string{"admin", "root"} {
		fresh, stale, single := user(role), user(role), user(role)
		fresh.Methods, fresh.AuthTime, fresh.MFATime = []string{"pwd", "otp", "mfa"}, testNow.Add(-time.Hour), testNow.Add(-time.Minute)
		stale.Methods, stale.AuthTime, stale.MFATime = fresh.Methods, testNow.Add(-time.Minute), testNow.Add(-time.Hour)
		single.Methods, single.AuthTime = []string{"pwd"}, testNow
		assert.True(t, b.service.Can(within, fresh, "roles.write", none))
		assert.False(t, b.service.Can(outside, fresh, "roles.write", none))
		assert.False(t, b.service.Can(within, stale, "roles.write", none))
		assert.False(t, b.service.Can(within, single, "roles.write", none))
		assert.False(t, b.service.Can(t.Context(), fresh, "roles.write", none), "POL-01: no address is none of the company's")
	}
}
