package authz_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// shifts are rules that change between day and night, in a role and in a policy: at any moment exactly one of each pair holds.
type shifts struct {
	b        bundle
	requests []authz.Request
	doors    []authz.Resource
	bells    [2]authz.Requirement
}

func newShifts(t *testing.T) *shifts {
	t.Helper()
	s := &shifts{requests: []authz.Request{{Action: "door.day"}, {Action: "door.night"}}}
	s.b = setup(t, authz.Config{
		Roles: map[string]authz.RoleConfig{"guard": holding("gate.**"), "day": holding("door.day"), "night": holding("door.night")},
		Policies: authz.PolicyConfig{Resources: map[string]authz.ResourceConfig{
			"Gate": {Attributes: map[string]string{"open": "String"}, Actions: []string{"gate.pass", "bell.day", "bell.night"}},
		}},
	})
	for i, when := range [2]string{"day", "night"} {
		s.doors = append(s.doors, authz.Resource{Type: "Gate", ID: when, Attributes: authz.Attributes{"open": when}})
		s.bells[i] = authz.RequirePermissions("door." + when)
	}
	s.turn(t, "day")
	return s
}

func (s *shifts) turn(t assert.TestingT, when string) {
	s.turnRole(t, when)
	s.turnPolicy(t, when)
}

func (s *shifts) turnRole(t assert.TestingT, when string) {
	r := authz.Role{Name: "shift", Inherits: []string{"guard", when}, Permissions: []string{"!door.never"}}
	assert.NoError(t, s.b.service.DefineRole(context.Background(), operator, "acme", r))
}

func (s *shifts) turnPolicy(t assert.TestingT, when string) {
	text := fmt.Sprintf(`@id("gate") forbid (principal, action == Action::"gate.pass", resource is Gate) unless { resource.open == %q };
		@id("bell") permit (principal in Role::"guard", action == Action::"bell.%s", resource);`, when, when)
	assert.NoError(t, s.b.service.DefinePolicy(context.Background(), operator, "acme", authz.PolicyText{Name: "shift", Format: authz.FormatCedar, Text: text}))
}

// look asks in every way, and requires answers that some moment's rules give.
func (s *shifts) look(t *testing.T, p authn.Principal) {
	t.Helper()
	ctx, service := context.Background(), s.b.service
	all, err := service.AuthorizeAll(ctx, p, append(s.requests, authz.Request{Action: "bell.day"}, authz.Request{Action: "bell.night"}, authz.Request{Action: "door.never"})...)
	assert.NoError(t, err)
	assert.True(t, all[0].Allowed != all[1].Allowed && all[2].Allowed != all[3].Allowed, "%+v", all)
	assert.Equal(t, authz.ReasonDenied, all[4].Reason)
	open, err := authz.Filter(ctx, service, p, "gate.pass", s.doors, func(r authz.Resource) authz.Resource { return r })
	assert.NoError(t, err)
	assert.Len(t, open, 1)
	e, err := service.Explain(ctx, p, "door.day", none)
	assert.NoError(t, err)
	assert.Equal(t, e.Decision.Allowed, len(e.Roles[0].Says) == 1)
	held, err := service.Permissions(ctx, p)
	assert.NoError(t, err)
	assert.Contains(t, [][]string{{"!door.never", "door.day", "gate.**"}, {"!door.never", "door.night", "gate.**"}}, held)
	_, err = service.DryRun(ctx, "acme", authz.RuleChange{DeletePolicies: []string{"shift"}}, func(func(authz.Record, error) bool) {})
	assert.NoError(t, err)
	service.Passes(&p, s.bells[0])
}

// POL-04, V8.3.2: while one changes roles, one policies and one reads them anew, everybody else gets answers of whole sets of rules, and who
// changed something sees it at once, by remembered callers too.
func TestDecisionsWhileEverythingChanges(t *testing.T) {
	t.Parallel()
	const rounds = 25
	s, p := newShifts(t), userOf("acme", "shift").Remembering()
	var writing atomic.Int32
	writing.Store(3)
	start(7, func(i int) {
		if i < 3 {
			defer writing.Add(-1)
		}
		for n := 0; i >= 3 && writing.Load() > 0; n++ {
			s.look(t, p)
		}
		for n := 0; i < 3 && n < rounds; n++ {
			when, other := []string{"day", "night"}[n%2], []string{"night", "day"}[n%2]
			switch i {
			case 0:
				s.turnRole(t, when)
				assert.False(t, s.b.service.Passes(&p, s.bells[(n+1)%2]), "before anybody decided")
				assert.True(t, s.b.service.Can(context.Background(), p, "door."+when, none))
				assert.False(t, s.b.service.Can(context.Background(), p, "door."+other, none))
				assert.False(t, s.b.service.Passes(&p, s.bells[(n+1)%2]))
			case 1:
				s.turnPolicy(t, when)
				assert.True(t, s.b.service.Can(context.Background(), p, "gate.pass", s.doors[n%2]))
				assert.False(t, s.b.service.Can(context.Background(), p, "gate.pass", s.doors[(n+1)%2]))
				assert.False(t, s.b.service.Can(context.Background(), p, "bell."+other, none))
			default:
				assert.NoError(t, s.b.service.Reload(context.Background(), []authn.Tenant{"acme", ""}[n%2]))
			}
		}
	})
	s.turn(t, "night")
	require.NoError(t, s.b.service.DeletePolicy(t.Context(), operator, "acme", "shift"))
	require.NoError(t, s.b.service.DeleteRole(t.Context(), operator, "acme", "shift"))
	require.False(t, s.b.service.Passes(&p, s.bells[1]))
	require.False(t, s.b.service.Can(t.Context(), p, "door.night", none))
}
