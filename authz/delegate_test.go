package authz_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

// offices has a lead who administers within his own roles, and an admin who does so without limits.
func offices() authz.Config {
	return authz.Config{
		DefaultRole: "guest", SuperuserRole: "root",
		Roles: map[string]authz.RoleConfig{
			"guest":    {},
			"author":   holding("articles.read", "articles.edit"),
			"editor":   {Inherits: []string{"author"}, Permissions: []string{"articles.**"}},
			"lead":     {Inherits: []string{"editor"}, Permissions: []string{"roles.*", "assignments.*"}},
			"admin":    holding("**"),
			"twosome":  holding("*.*"),
			"careful":  {Inherits: []string{"author"}, Permissions: []string{"!articles.delete"}},
			"billing":  holding("bills.*"),
			"empty":    {},
			"chief":    {Inherits: []string{"author"}, Permissions: []string{"bills.*"}},
			"root":     {},
			"heir":     inheriting("root"),
			"intern":   inheriting("author"),
			"trainer":  {Inherits: []string{"intern", "careful"}, Permissions: []string{"articles.**", "roles.*", "assignments.*"}},
			"watchman": {Inherits: []string{"intern"}},
		},
		Policies: authz.PolicyConfig{Inline: `forbid (principal in Role::"intern", action == Action::"articles.edit", resource);`},
	}
}

func TestDelegateDefines(t *testing.T) {
	t.Parallel()
	role := func(name string, inherits []string, permissions ...string) authz.Role {
		return authz.Role{Name: name, Inherits: inherits, Permissions: permissions}
	}
	for name, tc := range map[string]struct {
		actor   string
		role    authz.Role
		refused error
		field   string
	}{
		"within":                                   {"lead", role("fresh", nil, "articles.read", "articles.comments.*"), nil, ""},
		"all that he has":                          {"lead", role("fresh", nil, "articles.**"), nil, ""},
		"a parent that he has":                     {"lead", role("fresh", []string{"author"}), nil, ""},
		"with something taken away":                {"lead", role("fresh", nil, "articles.**", "!articles.delete"), nil, ""},
		"beyond":                                   {"lead", role("fresh", nil, "articles.read", "bills.pay"), authz.ErrBeyond, "permissions[1]"},
		"a wider pattern":                          {"lead", role("fresh", nil, "*.read"), authz.ErrBeyond, "permissions[0]"},
		"everything":                               {"lead", role("fresh", nil, "**"), authz.ErrBeyond, "permissions[0]"},
		"the way out of all limits":                {"lead", role("fresh", nil, authz.PermissionGrantAny), authz.ErrBeyond, "permissions[0]"},
		"a parent that he has not":                 {"lead", role("fresh", []string{"author", "admin"}), authz.ErrBeyond, "inherits[1]"},
		"a parent that holds nothing":              {"lead", role("fresh", []string{"empty"}), authz.ErrBeyond, "inherits[0]"},
		"the superuser role as parent":             {"lead", role("fresh", []string{"root"}), authz.ErrBeyond, "inherits[0]"},
		"his own role made more":                   {"lead", role("lead", []string{"editor"}, "**"), authz.ErrBeyond, "permissions[0]"},
		"his own role's parent made more":          {"lead", role("author", nil, "articles.read", "bills.*"), authz.ErrBeyond, "permissions[1]"},
		"a role above him made less":               {"lead", role("admin", nil), authz.ErrBeyond, ""},
		"a role beside him":                        {"lead", role("billing", nil, "articles.read"), authz.ErrBeyond, ""},
		"a parent of a role above him":             {"lead", role("author", nil, "articles.read"), authz.ErrBeyond, ""},
		"taking away in an existing role":          {"lead", role("editor", []string{"author"}, "articles.**", "!articles.read"), authz.ErrBeyond, ""},
		"no longer taking away":                    {"lead", role("careful", []string{"author"}), authz.ErrBeyond, ""},
		"a parent that takes away":                 {"lead", role("empty", []string{"careful"}), authz.ErrBeyond, "inherits[0]"},
		"what his own role takes away":             {"trainer", role("fresh", nil, "articles.read", "articles.delete"), authz.ErrBeyond, "permissions[1]"},
		"what his own role takes away of more":     {"trainer", role("fresh", nil, "articles.*"), authz.ErrBeyond, "permissions[0]"},
		"the same, taken away again":               {"trainer", role("fresh", nil, "articles.*", "!articles.delete"), nil, ""},
		"around what his own role takes away":      {"careful", role("fresh", nil, "articles.read"), nil, ""},
		"out of a role that policies forbid":       {"trainer", role("watchman", []string{"author"}), authz.ErrBeyond, ""},
		"into a role that policies forbid":         {"trainer", role("guest", []string{"intern"}), authz.ErrBeyond, ""},
		"no role at all":                           {"guest", role("fresh", nil, "articles.read"), authz.ErrBeyond, "permissions[0]"},
		"without limits":                           {"admin", role("fresh", []string{"billing"}, "**"), nil, ""},
		"without limits, by *.*":                   {"twosome", role("billing", nil, "articles.**"), nil, ""},
		"the superuser role, without limits":       {"admin", role("root", nil, "articles.read"), authz.ErrBeyond, ""},
		"its heir, without limits":                 {"admin", role("heir", nil), authz.ErrBeyond, ""},
		"an heir of it, without limits":            {"admin", role("fresh", []string{"root"}), authz.ErrBeyond, ""},
		"the superuser":                            {"root", role("fresh", []string{"root"}), nil, ""},
		"himself out":                              {"admin", role("admin", nil, "articles.read"), authz.ErrLockout, ""},
		"himself out, by !":                        {"admin", role("admin", nil, "**", "!privileges.*"), authz.ErrLockout, ""},
		"less, but not out":                        {"admin", role("admin", nil, "privileges.grant_any"), nil, ""},
		"everybody a superuser":                    {"root", role("guest", []string{"root"}), authz.ErrSuperuserDefault, ""},
		"a circle":                                 {"lead", role("author", []string{"editor"}, "articles.read"), authz.ErrRoleCycle, ""},
		"the same again, of a role above him":      {"lead", role("admin", nil, "**"), authz.ErrBeyond, "permissions[0]"},
		"what he may not, among what is malformed": {"lead", role("fresh", nil, "**", "Ä"), authz.ErrPermissionSyntax, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, offices())
			err := b.service.OnBehalfOf(userOf("acme", tc.actor)).DefineRole(t.Context(), tc.role)
			if tc.refused == nil {
				require.NoError(t, err)
				assert.Len(t, b.events.take(), 1)
				return
			}
			require.ErrorIs(t, err, tc.refused)
			assert.Zero(t, b.store.writes)
			assert.Empty(t, b.events.take())
			var fault *authn.FieldError
			if tc.field == "" {
				assert.NotErrorAs(t, err, &fault)
				return
			}
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, tc.field, fault.Field)
		})
	}
}

