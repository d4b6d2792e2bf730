package authmodule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/layer"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// goodSecret is 32 bytes; canary marks what no message may show.
const (
	goodSecret = "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya"
	canary     = "cAnArY77"
)

// sound returns a configuration that every profile accepts.
func sound(p authmodule.Profile) authmodule.Config {
	return authmodule.Config{
		Profile: p, JWT: authn.TokenConfig{SecretKey: goodSecret}, Registration: authn.RegistrationClosed,
		Store: authmodule.StoreConfig{Driver: "sqlite", DSN: canary + ".db"},
	}
}

type change struct {
	name string
	do   func(*authmodule.Config)
	// expected is the whole message; empty means that the change is accepted.
	expected string
}

// check applies each change to a sound configuration and compares what Validate says.
func check(t *testing.T, p authmodule.Profile, changes []change) {
	t.Helper()
	for _, tc := range changes {
		t.Run(string(p)+"/"+tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := sound(p)
			tc.do(&cfg)
			if tc.expected == "" {
				assert.NoError(t, cfg.Validate())
			} else {
				assert.EqualError(t, cfg.Validate(), tc.expected)
			}
			assert.Equal(t, fmt.Sprint(cfg.Validate()), fmt.Sprint(cfg.WithDefaults().Validate()), "defaults change the verdict")
		})
	}
}

func TestValidateZeroValue(t *testing.T) {
	t.Parallel()
	require.NoError(t, authmodule.Config{Profile: authmodule.ProfileDevelopment}.Validate())
	require.EqualError(t, authmodule.Config{Profile: authmodule.ProfileStaging}.Validate(),
		`auth.jwt.secret_key is not set: set LEX_AUTH__JWT__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48
auth.store.driver is not named: set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or to memory if losing everything at a restart is meant`)
	require.EqualError(t, authmodule.Config{Profile: authmodule.ProfileProduction}.Validate(),
		`auth.jwt.secret_key is not set: set LEX_AUTH__JWT__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48
auth.store.driver is not named: set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or to memory if losing everything at a restart is meant
auth.registration is not named: set LEX_AUTH__REGISTRATION to open if anybody may make an account, else to closed`)
	require.EqualError(t, authmodule.Config{Profile: "prod", JWT: sound("").JWT, Store: sound("").Store}.Validate(),
		`profile "prod" is unknown: set LEX_ENV to development, staging or production`)
}

// Item 14 of the original: a secret is judged whole, never by a word in it; and auth.secret_key is judged as well.
func TestValidateSecrets(t *testing.T) {
	t.Parallel()
	const fix = ": set LEX_AUTH__JWT__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"
	secret := func(s setting.Secret) func(*authmodule.Config) {
		return func(c *authmodule.Config) { c.JWT.SecretKey = s }
	}
	strict := []change{
		{"holds 123456", secret("k9mVb3Qp123456Xc5Nt8Wd2Lf6Hg4Js0Ya"), ""},
		{"holds secret", secret("secretVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya"), ""},
		{"holds password", secret("k9mVpassword7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya"), ""},
		{"holds change-me-in-production", secret("change-me-in-production-k9mVb3Qp7Zr1"), ""},
		{"16 characters, 32 bytes", secret("áéíóúàèìòùâêîôûñ"), ""},
		{"31 bytes", secret(setting.Secret(goodSecret[1:])), "auth.jwt.secret_key is shorter than 32 bytes" + fix},
		{"none", secret(""), "auth.jwt.secret_key is not set" + fix},
		{"example", secret("your-jwt-secret"), "auth.jwt.secret_key is an example from documentation, known to everybody" + fix},
		{"example in capitals", secret("Change-Me"), "auth.jwt.secret_key is an example from documentation, known to everybody" + fix},
		{"long example", secret("a-string-secret-at-least-256-bits-long"), "auth.jwt.secret_key is an example from documentation, known to everybody" + fix},
		{"one character", secret(setting.Secret(strings.Repeat("x", 64))), "auth.jwt.secret_key is one character repeated" + fix},
		{"general secret, sound", func(c *authmodule.Config) { c.SecretKey = "secret123456b3Qp7Zr1Xc5Nt8Wd2Lf6" }, ""},
		{"general secret, one character", func(c *authmodule.Config) { c.SecretKey = "x" },
			"auth.secret_key is one character repeated: set LEX_AUTH__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"},
		{"general secret, short", func(c *authmodule.Config) { c.SecretKey = "xy" },
			"auth.secret_key is shorter than 32 bytes: set LEX_AUTH__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"},
	}
	check(t, authmodule.ProfileStaging, strict)
	check(t, authmodule.ProfileProduction, strict)
	check(t, authmodule.ProfileDevelopment, []change{
		{"none", secret(""), ""}, {"short", secret("xy"), ""}, {"example", secret("your-jwt-secret"), ""},
		{"general example", func(c *authmodule.Config) { c.SecretKey = "your-secret-key" }, ""},
	})
}

