package authmodule_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// at is a client at an address, with the certificate whose text that is, or without one.
func at(ip, certificate string) authn.Client {
	var c authn.Client
	if ip != "" {
		c.IP = netip.MustParseAddr(ip)
	}
	if certificate != "" {
		c.Certificate = authn.CertificateThumbprint([]byte(certificate))
	}
	return c
}

// Item 8: a context without the factor passed a bound token, and a refresh gave an unbound one.
func TestItem8BindingIsNeverSkipped(t *testing.T) {
	t.Parallel()
	home := at("203.0.113.7", "leaf")
	strangers := []authn.Client{{}, at("203.0.113.7", ""), at("", "leaf"), at("203.0.113.7", "other"), at("203.0.113.8", "leaf")}
	for i, stranger := range strangers {
		for _, driver := range []string{authmodule.DriverMemory, authmodule.DriverSQLite} {
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				if c.Store.Driver = driver; driver == authmodule.DriverSQLite {
					c.Store.DSN = setting.Secret(sqlitetest.Path(t))
				}
			})
			user := register(t, app)
			request := authn.LoginRequest{Email: email, Password: password, Client: home, Bind: authn.Binding{Certificate: true, IP: true}}
			grant, err := app.Users.Login(t.Context(), request)
			require.NoError(t, err)
			for range 3 {
				_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, stranger)
				require.ErrorIs(t, err, authn.ErrTokenBinding, i)
				p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, home)
				require.NoError(t, err)
				assert.Equal(t, user.Subject, p.Subject)
				assert.Equal(t, []string{"certificate", "ip"}, p.Confirmation.BoundTo())
				grant, err = app.Users.Refresh(t.Context(), grant.RefreshToken, home)
				require.NoError(t, err)
			}
			_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, stranger)
			require.ErrorIs(t, err, authn.ErrTokenBinding)
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, home)
			require.ErrorIs(t, err, authn.ErrSessionEnded)
		}
	}
}