// A role that is deleted in the store gives way to that of the configuration, which may hold more, or take less away.
func TestDelegateDeletes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		actor   string
		stored  authz.Role
		refused error
	}{
		"within":                     {"lead", authz.Role{Name: "fresh", Permissions: []string{"articles.read"}}, nil},
		"beyond":                     {"lead", authz.Role{Name: "fresh", Permissions: []string{"bills.pay"}}, authz.ErrBeyond},
		"takes away":                 {"lead", authz.Role{Name: "fresh", Permissions: []string{"!articles.read"}}, authz.ErrBeyond},
		"brings back more":           {"lead", authz.Role{Name: "billing", Permissions: []string{"articles.read"}}, authz.ErrBeyond},
		"brings back an own role":    {"lead", authz.Role{Name: "editor", Inherits: []string{"author"}}, authz.ErrBeyond},
		"brings back a limit":        {"lead", authz.Role{Name: "careful", Inherits: []string{"author"}}, authz.ErrBeyond},
		"without limits":             {"admin", authz.Role{Name: "billing", Permissions: []string{"articles.read"}}, nil},
		"himself out":                {"billing", authz.Role{Name: "billing", Permissions: []string{"**"}}, authz.ErrLockout},
		"the superuser role":         {"admin", authz.Role{Name: "root", Permissions: []string{"**"}}, authz.ErrBeyond},
		"of the configuration alone": {"admin", authz.Role{Name: "other"}, authz.ErrRoleFixed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			store.seed("acme", tc.stored)
			b := setupOn(t, store, offices())
			if tc.refused == authz.ErrRoleFixed { //nolint:errorlint // the very one of the table
				tc.stored.Name = "author"
			}
			err := b.service.OnBehalfOf(userOf("acme", tc.actor)).DeleteRole(t.Context(), tc.stored.Name)
			if tc.refused == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tc.refused)
		})
	}
}

