package authz_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

// helpdesk has people who act as others, within what they may do themselves.
func helpdesk() authz.Config {
	return authz.Config{
		DefaultRole: "guest", SuperuserRole: "root",
		Roles: map[string]authz.RoleConfig{
			"guest":   {Inherits: []string{"member"}, Permissions: []string{"articles.read"}},
			"member":  {},
			"author":  holding("articles.read", "articles.edit"),
			"support": {Inherits: []string{"author"}, Permissions: []string{"users.impersonate", "articles.**", "!articles.burn"}},
			"senior":  holding("users.impersonate", "articles.**", "bills.*", "privileges.grant_any"),
			"admin":   holding("**"),
			"deputy":  inheriting("admin"),
			"root":    {},
			"heir":    inheriting("root"),
			"billing": holding("bills.pay"),
			"wide":    holding("articles.**"),
			"tame":    holding("articles.**", "!articles.burn", "!articles.draft"),
			"empty":   {},
			"helper":  inheriting("support"),
			"users":   holding("users.*"),
			"muted":   holding("users.*", "!users.impersonate"),
			"intern":  {},
			"keeper":  holding("articles.lock"),
		},
		Policies: authz.PolicyConfig{Inline: `
			forbid (principal in Role::"intern", action == Action::"articles.edit", resource);
			permit (principal in Role::"keeper", action == Action::"articles.lock", resource);
			permit (principal == User::"gifted", action == Action::"articles.edit", resource);
			permit (principal == User::"promoted", action == Action::"users.impersonate", resource);`},
	}
}

func TestMayImpersonate(t *testing.T) {
	t.Parallel()
	actor := func(roles ...string) authn.Principal { return userOf("acme", roles...) }
	changed := func(p authn.Principal, change func(*authn.Principal)) authn.Principal { change(&p); return p }
	for name, tc := range map[string]struct {
		actor authn.Principal
		// target has these roles; an ID before a colon stands for u2.
		id      string
		roles   []string
		refused error
	}{
		"who has no role of his own":             {actor("support"), "u2", nil, nil},
		"within":                                 {actor("support"), "u2", []string{"author"}, nil},
		"an administrator, as an author":         {actor("admin"), "u2", []string{"author"}, nil},
		"by an inherited role":                   {actor("helper"), "u2", []string{"author"}, nil},
		"without limits":                         {actor("senior"), "u2", []string{"billing"}, nil},
		"an unknown role":                        {actor("support"), "u2", []string{"author", "gone"}, nil},
		"no permission":                          {actor("author"), "u2", nil, authz.ErrNotImpersonable},
		"no permission, but much else":           {actor("wide", "billing"), "u2", nil, authz.ErrNotImpersonable},
		"his own permission is taken away":       {actor("support", "muted"), "u2", nil, authz.ErrNotImpersonable},
		"more than he may":                       {actor("support"), "u2", []string{"billing"}, authz.ErrNotImpersonable},
		"among others":                           {actor("support"), "u2", []string{"author", "billing"}, authz.ErrNotImpersonable},
		"what his own role takes away":           {actor("support", "wide"), "u2", []string{"wide"}, authz.ErrNotImpersonable},
		"what is taken away from both":           {actor("support", "tame"), "u2", []string{"tame"}, nil},
		"a role that he has not":                 {actor("support"), "u2", []string{"empty"}, authz.ErrNotImpersonable},
		"a role that he has not, without limits": {actor("senior"), "u2", []string{"empty"}, nil},
		"more than he may, without limits":       {actor("senior"), "u2", []string{"users"}, authz.ErrNotImpersonable},
		"an administrator":                       {actor("admin"), "u2", []string{"admin"}, authz.ErrNotImpersonable},
		"a deputy":                               {actor("admin"), "u2", []string{"deputy"}, authz.ErrNotImpersonable},
		"an administrator, by a superuser":       {actor("root"), "u2", []string{"admin"}, authz.ErrNotImpersonable},
		"a superuser":                            {actor("root"), "u2", []string{"root"}, authz.ErrNotImpersonable},
		"the superuser role's heir":              {actor("root"), "u2", []string{"heir"}, authz.ErrNotImpersonable},
		"an author, by a superuser":              {actor("root"), "u2", []string{"author"}, nil},
		"one who may do it too":                  {actor("admin"), "u2", []string{"support"}, authz.ErrNotImpersonable},
		"one who may do it by a pattern":         {actor("admin"), "u2", []string{"users"}, authz.ErrNotImpersonable},
		"one from whom it is taken away":         {actor("admin"), "u2", []string{"muted"}, nil},
		"one whom a policy lets do it":           {actor("admin"), "promoted", nil, authz.ErrNotImpersonable},
		"one whom a policy lets edit":            {actor("admin", "intern"), "gifted", nil, authz.ErrNotImpersonable},
		"one whom a policy lets edit as he may":  {actor("admin"), "gifted", nil, nil},
		"whom no policy forbids what it does him": {
			actor("support", "intern"), "u2", []string{"author"}, authz.ErrNotImpersonable,
		},
		"himself":             {actor("admin"), "u1", []string{"author"}, authz.ErrNotImpersonable},
		"nobody":              {actor("admin"), "", nil, authz.ErrNoSubject},
		"an anonymous caller": {authn.Principal{}, "u2", nil, authn.ErrLoginRequired},
		"an API key":          {changed(actor("admin"), func(p *authn.Principal) { p.KeyID = "k" }), "u2", nil, authn.ErrLoginRequired},
		"with scopes":         {changed(actor("admin"), func(p *authn.Principal) { p.Scopes = []string{"**"} }), "u2", nil, authn.ErrLoginRequired},
		"another issuer's":    {changed(actor("admin"), func(p *authn.Principal) { p.Issuer = "idp" }), "u2", nil, authn.ErrLoginRequired},
		"one who is acting":   {changed(actor("admin"), func(p *authn.Principal) { p.Actor = "u3" }), "u2", nil, authn.ErrLoginRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, helpdesk())
			for _, role := range tc.roles {
				b.store.put(authn.Subject{Tenant: "acme", ID: tc.id}, authz.Assignment{Role: role})
			}
			err := b.service.MayImpersonate(t.Context(), tc.actor, authn.Subject{Tenant: "acme", ID: tc.id})
			if tc.refused == nil {
				require.NoError(t, err)
				assert.Empty(t, b.events.take())
				return
			}
			require.ErrorIs(t, err, tc.refused)
			var denied []audit.Type
			if errors.Is(tc.refused, authz.ErrNotImpersonable) {
				denied = []audit.Type{audit.AccessDenied}
			}
			assert.Equal(t, denied, typesOf(b.events.take()))
		})
	}
}