// The strictest rule of everybody, tenant and roles counts, whatever the order; MTLS-03, IP-04, IP-05.
func TestBindingRules(t *testing.T) {
	t.Parallel()
	home, bare, nowhere := at("203.0.113.7", "leaf"), at("203.0.113.7", ""), at("", "leaf")
	required, exact := authn.BindingRule{Certificate: authn.CertificateRequired}, authn.BindingRule{IP: authn.IPExact}
	testCases := []struct {
		name     string
		cfg      authn.BindingConfig
		role     string
		tenant   authn.Tenant
		asked    authn.Binding
		client   authn.Client
		expected string
		refused  error
	}{
		{name: "nothing", client: home, expected: ""},
		{name: "optional", cfg: authn.BindingConfig{Certificate: authn.CertificateOptional}, client: home, expected: "leaf"},
		{name: "optional, without one", cfg: authn.BindingConfig{Certificate: authn.CertificateOptional}, client: bare, expected: ""},
		{name: "required", cfg: authn.BindingConfig{Certificate: authn.CertificateRequired}, client: home, expected: "leaf"},
		{name: "required, without one", cfg: authn.BindingConfig{Certificate: authn.CertificateRequired}, client: bare, refused: authn.ErrCertificateRequired},
		{name: "exact", cfg: authn.BindingConfig{IP: authn.IPExact}, client: home, expected: "203.0.113.7/32"},
		{name: "exact, IPv4 mapped", cfg: authn.BindingConfig{IP: authn.IPExact}, client: at("::ffff:203.0.113.7", ""), expected: "203.0.113.7/32"},
		{name: "exact, with a zone", cfg: authn.BindingConfig{IP: authn.IPExact}, client: at("fe80::1%eth0", ""), expected: "fe80::1/128"},
		{name: "exact, no address", cfg: authn.BindingConfig{IP: authn.IPExact}, client: nowhere, refused: authn.ErrAddressRequired},
		{name: "prefix", cfg: authn.BindingConfig{IP: authn.IPPrefix}, client: home, expected: "203.0.113.0/24"},
		{name: "prefix of IPv6", cfg: authn.BindingConfig{IP: authn.IPPrefix}, client: at("2001:db8::1", ""), expected: "2001:db8::/64"},
		{name: "own prefixes", cfg: authn.BindingConfig{IP: authn.IPPrefix, IPv4Prefix: 16}, client: home, expected: "203.0.0.0/16"},
		{name: "prefix, no address", cfg: authn.BindingConfig{IP: authn.IPPrefix}, client: nowhere, refused: authn.ErrAddressRequired},
		{name: "asked, certificate", asked: authn.Binding{Certificate: true}, client: home, expected: "leaf"},
		{name: "asked, address", asked: authn.Binding{IP: true}, client: home, expected: "203.0.113.7/32"},
		{name: "asked, where prefix is the rule", cfg: authn.BindingConfig{IP: authn.IPPrefix}, asked: authn.Binding{IP: true}, client: home, expected: "203.0.113.0/24"},
		{name: "role", cfg: authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": required}}, role: "admin", client: bare, refused: authn.ErrCertificateRequired},
		{name: "role, by inheritance", cfg: authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": required}}, role: "chief", client: bare, refused: authn.ErrCertificateRequired},
		{name: "role, for a superuser", cfg: authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": required}}, role: "root", client: bare, refused: authn.ErrCertificateRequired},
		{name: "role of others", cfg: authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": required}}, role: "editor", client: bare, expected: ""},
		{name: "default role", cfg: authn.BindingConfig{Roles: map[string]authn.BindingRule{"viewer": exact}}, client: bare, expected: "203.0.113.7/32"},
		{name: "role and everybody", cfg: authn.BindingConfig{IP: authn.IPPrefix, Roles: map[string]authn.BindingRule{"admin": exact}}, role: "admin", client: home, expected: "203.0.113.7/32"},
		{name: "a weaker role", cfg: authn.BindingConfig{IP: authn.IPExact, Roles: map[string]authn.BindingRule{"admin": {IP: authn.IPOff}}}, role: "admin", client: home, expected: "203.0.113.7/32"},
		{name: "tenant", cfg: authn.BindingConfig{Tenants: map[string]authn.BindingRule{"acme": required}}, tenant: "acme", client: bare, refused: authn.ErrCertificateRequired},
		{name: "another tenant", cfg: authn.BindingConfig{Tenants: map[string]authn.BindingRule{"acme": required}}, tenant: "beta", client: bare, expected: ""},
		{name: "tenant and role", cfg: authn.BindingConfig{Tenants: map[string]authn.BindingRule{"acme": exact}, Roles: map[string]authn.BindingRule{"admin": required}}, tenant: "acme", role: "admin", client: home, expected: "leaf 203.0.113.7/32"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := bindingApp(t, tc.cfg)
			user, err := app.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: tc.tenant, Email: email, Password: password})
			require.NoError(t, err)
			if tc.role != "" {
				require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, tc.role))
			}
			grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Tenant: tc.tenant, Email: email, Password: password, Client: tc.client, Bind: tc.asked})
			if tc.refused != nil {
				require.ErrorIs(t, err, tc.refused)
				assert.Len(t, app.Events(audit.LoginFailed), 1)
				return
			}
			require.NoError(t, err)
			var have string
			if c := grant.Session.Confirmation; c.Certificate == at("", "leaf").Certificate {
				have = "leaf"
			}
			if n := grant.Session.Confirmation.Network; n.IsValid() {
				if have != "" {
					have += " "
				}
				have += n.String()
			}
			assert.Equal(t, tc.expected, have)
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, tc.client)
			require.NoError(t, err)
		})
	}
}

// bindingApp has roles for rules: chief inherits admin, root is the superuser.
func bindingApp(t *testing.T, cfg authn.BindingConfig) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Binding, c.HTTP.ClientCertificate, c.RBAC.SuperuserRole = cfg, transport.CertificatesTLS, "root"
	}, authmodule.AddRoles(
		authz.Role{Name: "admin"}, authz.Role{Name: "chief", Inherits: []string{"admin"}}, authz.Role{Name: "editor"}, authz.Role{Name: "root"},
	))
}