func TestDelegateAssigns(t *testing.T) {
	t.Parallel()
	tomorrow, later := testNow.AddDate(0, 0, 1), testNow.AddDate(0, 0, 2)
	by := func(role string) []authz.Assignment { return []authz.Assignment{{Role: role}} }
	until := func(role string, at time.Time) []authz.Assignment { return []authz.Assignment{{Role: role, Until: at}} }
	for name, tc := range map[string]struct {
		// actor and target are what each is assigned.
		actor, target []authz.Assignment
		self          bool
		give, take    string
		until         time.Time
		refused       error
	}{
		"an own role":                              {actor: by("lead"), give: "lead"},
		"an inherited role":                        {actor: by("lead"), give: "author", target: by("billing")},
		"a role within, that he has not":           {actor: by("lead"), give: "empty", refused: authz.ErrBeyond},
		"a role beyond":                            {actor: by("lead"), give: "billing", refused: authz.ErrBeyond},
		"a role above":                             {actor: by("lead"), give: "admin", refused: authz.ErrBeyond},
		"the superuser role":                       {actor: by("lead"), give: "root", refused: authz.ErrBeyond},
		"a role that takes away":                   {actor: by("trainer"), give: "careful", target: by("admin"), refused: authz.ErrBeyond},
		"no such role":                             {actor: by("admin"), give: "nosuch", refused: authz.ErrUnknownRole},
		"to himself":                               {actor: by("lead"), give: "author", self: true, refused: authz.ErrBeyond},
		"for longer than he has it":                {actor: until("lead", tomorrow), give: "author", until: later, refused: authz.ErrBeyond},
		"for good, what he has for a while":        {actor: until("lead", tomorrow), give: "author", refused: authz.ErrBeyond},
		"for as long as he has it":                 {actor: until("lead", tomorrow), give: "author", until: tomorrow},
		"for good, what he has for good as well":   {actor: append(until("lead", tomorrow), by("editor")...), give: "author"},
		"for good, what he has for good elsewhere": {actor: append(until("lead", tomorrow), by("billing")...), give: "author", refused: authz.ErrBeyond},
		"in the past":                              {actor: by("admin"), give: "author", until: testNow, refused: authz.ErrEnded},
		"a shorter time":                           {actor: by("lead"), give: "author", target: by("author"), until: tomorrow},
		"a shorter time of what policies forbid":   {actor: []authz.Assignment{{Role: "intern"}, {Role: "lead"}}, give: "intern", target: by("intern"), until: tomorrow, refused: authz.ErrBeyond},
		"without limits":                           {actor: by("admin"), give: "billing"},
		"without limits, to himself":               {actor: by("admin"), give: "billing", self: true},
		"himself out":                              {actor: by("twosome"), give: "twosome", until: tomorrow, self: true, refused: authz.ErrLockout},
		"the superuser role, without limits":       {actor: by("admin"), give: "root", refused: authz.ErrBeyond},
		"its heir, without limits":                 {actor: by("admin"), give: "heir", refused: authz.ErrBeyond},
		"the superuser":                            {actor: by("root"), give: "heir"},

		"takes an own role":                 {actor: by("lead"), take: "editor", target: by("editor")},
		"takes what is not there":           {actor: by("lead"), take: "editor"},
		"takes a role defined nowhere":      {actor: by("lead"), take: "nosuch", target: by("nosuch")},
		"takes a role above":                {actor: by("lead"), take: "admin", target: by("admin"), refused: authz.ErrBeyond},
		"takes a limit":                     {actor: by("trainer"), take: "careful", target: by("careful"), refused: authz.ErrBeyond},
		"takes what policies forbid":        {actor: by("trainer"), take: "intern", target: by("intern"), refused: authz.ErrBeyond},
		"takes an own role from himself":    {actor: by("lead"), take: "lead", self: true, refused: authz.ErrBeyond},
		"takes the superuser role":          {actor: by("admin"), take: "root", target: by("root"), refused: authz.ErrBeyond},
		"takes without limits":              {actor: by("admin"), take: "admin", target: by("admin")},
		"takes himself out":                 {actor: by("admin"), take: "admin", self: true, refused: authz.ErrLockout},
		"takes one of two that do the same": {actor: append(by("admin"), by("twosome")...), take: "admin", self: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, offices())
			target, actor := authn.Subject{Tenant: "acme", ID: "u2"}, userOf("acme")
			b.store.assignments[target], b.store.assignments[actor.Subject] = tc.target, tc.actor
			if tc.self {
				target = actor.Subject
			}
			for _, a := range tc.actor {
				actor.Roles = append(actor.Roles, a.Role)
			}
			before, err := b.service.Assignments(t.Context(), target)
			require.NoError(t, err)
			if d := b.service.OnBehalfOf(actor); tc.give != "" {
				err = d.AssignUntil(t.Context(), target.ID, tc.give, tc.until)
			} else {
				err = d.Unassign(t.Context(), target.ID, tc.take)
			}
			after, readErr := b.service.Assignments(t.Context(), target)
			require.NoError(t, readErr)
			if tc.refused != nil {
				require.ErrorIs(t, err, tc.refused)
				assert.Equal(t, before, after)
				return
			}
			require.NoError(t, err)
			if tc.give != "" {
				assert.Contains(t, after, authz.Assignment{Role: tc.give, Until: tc.until})
			}
			for _, a := range after {
				assert.NotEqual(t, tc.take, a.Role)
			}
		})
	}
}