// Nobody acts as somebody of another tenant, by stored roles of this moment, and not when the store cannot say which they are.
func TestMayImpersonateReadsTheStore(t *testing.T) {
	t.Parallel()
	b := setup(t, helpdesk())
	target := authn.Subject{Tenant: "acme", ID: "u2"}
	may := func() error { return b.service.MayImpersonate(t.Context(), userOf("acme", "admin"), target) }
	require.NoError(t, may())
	require.ErrorIs(t, b.service.MayImpersonate(t.Context(), userOf("other", "admin"), target), authz.ErrNotImpersonable)
	b.store.put(target, authz.Assignment{Role: "admin"})
	require.ErrorIs(t, may(), authz.ErrNotImpersonable)
	b.store.set(func(f *fakeStore) { f.readErr = errStore })
	require.ErrorIs(t, may(), errStore)

	off := helpdesk()
	off.Enabled = setting.Off
	require.ErrorIs(t, setup(t, off).service.MayImpersonate(t.Context(), userOf("acme", "admin"), target), authz.ErrDisabled)
}

// Accounts are administered by those who may do all that they may: an administrator by an administrator, a superuser by a superuser.
func TestMayAdminister(t *testing.T) {
	t.Parallel()
	limited := userOf("acme", "admin")
	limited.KeyID = "k"
	for name, tc := range map[string]struct {
		actor   authn.Principal
		id      string
		roles   []string
		refused error
	}{
		"within":                               {userOf("acme", "support"), "u2", []string{"author"}, nil},
		"no role":                              {userOf("acme", "support"), "u2", nil, nil},
		"beyond":                               {userOf("acme", "support"), "u2", []string{"billing"}, authz.ErrBeyond},
		"beyond, among others":                 {userOf("acme", "support"), "u2", []string{"author", "billing"}, authz.ErrBeyond},
		"beyond, without limits":               {userOf("acme", "senior"), "u2", []string{"users"}, nil},
		"an administrator":                     {userOf("acme", "support"), "u2", []string{"admin"}, authz.ErrBeyond},
		"an administrator, without limits":     {userOf("acme", "senior"), "u2", []string{"admin"}, authz.ErrBeyond},
		"a deputy, without limits":             {userOf("acme", "senior"), "u2", []string{"deputy"}, authz.ErrBeyond},
		"an administrator, by an administator": {userOf("acme", "admin"), "u2", []string{"admin"}, nil},
		"an administrator, by a deputy":        {userOf("acme", "deputy"), "u2", []string{"admin"}, nil},
		"a superuser, by an administrator":     {userOf("acme", "admin"), "u2", []string{"root"}, authz.ErrBeyond},
		"a superuser's heir":                   {userOf("acme", "admin"), "u2", []string{"heir"}, authz.ErrBeyond},
		"a superuser, by a superuser":          {userOf("acme", "root"), "u2", []string{"root"}, nil},
		"himself":                              {userOf("acme", "admin"), "u1", nil, authz.ErrBeyond},
		"another tenant's":                     {userOf("other", "admin"), "u2", nil, authz.ErrBeyond},
		"by a key":                             {limited, "u2", nil, authn.ErrLoginRequired},
		"nobody":                               {userOf("acme", "admin"), "", nil, authz.ErrNoSubject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, helpdesk())
			target := authn.Subject{Tenant: "acme", ID: tc.id}
			for _, role := range tc.roles {
				b.store.put(target, authz.Assignment{Role: role})
			}
			err := b.service.MayAdminister(t.Context(), tc.actor, target)
			if tc.refused == nil {
				require.NoError(t, err)
				b.store.set(func(f *fakeStore) { f.readErr = errStore })
				require.ErrorIs(t, b.service.MayAdminister(t.Context(), tc.actor, target), errStore)
				return
			}
			require.ErrorIs(t, err, tc.refused)
		})
	}
	off := helpdesk()
	off.Enabled = setting.Off
	err := setup(t, off).service.MayAdminister(t.Context(), userOf("acme", "admin"), authn.Subject{Tenant: "acme", ID: "u2"})
	require.ErrorIs(t, err, authz.ErrDisabled)
}