// JWT-04, JWT-02: several keys are one kind, each fit for its algorithm, and one of them signs.
func TestValidateKeys(t *testing.T) {
	t.Parallel()
	keys := func(keys map[string]authn.KeyConfig) func(*authmodule.Config) {
		return func(cfg *authmodule.Config) { cfg.JWT = authn.TokenConfig{Keys: keys} }
	}
	signing := authn.KeyConfig{SecretKey: goodSecret, State: authn.KeySigning}
	pair := authn.KeyConfig{Algorithm: "ES256", PrivateKeyFile: "k.pem"}
	for _, p := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileProduction} {
		check(t, p, []change{
			{"one", keys(map[string]authn.KeyConfig{"a": signing}), ""},
			{"two secrets", keys(map[string]authn.KeyConfig{"a": signing, "b": {SecretKey: goodSecret, State: authn.KeyVerifying}}), ""},
			{"two pairs", keys(map[string]authn.KeyConfig{"a": pair, "b": {Algorithm: "EdDSA", PrivateKeyFile: "k.pem", State: authn.KeySigning}}), ""},
			{"no signing key", keys(map[string]authn.KeyConfig{"a": {SecretKey: goodSecret}}),
				"auth.jwt.keys does not name one signing key: give one key, and no other, the state signing"},
			{"two signing keys", keys(map[string]authn.KeyConfig{"a": signing, "b": signing}),
				"auth.jwt.keys does not name one signing key: give one key, and no other, the state signing"},
			{"secret and pair", keys(map[string]authn.KeyConfig{"a": signing, "b": pair}),
				"auth.jwt.keys holds secrets and key pairs: keep one kind, so that a public key can never pass for a secret"},
			{"unknown algorithm", keys(map[string]authn.KeyConfig{"a": signing, "b": {Algorithm: "HS257", SecretKey: canary}}),
				"auth.jwt.keys.b.algorithm is unknown: use one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"},
			{"unknown state", keys(map[string]authn.KeyConfig{"a": signing, "b": {SecretKey: goodSecret, State: "retired"}}),
				"auth.jwt.keys.b.state is unknown: use signing or verifying"},
			{"secret for a pair", keys(map[string]authn.KeyConfig{"a": {Algorithm: "ES256", SecretKey: canary, State: authn.KeySigning}}),
				"auth.jwt.keys.a is for ES256: set its private_key_file, and no secret_key"},
			{"file for a secret", keys(map[string]authn.KeyConfig{"a": {PrivateKeyFile: "k.pem", State: authn.KeySigning}}),
				"auth.jwt.keys.a is for HS256: set its secret_key, and no private_key_file"},
			{"beside the one secret", func(cfg *authmodule.Config) {
				cfg.JWT = authn.TokenConfig{SecretKey: goodSecret, Keys: map[string]authn.KeyConfig{"a": signing}}
			}, "auth.jwt.keys is set beside auth.jwt.secret_key or auth.jwt.private_key_file: keep one of them"},
		})
	}
	check(t, authmodule.ProfileProduction, []change{
		{"short for HS512", keys(map[string]authn.KeyConfig{"a": {Algorithm: "HS512", SecretKey: "Zk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hD", State: authn.KeySigning}}),
			"auth.jwt.keys.a.secret_key is shorter than 64 bytes: use at least 64 random bytes"},
	})
}