// The first assignment of an account ends its default role, and with it what that takes away.
func TestDelegateKeepsTheDefaultRole(t *testing.T) {
	t.Parallel()
	cfg := offices()
	cfg.Roles["guest"] = holding("!articles.edit")
	b := setup(t, cfg)
	lead := userOf("acme", "lead")
	require.ErrorIs(t, b.service.OnBehalfOf(lead).AssignUntil(t.Context(), "u2", "author", time.Time{}), authz.ErrBeyond)
	require.NoError(t, b.service.Assign(t.Context(), operator, authn.Subject{Tenant: "acme", ID: "u2"}, "empty"))
	require.NoError(t, b.service.OnBehalfOf(lead).AssignUntil(t.Context(), "u2", "author", time.Time{}))
}

// Nothing is done for a credential that can do less than a login, for nobody, and while roles are switched off.
func TestDelegateWantsALogin(t *testing.T) {
	t.Parallel()
	limited, key, foreign := userOf("acme", "admin"), userOf("acme", "admin"), userOf("acme", "admin")
	limited.Scopes, key.KeyID, foreign.Issuer = []string{"**"}, "k1", "keycloak"
	off := offices()
	off.Enabled = setting.Off
	for name, tc := range map[string]struct {
		cfg     authz.Config
		actor   authn.Principal
		refused error
	}{
		"scopes":       {offices(), limited, authn.ErrLoginRequired},
		"API key":      {offices(), key, authn.ErrLoginRequired},
		"other issuer": {offices(), foreign, authn.ErrLoginRequired},
		"nobody":       {offices(), authn.Principal{Roles: []string{"admin"}}, authn.ErrLoginRequired},
		"switched off": {off, userOf("acme", "admin"), authz.ErrDisabled},
	} {
		b := setup(t, tc.cfg)
		d := b.service.OnBehalfOf(tc.actor)
		for what, do := range map[string]func(context.Context) error{
			"DefineRole":  func(ctx context.Context) error { return d.DefineRole(ctx, authz.Role{Name: "fresh"}) },
			"DeleteRole":  func(ctx context.Context) error { return d.DeleteRole(ctx, "fresh") },
			"AssignUntil": func(ctx context.Context) error { return d.AssignUntil(ctx, "u2", "author", time.Time{}) },
			"Unassign":    func(ctx context.Context) error { return d.Unassign(ctx, "u2", "author") },
			"DefinePolicy": func(ctx context.Context) error {
				return d.DefinePolicy(ctx, authz.PolicyText{Name: "p", Format: "cedar"})
			},
			"DeletePolicy": func(ctx context.Context) error { return d.DeletePolicy(ctx, "p") },
		} {
			require.ErrorIs(t, do(t.Context()), tc.refused, "%s: %s", name, what)
		}
		assert.Zero(t, b.store.writes)
	}
}

func TestDelegatePolicies(t *testing.T) {
	t.Parallel()
	b := setup(t, offices())
	admin := b.service.OnBehalfOf(userOf("acme", "admin"))
	text := func(body string) authz.PolicyText { return authz.PolicyText{Name: "p", Format: "cedar", Text: body} }
	require.ErrorIs(t, admin.DefinePolicy(t.Context(), text(`forbid (principal, action, resource);`)), authz.ErrLockout)
	require.NoError(t, admin.DefinePolicy(t.Context(), text(`forbid (principal in Role::"billing", action, resource);`)))
	require.NoError(t, admin.DeletePolicy(t.Context(), "p"))
	require.NoError(t, b.service.DefinePolicy(t.Context(), operator, "acme", text(`permit (principal == User::"u1", action, resource);`)))
	guest := b.service.OnBehalfOf(userOf("acme", "guest"))
	require.ErrorIs(t, guest.DeletePolicy(t.Context(), "p"), authz.ErrLockout, "whom a policy lets hand on anything")
	assert.Equal(t, []audit.Type{audit.PolicyDefined, audit.PolicyDeleted, audit.PolicyDefined}, typesOf(b.events.take()))
}

func typesOf(events []audit.Event) (types []audit.Type) {
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

func TestTooManyTexts(t *testing.T) {
	t.Parallel()
	b := setup(t, authz.Config{})
	long := make([]byte, 1<<20)
	for i := range long {
		long[i] = ' '
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		require.NoError(t, b.service.DefinePolicy(t.Context(), operator, "acme", authz.PolicyText{Name: name, Format: "cedar", Text: string(long)}))
	}
	require.ErrorIs(t, b.service.DefinePolicy(t.Context(), operator, "acme", authz.PolicyText{Name: "i", Format: "cedar", Text: " "}), authz.ErrTooManyRules)
}
