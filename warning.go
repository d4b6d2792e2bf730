package authmodule

import (
	"maps"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/layer"
	"github.com/authmodule/authmodule/transport"
)

// Warnings says what the profile lets pass but should not go unseen, one sentence each, without secrets. It is for a
// configuration that [Config.Validate] accepts; Configure logs them at start.
func (c Config) Warnings() []string {
	c = c.WithDefaults()
	all := slices.Clone(c.unread)
	if w := c.volatile(); w != "" {
		all = append(all, w)
	}
	for _, s := range []struct {
		key, value string
		least      int
	}{
		{"secret_key", c.SecretKey.Reveal(), authn.ShortestSecret},
		{"password.pepper", c.Password.Pepper.Reveal(), authn.ShortestSecret},
		{"jwt.secret_key", c.JWT.SecretKey.Reveal(), authn.ShortestSecretFor(c.JWT.Algorithm)},
	} {
		if s.value == "" {
			continue
		}
		if flaw := secretFlaw(s.value, s.least); flaw != "" {
			all = append(all, warning(s.key, flaw+"; staging and production refuse it"))
		}
	}
	all = append(all, c.loosePasswords()...)
	if !c.RBAC.Enabled.Enabled() {
		all = append(all, warning("rbac.enabled", "is false: role and permission guards let every account pass"))
	}
	if c.HTTP.InsecureCookies {
		all = append(all, warning("http.insecure_cookies", "is true: session cookies travel over plain HTTP"))
	}
	if c.Throttle.InsecureDisabled {
		all = append(all, warning("throttle.insecure_disabled", "is true: passwords and codes may be guessed without end"))
	}
	if c.Profile.Strict() && c.HTTP.CheckRoutes != transport.RouteCheckStrict {
		all = append(all, warning("http.check_routes", "is "+string(c.HTTP.CheckRoutes)+": a route that was left without a guard does not keep the application from starting"))
	}
	if w := c.plainRedis(); w != "" {
		all = append(all, w)
	}
	for _, w := range []string{c.plainMail(), c.homelessMail()} {
		if w != "" {
			all = append(all, w)
		}
	}
	return append(all, c.looseIssuers()...)
}

func (c Config) looseIssuers() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.Issuers)) {
		key := rootKey + ".issuers." + name
		if c.Issuers[name].InsecureUntyped {
			all = append(all, key+".insecure_untyped is true: what tells its access tokens from its other tokens is their claims alone")
		}
		if c.Issuers[name].InsecureIgnoreScope {
			all = append(all, key+".insecure_ignore_scope is true: its tokens may be used for all that their roles permit")
		}
	}
	return all
}

// volatile says what ends with the process, in one sentence.
func (c Config) volatile() string {
	var lost, fix []string
	if !c.JWT.Managed.Enabled && c.JWT.SecretKey == "" && c.JWT.PrivateKeyFile == "" && len(c.JWT.Keys) == 0 {
		key := "auth.jwt.secret_key"
		if !authn.SymmetricAlgorithm(c.JWT.Algorithm) {
			key = "auth.jwt.private_key_file"
		}
		lost = append(lost, key+" is not set, so tokens are signed with a key that ends with this process")
		fix = append(fix, layer.Variable(variablePrefix, key))
	}
	if c.Store.Driver == DriverMemory {
		what := "accounts and sessions"
		if c.Store.Sessions == SessionsRedis {
			what = "accounts"
		}
		if c.JWT.Managed.Enabled {
			what = "accounts, sessions and signing keys"
		}
		lost = append(lost, "auth.store.driver is memory, so "+what+" end with this process")
		fix = append(fix, layer.Variable(variablePrefix, "auth.store.driver"))
	}
	if lost == nil {
		return ""
	}
	return strings.Join(lost, "; ") + " (see " + strings.Join(fix, " and ") + ")"
}

func warning(key, what string) string {
	key = rootKey + "." + key
	return key + " " + what + " (see " + layer.Variable(variablePrefix, key) + ")"
}