func TestValidateAlgorithm(t *testing.T) {
	t.Parallel()
	jwt := func(c authn.TokenConfig) func(*authmodule.Config) {
		return func(cfg *authmodule.Config) { cfg.JWT = c }
	}
	for _, p := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, p, []change{
			{"HS256", jwt(authn.TokenConfig{Algorithm: "HS256", SecretKey: goodSecret}), ""},
			{"RS256", jwt(authn.TokenConfig{Algorithm: "RS256", PrivateKeyFile: "k.pem"}), ""},
			{"ES256", jwt(authn.TokenConfig{Algorithm: "ES256", PrivateKeyFile: "k.pem"}), ""},
			{"EdDSA", jwt(authn.TokenConfig{Algorithm: "EdDSA", PrivateKeyFile: "k.pem"}), ""},
			{"none", jwt(authn.TokenConfig{Algorithm: "none"}), "auth.jwt.algorithm is unknown: set LEX_AUTH__JWT__ALGORITHM to HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, in this spelling"},
			{"other case", jwt(authn.TokenConfig{Algorithm: "hs256", SecretKey: goodSecret}), "auth.jwt.algorithm is unknown: set LEX_AUTH__JWT__ALGORITHM to HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, in this spelling"},
			{"HS256 with both keys", jwt(authn.TokenConfig{SecretKey: goodSecret, PrivateKeyFile: "k.pem"}),
				"auth.jwt.private_key_file is set but auth.jwt.algorithm is HS256, which signs with auth.jwt.secret_key: set LEX_AUTH__JWT__ALGORITHM to RS256, ES256 or EdDSA, or leave LEX_AUTH__JWT__PRIVATE_KEY_FILE out"},
			{"HS256 with the other key", jwt(authn.TokenConfig{PrivateKeyFile: "k.pem"}),
				"auth.jwt.private_key_file is set but auth.jwt.algorithm is HS256, which signs with auth.jwt.secret_key: set LEX_AUTH__JWT__ALGORITHM to RS256, ES256 or EdDSA, or leave LEX_AUTH__JWT__PRIVATE_KEY_FILE out"},
			{"ES256 with both keys", jwt(authn.TokenConfig{Algorithm: "ES256", SecretKey: canary, PrivateKeyFile: "k.pem"}),
				"auth.jwt.secret_key is set but auth.jwt.algorithm is ES256, which signs with auth.jwt.private_key_file: leave LEX_AUTH__JWT__SECRET_KEY out, or set LEX_AUTH__JWT__ALGORITHM to HS256"},
			{"two lifetimes", jwt(authn.TokenConfig{SecretKey: goodSecret, ExpirationHours: 1, AccessTokenExpireMinutes: 5}),
				"auth.jwt.expiration_hours and auth.jwt.access_token_expire_minutes set the same value: keep one of LEX_AUTH__JWT__EXPIRATION_HOURS and LEX_AUTH__JWT__ACCESS_TOKEN_EXPIRE_MINUTES"},
		})
	}
	for algorithm, command := range map[string]string{
		"RS256": "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "ES256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "EdDSA": "-algorithm ED25519",
	} {
		lacking := jwt(authn.TokenConfig{Algorithm: algorithm})
		check(t, authmodule.ProfileDevelopment, []change{{algorithm + " without a key", lacking, ""}})
		check(t, authmodule.ProfileStaging, []change{{algorithm + " without a key", lacking,
			"auth.jwt.private_key_file is not set: set LEX_AUTH__JWT__PRIVATE_KEY_FILE to a PEM file, for example one made by: openssl genpkey " + command + " -out key.pem"}})
	}
}