// MTLS-03: a role that is given later demands its binding of credentials that exist, and not of those that have it.
func TestLaterDemandsCountAtOnce(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name   string
		rule   authn.BindingRule
		asked  authn.Binding
		good   bool
		reason string
	}{
		{"certificate, bearer", authn.BindingRule{Certificate: authn.CertificateRequired}, authn.Binding{}, false, "certificate_required"},
		{"certificate, bound to the address", authn.BindingRule{Certificate: authn.CertificateRequired}, authn.Binding{IP: true}, false, "certificate_required"},
		{"certificate, bound to it", authn.BindingRule{Certificate: authn.CertificateRequired}, authn.Binding{Certificate: true}, true, ""},
		{"optional, bearer", authn.BindingRule{Certificate: authn.CertificateOptional}, authn.Binding{}, true, ""},
		{"exact, bearer", authn.BindingRule{IP: authn.IPExact}, authn.Binding{}, false, "ip_required"},
		{"exact, bound to it", authn.BindingRule{IP: authn.IPExact}, authn.Binding{IP: true}, true, ""},
		{"prefix, bearer", authn.BindingRule{IP: authn.IPPrefix}, authn.Binding{Certificate: true}, false, "ip_required"},
		{"prefix, bound to the address alone", authn.BindingRule{IP: authn.IPPrefix}, authn.Binding{IP: true}, true, ""},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, home := bindingApp(t, authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": tc.rule}}), at("203.0.113.7", "leaf")
			user := register(t, app)
			grants := map[authn.Carrier]authn.Grant{}
			for _, carrier := range []authn.Carrier{authn.CarrierToken, authn.CarrierCookie} {
				grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: email, Password: password, Carrier: carrier, Client: home, Bind: tc.asked})
				require.NoError(t, err)
				grants[carrier] = grant
			}
			require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "admin"))
			_, token := app.Users.AuthenticateToken(t.Context(), grants[authn.CarrierToken].AccessToken, home)
			_, cookie := app.Users.AuthenticateCookie(t.Context(), grants[authn.CarrierCookie].Cookie, home)
			_, refresh := app.Users.Refresh(t.Context(), grants[authn.CarrierToken].RefreshToken, home)
			if tc.good {
				require.NoError(t, token)
				require.NoError(t, cookie)
				require.NoError(t, refresh)
				return
			}
			for _, err := range []error{token, cookie, refresh} {
				require.ErrorIs(t, err, authn.ErrTokenBinding)
			}
			for _, e := range app.Events(audit.BindingFailed) {
				assert.Equal(t, tc.reason, e.Reason)
			}
			require.NoError(t, app.AuthorizationService.Unassign(t.Context(), authn.Principal{}, user.Subject, "admin"))
			_, err := app.Users.Refresh(t.Context(), grants[authn.CarrierToken].RefreshToken, home)
			require.NoError(t, err, "what is not theft ends nothing")
		})
	}
}

// An API key cannot be bound: where that is demanded of its owner it is no way around.
func TestAPIKeysAreNoWayAroundABinding(t *testing.T) {
	t.Parallel()
	home := at("203.0.113.7", "leaf")
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for name, tc := range map[string]struct {
		rule    authn.BindingRule
		allowed []netip.Prefix
		good    bool
	}{
		"no rule":                          {authn.BindingRule{}, nil, true},
		"certificate optional":             {authn.BindingRule{Certificate: authn.CertificateOptional}, nil, true},
		"certificate required":             {authn.BindingRule{Certificate: authn.CertificateRequired}, networks, false},
		"address":                          {authn.BindingRule{IP: authn.IPPrefix}, nil, false},
		"address, and the key has its own": {authn.BindingRule{IP: authn.IPPrefix}, networks, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := bindingApp(t, authn.BindingConfig{Roles: map[string]authn.BindingRule{"admin": tc.rule}})
			owner := app.Principal()
			_, text, err := app.APIKeys.Create(t.Context(), owner, authn.APIKeyRequest{Name: "ci", AllowedIPs: tc.allowed})
			require.NoError(t, err)
			_, err = app.APIKeys.Authenticate(t.Context(), text, home)
			require.NoError(t, err)
			require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, owner.Subject, "chief"))
			_, err = app.APIKeys.Authenticate(t.Context(), text, home)
			if tc.good {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, authn.ErrAPIKeyInvalid)
			assert.Len(t, app.Events(audit.BindingFailed), 1)
		})
	}
}
