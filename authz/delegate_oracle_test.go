package authz_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// realm is a random world of a few roles, accounts and permissions, small enough to ask about everything.
type realm struct {
	*rand.Rand
	bundle
	accounts []authn.Subject
	// forbids says that a policy forbids everything to those in r1.
	forbids bool
}

var (
	realmRoles    = []string{"r0", "r1", "r2", "r3", "r4", "r5", "root"}
	realmResource = []string{"a", "b", "c"}
	realmActions  = []string{"x", "y", "z"}
	realmPatterns = []string{"a.x", "a.y", "b.x", "b.z", "c.y", "a.*", "b.*", "*.x", "*.z", "a.**", "*.*", "**", "!a.x", "!b.*", "!*.z", authz.PermissionGrantAny}
)

func (r realm) some(most int, list []string) (chosen []string) {
	for range min(r.IntN(most+1), most*len(list)) {
		chosen = append(chosen, list[r.IntN(len(list))])
	}
	return chosen
}

func newRealm(t *testing.T, seed uint64) realm {
	t.Helper()
	r := realm{Rand: rand.New(rand.NewPCG(seed, 1))}
	cfg := authz.Config{DefaultRole: "r0", SuperuserRole: "root", Roles: map[string]authz.RoleConfig{}}
	for i, name := range realmRoles {
		cfg.Roles[name] = authz.RoleConfig{Permissions: r.some(3, realmPatterns), Inherits: r.some(2, realmRoles[:i])}
	}
	if r.forbids = seed%2 == 0; r.forbids {
		cfg.Policies.Inline = `forbid (principal in Role::"r1", action, resource); permit (principal in Role::"r2", action == Action::"c.x", resource);`
		cfg.Roles["r3"] = authz.RoleConfig{Permissions: append(cfg.Roles["r3"].Permissions, "c.x"), Inherits: cfg.Roles["r3"].Inherits}
	}
	r.bundle = setup(t, cfg)
	for i := range 4 {
		s := authn.Subject{ID: fmt.Sprint("u", i)}
		r.accounts = append(r.accounts, s)
		for _, role := range r.some(3, realmRoles) {
			require.NoError(t, r.service.Assign(t.Context(), operator, s, role))
		}
	}
	return r
}

func (r realm) caller(t *testing.T, s authn.Subject) authn.Principal {
	t.Helper()
	assigned, _, err := r.service.RolesOf(t.Context(), s)
	require.NoError(t, err)
	return authn.Principal{Kind: authn.KindUser, Subject: s, Roles: assigned}
}

// may are all permissions and roles that an account has.
func (r realm) may(t *testing.T, s authn.Subject) map[string]bool {
	t.Helper()
	p, may := r.caller(t, s), map[string]bool{}
	for _, resource := range realmResource {
		for _, action := range realmActions {
			may[resource+"."+action] = r.service.Can(t.Context(), p, resource+"."+action, none)
		}
	}
	may[authz.PermissionGrantAny] = r.service.Can(t.Context(), p, authz.PermissionGrantAny, none)
	for _, role := range realmRoles {
		has, err := r.service.Holds(t.Context(), "", p.Roles, role)
		require.NoError(t, err)
		may["role "+role] = has
	}
	return may
}

// act does one thing at random.
func (r realm) act(t *testing.T, p authn.Principal) (string, error) {
	t.Helper()
	role, account, d := realmRoles[r.IntN(len(realmRoles))], r.accounts[r.IntN(len(r.accounts))], r.service.OnBehalfOf(p)
	if r.IntN(2) == 0 {
		role = p.Roles[r.IntN(len(p.Roles))]
	}
	switch r.IntN(5) {
	case 0:
		return "unassign " + role + " " + account.ID, d.Unassign(t.Context(), account.ID, role)
	case 1:
		return "delete " + role, d.DeleteRole(t.Context(), role)
	case 2:
		return "assign " + role + " " + account.ID, d.AssignUntil(t.Context(), account.ID, role, time.Time{})
	}
	define := authz.Role{Name: role, Permissions: r.some(3, realmPatterns), Inherits: r.some(2, realmRoles)}
	return fmt.Sprintf("define %v", define), d.DefineRole(t.Context(), define)
}

// V8.2.1: whatever a caller without PermissionGrantAny does, nobody may do or is afterwards what neither it itself nor
// the caller did and was before, and the caller gains nothing at all. What is taken is within what the caller had. Nobody
// becomes a superuser but by a superuser.
func TestDelegateRaisesNobody(t *testing.T) {
	t.Parallel()
	done, unlimited := 0, 0
	for seed := range uint64(600) {
		r := newRealm(t, seed)
		for range 8 {
			actor := r.accounts[r.IntN(len(r.accounts))]
			before := map[authn.Subject]map[string]bool{}
			for _, s := range r.accounts {
				before[s] = r.may(t, s)
			}
			if before[actor]["role r1"] && r.forbids { // whom no guard would let get here
				continue
			}
			what, err := r.act(t, r.caller(t, actor))
			if err != nil {
				continue
			}
			own := before[actor]
			if own[authz.PermissionGrantAny] {
				unlimited++
				require.True(t, r.may(t, actor)[authz.PermissionGrantAny], "seed %d: %s locks its own caller out", seed, what)
			} else {
				done++
			}
			for _, s := range r.accounts {
				for right, has := range r.may(t, s) {
					had := before[s][right]
					switch {
					case right == "role r0": // the default role of those who have none
					case has == had || right != "role root" && own[authz.PermissionGrantAny]:
					case has:
						require.True(t, own[right], "seed %d: %s by %s gives %s %s", seed, what, actor.ID, s.ID, right)
						require.NotEqual(t, actor, s, "seed %d: %s gives its own caller %s", seed, what, right)
					case what[:6] != "assign":
						require.True(t, own[right], "seed %d: %s by %s takes %s from %s", seed, what, actor.ID, right, s.ID)
					}
				}
			}
		}
	}
	require.Greater(t, done, 100, "things done within limits")
	require.Greater(t, unlimited, 50, "things done without")
}