// ASVS V11.4.2.
func TestValidatePasswordCost(t *testing.T) {
	t.Parallel()
	cost := func(memory, iterations, parallelism int) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.Password.MemoryKiB, c.Password.Iterations, c.Password.Parallelism = setting.Count(memory), setting.Count(iterations), setting.Count(parallelism)
		}
	}
	const low = "auth.password.memory_kib and auth.password.iterations are below the accepted minimum: set LEX_AUTH__PASSWORD__MEMORY_KIB to at least 19456 with LEX_AUTH__PASSWORD__ITERATIONS at least 2, or to at least 47104 with any number"
	check(t, authmodule.ProfileProduction, []change{
		{"default", cost(0, 0, 0), ""}, {"19 MiB twice", cost(19456, 2, 1), ""}, {"46 MiB once", cost(47104, 1, 1), ""},
		{"less than 19 MiB", cost(19455, 2, 1), low}, {"19 MiB once", cost(19456, 1, 1), low}, {"less than 46 MiB once", cost(47103, 1, 1), low}, {"little memory, many passes", cost(1024, 64, 1), low},
		{"lanes without memory", cost(0, 0, 64), ""},
		{"highest", cost(1<<20, 64, 64), ""},
		{"memory", cost(1<<20+1, 2, 1), "auth.password.memory_kib is out of range: set LEX_AUTH__PASSWORD__MEMORY_KIB to a whole number from 0 to 1048576"},
		{"iterations", cost(0, 65, 1), "auth.password.iterations is out of range: set LEX_AUTH__PASSWORD__ITERATIONS to a whole number from 0 to 64"},
		{"parallelism", cost(0, 0, 65), "auth.password.parallelism is out of range: set LEX_AUTH__PASSWORD__PARALLELISM to a whole number from 0 to 64"},
	})
	check(t, authmodule.ProfileDevelopment, []change{
		{"cheap", cost(64, 1, 1), ""},
		{"too little for the lanes", cost(64, 1, 9), "auth.password.memory_kib is below 8 KiB for each lane: set LEX_AUTH__PASSWORD__MEMORY_KIB to 19456 or more"},
	})
}

func TestValidateHTTP(t *testing.T) {
	t.Parallel()
	const (
		prefix  = "auth.http.prefix is not a plain path: set LEX_AUTH__HTTP__PREFIX to a path such as /auth, with a slash at its start and none at its end, and without parameters"
		site    = "auth.http.public_url is not the address of a site: set LEX_AUTH__HTTP__PUBLIC_URL to scheme and host alone, such as https://app.example.com"
		network = "auth.http.trusted_proxies item 1 is not a network: write each in LEX_AUTH__HTTP__TRUSTED_PROXIES with its length, such as 10.0.0.0/8, or 10.0.0.5/32 for one machine"
		all     = "auth.http.trusted_proxies item 1 is the whole internet, so that anybody could claim any address: name in LEX_AUTH__HTTP__TRUSTED_PROXIES the networks of your own proxies"
		origin  = "auth.http.trusted_origins item 1 is not an origin: write it in LEX_AUTH__HTTP__TRUSTED_ORIGINS as a browser does: scheme://host or scheme://host:port, in lower case, without the scheme's own port"
	)
	for expected, values := range map[string][]string{
		"":     {"/auth", "/a/b", "/auth-2.0", "/~me"},
		prefix: {"auth", "/", "/auth/", "//auth", "/a//b", "/a?b", "/a#b", "/:id", "/a/*", "/a b", "/a/../b", "/.", "/a%2fb", "https://example.com/auth"},
	} {
		for _, v := range values {
			check(t, authmodule.ProfileStaging, []change{{"prefix " + v, func(c *authmodule.Config) { c.HTTP.Prefix = v }, expected}})
		}
	}
	for expected, values := range map[string][]string{
		"":   {"https://app.example.com", "https://app.example.com:8443", "https://[::1]:8443"},
		site: {"app.example.com", "https://", "https://a.example/", "https://a.example/x", "https://a.example?x", "https://a.example#x", "https://u:" + canary + "@a.example", "ftp://a.example", "https://a.example:", "//a.example", "https://*.example"},
		"auth.http.public_url is not an https address: set LEX_AUTH__HTTP__PUBLIC_URL to one that begins with https://": {"http://app.example.com"},
	} {
		for _, v := range values {
			check(t, authmodule.ProfileStaging, []change{{"public_url " + v, func(c *authmodule.Config) { c.HTTP.PublicURL = v }, expected}})
		}
	}
	plainLink := func(c *authmodule.Config) { c.Account.Links.ResetPassword = "http://app.example.com/reset" }
	check(t, authmodule.ProfileStaging, []change{{"plain link", plainLink,
		"auth.account.links.reset_password is not an https address: set LEX_AUTH__ACCOUNT__LINKS__RESET_PASSWORD to one that begins with https://"}})
	check(t, authmodule.ProfileDevelopment, []change{{"plain link", plainLink, ""}})
	check(t, authmodule.ProfileDevelopment, []change{{"plain public_url", func(c *authmodule.Config) { c.HTTP.PublicURL = "http://localhost:8080" }, ""}})
	for expected, values := range map[string][]string{
		"":      {"10.0.0.0/8", "10.0.0.5/32", "fd00::/8", "::1/128"},
		network: {"10.0.0.5", "10.0.0.0/33", "proxy.internal", "", "*"},
		all:     {"0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0.0.0.0/96"},
	} {
		for _, v := range values {
			check(t, authmodule.ProfileStaging, []change{{"trusted_proxies " + v, func(c *authmodule.Config) { c.HTTP.TrustedProxies = []string{v} }, expected}})
		}
	}
	for expected, values := range map[string][]string{
		"":     {"https://www.example.com", "https://www.example.com:8443", "http://localhost:3000", "https://[::1]:3000"},
		origin: {"www.example.com", "https://www.example.com/", "https://www.example.com/x", "https://WWW.example.com", "https://www.example.com:443", "http://www.example.com:80", "*", "null", "https://*.example.com", "https://u@www.example.com", ""},
	} {
		for _, v := range values {
			check(t, authmodule.ProfileStaging, []change{{"trusted_origins " + v, func(c *authmodule.Config) { c.HTTP.TrustedOrigins = []string{v} }, expected}})
		}
	}
}

func TestValidateTheRest(t *testing.T) {
	t.Parallel()
	store := func(driver string, dsn setting.Secret, migrate string) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.Store = authmodule.StoreConfig{Driver: driver, DSN: dsn, Migrate: migrate}
		}
	}
	connections := func(driver string, n setting.Count) func(*authmodule.Config) {
		return func(c *authmodule.Config) { c.Store = authmodule.StoreConfig{Driver: driver, MaxConnections: n} }
	}
	everywhere := []change{
		{"memory", store("memory", "", ""), ""},
		{"memory with a data source", store("memory", canary, ""), "auth.store.dsn is set but the store is memory: set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or leave LEX_AUTH__STORE__DSN out"},
		{"sqlite in memory", store("sqlite", ":memory:", ""), "auth.store.dsn is not the plain path of a file: set LEX_AUTH__STORE__DSN to one, for example: auth.db; a store in memory is LEX_AUTH__STORE__DRIVER=memory"},
		{"sqlite address", store("sqlite", "file:auth.db", ""), "auth.store.dsn is not the plain path of a file: set LEX_AUTH__STORE__DSN to one, for example: auth.db; a store in memory is LEX_AUTH__STORE__DRIVER=memory"},
		{"postgres", store("postgres", "postgres://ada:"+canary+"@db:5432/auth", ""), ""},
		{"postgres without an address", store("postgres", "", ""), ""},
		{"postgres by keywords", store("postgres", "host=db password="+canary, ""), ""},
		{"postgres in a file", store("postgres", canary, ""), "auth.store.dsn is no address of a PostgreSQL database: set LEX_AUTH__STORE__DSN to one, for example: postgres://user@host:5432/database?sslmode=verify-full"},
		{"postgres by another name", store("postgresql", "", ""), "auth.store.driver is unknown: set LEX_AUTH__STORE__DRIVER to postgres"},
		{"other driver", store("SQLite", canary, ""), "auth.store.driver is unknown: set LEX_AUTH__STORE__DRIVER to postgres, sqlite or memory"},
		{"connections", connections("postgres", 50), ""},
		{"too many connections", connections("postgres", 1001), "auth.store.max_connections is out of range: set LEX_AUTH__STORE__MAX_CONNECTIONS to a whole number from 0 to 1000"},
		{"fewer connections than none", connections("postgres", -1), "auth.store.max_connections is out of range: set LEX_AUTH__STORE__MAX_CONNECTIONS to a whole number from 0 to 1000"},
		{"migrate auto", store("sqlite", "a", "auto"), ""},
		{"migrate check", store("sqlite", "a", "check"), ""},
		{"migrate off", store("sqlite", "a", "off"), ""},
		{"migrate never", store("sqlite", "a", "never"), "auth.store.migrate is unknown: set LEX_AUTH__STORE__MIGRATE to auto, check or off"},
		{"registration", func(c *authmodule.Config) { c.Registration = "maybe" }, "auth.registration is unknown: set LEX_AUTH__REGISTRATION to open or closed"},
		{"limit", func(c *authmodule.Config) { c.Session.OnLimit = "evict" }, "auth.session.on_limit is unknown: set LEX_AUTH__SESSION__ON_LIMIT to evict_oldest, refuse or ask"},
		{"refuse", func(c *authmodule.Config) { c.Session.OnLimit = "refuse" }, ""},
		{"ask", func(c *authmodule.Config) { c.Session.OnLimit = "ask" }, ""},
		{"preset", func(c *authmodule.Config) { c.Session.Preset = "aal3" }, ""},
		{"preset, within", func(c *authmodule.Config) { c.Session.Preset, c.Session.TimeoutMinutes = "aal3", 15 }, ""},
		{"preset, unknown", func(c *authmodule.Config) { c.Session.Preset = "AAL3" }, "auth.session.preset is unknown: set LEX_AUTH__SESSION__PRESET to aal1, aal2 or aal3, or leave it out"},
		{"preset, idle too long", func(c *authmodule.Config) { c.Session.Preset, c.Session.TimeoutMinutes = "aal3", 16 },
			"auth.session.timeout_minutes is longer than auth.session.preset aal3 permits, which is 15m0s: lower LEX_AUTH__SESSION__TIMEOUT_MINUTES or leave it out, or choose another LEX_AUTH__SESSION__PRESET"},
		{"preset, absolute too long", func(c *authmodule.Config) { c.Session.Preset, c.Session.AbsoluteTimeoutDays = "aal2", 30 },
			"auth.session.absolute_timeout_days is longer than auth.session.preset aal2 permits, which is 24h0m0s: lower LEX_AUTH__SESSION__ABSOLUTE_TIMEOUT_DAYS or leave it out, or choose another LEX_AUTH__SESSION__PRESET"},
		{"preset, remembered too long", func(c *authmodule.Config) { c.Session.Preset, c.Session.RememberDays = "aal1", 31 },
			"auth.session.remember_days is longer than auth.session.preset aal1 permits, which is 720h0m0s: lower LEX_AUTH__SESSION__REMEMBER_DAYS or leave it out, or choose another LEX_AUTH__SESSION__PRESET"},
		{"remember, idle beyond", func(c *authmodule.Config) { c.Session.RememberDays, c.Session.RememberIdleDays = 10, 11 },
			"auth.session.remember_idle_days is longer than auth.session.remember_days: lower LEX_AUTH__SESSION__REMEMBER_IDLE_DAYS, or raise LEX_AUTH__SESSION__REMEMBER_DAYS"},
		{"limit of a role", func(c *authmodule.Config) { c.Session.Roles = map[string]session.LimitRule{"kiosk": {MaxPerUser: 1}} }, ""},
		{"bad limit of a role", func(c *authmodule.Config) { c.Session.Roles = map[string]session.LimitRule{"kiosk": {MaxPerUser: -1}} },
			"auth.session.roles.kiosk.max_per_user is out of range: use a whole number from 0 to 1000000"},
		{"limit of no tenant", func(c *authmodule.Config) {
			c.Session.Tenants = map[string]session.LimitRule{"Acme Inc": {MaxPerUser: 1}}
		},
			"auth.session.tenants names \"Acme Inc\", which is no tenant: use the names of tenants as they stand in accounts"},
		{"longest grace", func(c *authmodule.Config) { c.Session.RefreshGraceSeconds = 10 }, ""},
		{"grace too long", func(c *authmodule.Config) { c.Session.RefreshGraceSeconds = 11 }, "auth.session.refresh_grace_seconds is out of range: set LEX_AUTH__SESSION__REFRESH_GRACE_SECONDS to a whole number from 0 to 10"},
		{"idle as long as absolute", func(c *authmodule.Config) {
			c.Session.TimeoutMinutes, c.Session.AbsoluteTimeoutDays, c.JWT.RefreshTokenExpireDays = 1440, 1, 1
		}, ""},
		{"idle beyond absolute", func(c *authmodule.Config) { c.Session.TimeoutMinutes = 30*24*60 + 1 },
			"auth.session.timeout_minutes is longer than auth.session.absolute_timeout_days: lower LEX_AUTH__SESSION__TIMEOUT_MINUTES, or raise LEX_AUTH__SESSION__ABSOLUTE_TIMEOUT_DAYS"},
		{"refresh beyond absolute", func(c *authmodule.Config) { c.JWT.RefreshTokenExpireDays = 31 },
			"auth.jwt.refresh_token_expire_days is longer than auth.session.absolute_timeout_days: lower LEX_AUTH__JWT__REFRESH_TOKEN_EXPIRE_DAYS, or raise LEX_AUTH__SESSION__ABSOLUTE_TIMEOUT_DAYS"},
		{"admin", func(c *authmodule.Config) { c.AdminEmail = "ada@example.com" }, ""},
		{"two admins", func(c *authmodule.Config) { c.AdminEmail = "ada@example.com, bob@example.com" }, "auth.admin_email is not one e-mail address: set LEX_AUTH__ADMIN_EMAIL to an address such as ada@example.com"},
		{"roles off, named insecure", func(c *authmodule.Config) { c.RBAC.Enabled, c.RBAC.InsecureAllowDisabled = setting.Off, true }, ""},
	}
	const off = "auth.rbac.enabled is false, which opens every role and permission guard to any account: set LEX_AUTH__RBAC__ENABLED to true, or set LEX_AUTH__RBAC__INSECURE_ALLOW_DISABLED to true as well"
	for p, more := range map[authmodule.Profile][]change{
		authmodule.ProfileDevelopment: {{"roles off", func(c *authmodule.Config) { c.RBAC.Enabled = setting.Off }, ""}, {"no driver", store("", "", ""), ""},
			{"data source without a driver", store("", canary, ""), "auth.store.dsn is set but the store is memory: set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or leave LEX_AUTH__STORE__DSN out"}},
		authmodule.ProfileStaging:    {{"roles off", func(c *authmodule.Config) { c.RBAC.Enabled = setting.Off }, off}, {"registration not named", func(c *authmodule.Config) { c.Registration = "" }, ""}},
		authmodule.ProfileProduction: {{"roles off", func(c *authmodule.Config) { c.RBAC.Enabled = setting.Off }, off}},
	} {
		check(t, p, append(everywhere, more...))
	}
}

// REL-29: none of more than 200 bad configurations is accepted; each message names key and variable and shows no
// secret; of two problems both are reported.
func TestValidateRefusesBadConfigurations(t *testing.T) {
	t.Parallel()
	all := badChanges()
	keys, err := layer.Keys(&authmodule.Config{}, "auth", "LEX_AUTH")
	require.NoError(t, err)
	variables := map[string]string{}
	for _, k := range keys {
		variables[k.Name] = k.Variable
	}
	tried := 0
	refused := func(cfg authmodule.Config, names ...string) {
		tried++
		err := cfg.Validate()
		require.Error(t, err, names)
		require.NotContains(t, err.Error(), canary, names)
		for _, name := range names {
			key := "auth." + name
			require.Contains(t, err.Error(), key+" ")
			require.Contains(t, err.Error(), variables[key])
		}
	}
	for _, p := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		for i, one := range all {
			cfg := sound(p)
			one.do(&cfg)
			refused(cfg, one.name)
			other := all[(i+11)%len(all)]
			if section, _, _ := strings.Cut(other.name, "."); !strings.HasPrefix(one.name, section) {
				other.do(&cfg)
				refused(cfg, one.name, other.name)
			}
		}
	}
	assert.GreaterOrEqual(t, tried, 200)
}

// badChanges are refused in every profile. The name is the key that the message must name.
func badChanges() []change {
	var all []change
	bad := func(key string, do func(*authmodule.Config)) { all = append(all, change{name: key, do: do}) }
	for _, n := range []int{-1, -1_000_000, 2_000_000} {
		bad("jwt.expiration_hours", func(c *authmodule.Config) { c.JWT.ExpirationHours = setting.Hours(n) })
		bad("jwt.access_token_expire_minutes", func(c *authmodule.Config) { c.JWT.AccessTokenExpireMinutes = setting.Minutes(n) })
		bad("jwt.refresh_token_expire_days", func(c *authmodule.Config) { c.JWT.RefreshTokenExpireDays = setting.Days(n) })
		bad("session.timeout_minutes", func(c *authmodule.Config) { c.Session.TimeoutMinutes = setting.Minutes(n) })
		bad("session.absolute_timeout_days", func(c *authmodule.Config) { c.Session.AbsoluteTimeoutDays = setting.Days(n) })
		bad("session.max_per_user", func(c *authmodule.Config) { c.Session.MaxPerUser = setting.Count(n) })
		bad("session.remember_days", func(c *authmodule.Config) { c.Session.RememberDays = setting.Days(n) })
		bad("session.last_use_seconds", func(c *authmodule.Config) { c.Session.LastUseSeconds = setting.Count(n) })
		bad("session.refresh_grace_seconds", func(c *authmodule.Config) { c.Session.RefreshGraceSeconds = setting.Count(n) })
		bad("password.memory_kib", func(c *authmodule.Config) { c.Password.MemoryKiB = setting.Count(n) })
		bad("password.iterations", func(c *authmodule.Config) { c.Password.Iterations = setting.Count(n) })
		bad("password.parallelism", func(c *authmodule.Config) { c.Password.Parallelism = setting.Count(n) })
		bad("password.workers", func(c *authmodule.Config) { c.Password.Workers = setting.Count(n) })
		bad("password.queue", func(c *authmodule.Config) { c.Password.Queue = setting.Count(n) })
		bad("store.timeout_seconds", func(c *authmodule.Config) { c.Store.TimeoutSeconds = setting.Count(n) })
		bad("store.max_records", func(c *authmodule.Config) { c.Store.MaxRecords = setting.Count(n) })
		bad("http.max_body_kib", func(c *authmodule.Config) { c.HTTP.MaxBodyKiB = setting.Count(n) })
	}
	for _, v := range []string{"x", canary, "HS256 ", "true", "\x00"} {
		bad("jwt.algorithm", func(c *authmodule.Config) { c.JWT.Algorithm = v })
		bad("store.driver", func(c *authmodule.Config) { c.Store.Driver = v })
		bad("store.migrate", func(c *authmodule.Config) { c.Store.Migrate = v })
		bad("registration", func(c *authmodule.Config) { c.Registration = authn.RegistrationPolicy(v) })
		bad("admin_email", func(c *authmodule.Config) { c.AdminEmail = v })
		bad("http.prefix", func(c *authmodule.Config) { c.HTTP.Prefix = v })
		bad("http.public_url", func(c *authmodule.Config) { c.HTTP.PublicURL = v })
		bad("http.trusted_proxies", func(c *authmodule.Config) { c.HTTP.TrustedProxies = []string{"10.0.0.0/8", v} })
		bad("http.trusted_origins", func(c *authmodule.Config) { c.HTTP.TrustedOrigins = []string{v, "https://a.example"} })
	}
	bad("jwt.private_key_file", func(c *authmodule.Config) { c.JWT.PrivateKeyFile = canary })
	bad("jwt.secret_key", func(c *authmodule.Config) { c.JWT.SecretKey, c.JWT.Algorithm = canary, "EdDSA" })
	bad("jwt.expiration_hours", func(c *authmodule.Config) { c.JWT.ExpirationHours, c.JWT.AccessTokenExpireMinutes = 1, 1 })
	bad("store.dsn", func(c *authmodule.Config) { c.Store.DSN = "file:auth.db" })
	bad("store.dsn", func(c *authmodule.Config) { c.Store.Driver = "memory" })
	bad("rbac.admin_role", func(c *authmodule.Config) { c.RBAC.AdminRole = "viewer" })
	bad("rbac.admin_role", func(c *authmodule.Config) { c.RBAC.DefaultRole = "admin" })
	return all
}
