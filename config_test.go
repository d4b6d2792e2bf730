package authmodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// REL-25: however a configuration is printed, no secret is in it.
func TestConfigPrintsNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "canary-5b1f"
	cfg := authmodule.Config{
		Profile: authmodule.ProfileProduction, SecretKey: canary, JWT: authn.TokenConfig{SecretKey: canary},
		Store: authmodule.StoreConfig{Driver: "sqlite", DSN: canary}, Now: time.Now, Rand: strings.NewReader(""),
	}
	type holder struct {
		Value   authmodule.Config
		Pointer *authmodule.Config
		Any     any
		List    []authmodule.Config
		Map     map[string]authmodule.Config
	}
	nested := holder{cfg, &cfg, cfg, []authmodule.Config{cfg}, map[string]authmodule.Config{"a": cfg}}

	outputs := map[string]string{}
	for name, v := range map[string]any{"value": cfg, "pointer": &cfg, "section": cfg.JWT, "store": &cfg.Store, "nested": nested, "nested pointer": &nested} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			outputs[name+" "+verb] = fmt.Sprintf(verb, v)
		}
		inJSON, err := json.Marshal(v)
		require.NoError(t, err)
		inYAML, err := yaml.Marshal(v)
		require.NoError(t, err)
		outputs[name+" json"], outputs[name+" yaml"] = string(inJSON), string(inYAML)
		var text, structured bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("start", "config", v, slog.Group("g", "config", v))
		slog.New(slog.NewJSONHandler(&structured, nil)).Info("start", "config", v, slog.Group("g", "config", v))
		outputs[name+" slog text"], outputs[name+" slog json"] = text.String(), structured.String()
	}
	for name, output := range outputs {
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary))} {
			assert.NotContains(t, output, strings.Trim(form, "[]"), name)
		}
	}
	assert.Contains(t, outputs["value json"], setting.Redacted)
	assert.Contains(t, outputs["value slog json"], setting.Redacted)
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have                 authmodule.Profile
		driver, registration string
	}{
		{authmodule.ProfileDevelopment, "memory", "open"},
		{authmodule.ProfileStaging, "", "open"},
		{authmodule.ProfileProduction, "", ""},
	} {
		t.Run(string(tc.have), func(t *testing.T) {
			t.Parallel()
			checkRoutes := transport.RouteCheckStrict
			if tc.have == authmodule.ProfileDevelopment {
				checkRoutes = transport.RouteCheckWarn
			}
			expected := authmodule.Config{
				Profile: tc.have,
				JWT: authn.TokenConfig{Algorithm: "HS256", AccessTokenExpireMinutes: 30, RefreshTokenExpireDays: 7, Issuer: "authmodule", Audience: "authmodule", Remembered: 65_536,
					Managed: authn.ManagedKeyConfig{RotateDays: 30, PublishSeconds: 300}},
				Revocation: authn.RevocationConfig{Mode: "bounded", MaxStaleSeconds: 5},
				Password: authn.PasswordConfig{MemoryKiB: 19456, Iterations: 2, Parallelism: 1, MinLength: 15, MinLengthMFA: 8,
					Breach: authn.BreachConfig{URL: "https://api.pwnedpasswords.com/range/", TimeoutMilliseconds: 1000, Least: 1}},
				LoginRateLimit: "5/minute",
				Throttle: authn.ThrottleConfig{
					AccountRate: "5/minute", AddressRateLimit: "100/minute", PairRateLimit: "20/hour", LockSeconds: 30, LongestLockSeconds: 3600,
					MaxConsecutiveFailures: 100, IPv4Prefix: 24, IPv6Prefix: 64,
				},
				Session: session.Config{TimeoutMinutes: 60, AbsoluteTimeoutDays: 30, OnLimit: session.EvictOldest},
				APIKeys: authn.APIKeyConfig{Prefix: "ak", DefaultDays: 365, MaxDays: 365, MaxPerUser: 50},
				MFA: mfa.Config{
					Issuer: "authmodule", Algorithm: mfa.SHA1, Digits: 6, EnrollMinutes: 10, MaxApps: 5, MaxTrusted: 5, Require: mfa.RequireNobody, AfterRecovery: mfa.AfterRecoveryNone,
				},
				Audit:        authmodule.AuditConfig{VerifyHours: 24},
				Account:      account.Config{TokenMinutes: 60, MailsPerHour: 5, Senders: 4, SendSeconds: 30},
				SMTP:         account.SMTPConfig{TLS: account.SMTPStartTLS, Port: 587, TimeoutSeconds: 10},
				Binding:      authn.BindingConfig{Certificate: "off", IP: "off", IPv4Prefix: 24, IPv6Prefix: 64},
				RBAC:         authz.Config{DefaultRole: "viewer", AdminRole: "admin", ExplainDenials: "development", DeniedEventsPercent: 100},
				HTTP:         transport.Config{Prefix: "/auth", MaxBodyKiB: 64, StepUpMinutes: 15, ClientCertificate: "off", ClientCertificateHeader: "Client-Cert", ClientCertificateTrust: "pki", CheckRoutes: checkRoutes},
				Store:        authmodule.StoreConfig{Driver: tc.driver, MaxConnections: 10, Migrate: "auto", TimeoutSeconds: 2, MaxRecords: 1_000_000, Redis: authmodule.RedisConfig{Prefix: "authmodule"}},
				Registration: authn.RegistrationPolicy(tc.registration), ImpersonationMinutes: 30,
			}
			once := authmodule.Config{Profile: tc.have}.WithDefaults()
			assert.Equal(t, expected, once)
			assert.Equal(t, once, once.WithDefaults())
		})
	}
}

func TestWithDefaultsKeepsWhatIsSet(t *testing.T) {
	t.Parallel()
	cfg := authmodule.Config{
		Profile: authmodule.ProfileDevelopment, JWT: authn.TokenConfig{ExpirationHours: 2}, Registration: authn.RegistrationClosed,
		Store: authmodule.StoreConfig{Driver: authmodule.DriverSQLite, DSN: "auth.db", MaxConnections: 4, Migrate: authmodule.MigrateOff, TimeoutSeconds: 5, MaxRecords: 1000, Redis: authmodule.RedisConfig{Prefix: "app"}},
	}
	full := cfg.WithDefaults()
	assert.Equal(t, cfg.Store, full.Store)
	assert.Equal(t, cfg.Registration, full.Registration)
	assert.Equal(t, 2*time.Hour, full.JWT.AccessLifetime())
}

func TestProfileFromEnvironment(t *testing.T) {
	t.Setenv("LEX_ENV", "production")
	assert.Equal(t, authmodule.ProfileProduction, authmodule.Config{}.WithDefaults().Profile)
	require.Error(t, authmodule.Config{}.Validate(), "a configuration without a profile takes that of the environment")
	assert.NoError(t, authmodule.Config{Profile: authmodule.ProfileDevelopment}.Validate())

	t.Setenv("LEX_ENV", "prod")
	require.ErrorContains(t, authmodule.Config{}.Validate(), `profile "prod" is unknown: set LEX_ENV to development, staging or production`)
	require.Error(t, authmodule.Config{}.WithDefaults().Validate())
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	const secret = "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya"
	settled := authmodule.Config{
		Profile: authmodule.ProfileDevelopment, JWT: authn.TokenConfig{SecretKey: secret},
		Store: authmodule.StoreConfig{Driver: "sqlite", DSN: "auth.db"},
	}
	for _, tc := range []struct {
		name     string
		have     func(*authmodule.Config)
		expected []string
	}{
		{"nothing to warn of", func(*authmodule.Config) {}, nil},
		{"zero value, one warning", func(c *authmodule.Config) { *c = authmodule.Config{Profile: authmodule.ProfileDevelopment} },
			[]string{"auth.jwt.secret_key is not set, so tokens are signed with a key that ends with this process; auth.store.driver is memory, so accounts and sessions end with this process (see LEX_AUTH__JWT__SECRET_KEY and LEX_AUTH__STORE__DRIVER)"}},
		{"no private key", func(c *authmodule.Config) { c.JWT = authn.TokenConfig{Algorithm: "ES256"} },
			[]string{"auth.jwt.private_key_file is not set, so tokens are signed with a key that ends with this process (see LEX_AUTH__JWT__PRIVATE_KEY_FILE)"}},
		{"named memory in production", func(c *authmodule.Config) {
			c.Profile, c.Store, c.Registration = authmodule.ProfileProduction, authmodule.StoreConfig{Driver: "memory"}, authn.RegistrationClosed
		}, []string{"auth.store.driver is memory, so accounts and sessions end with this process (see LEX_AUTH__STORE__DRIVER)"}},
		{"managed keys in memory", func(c *authmodule.Config) {
			c.JWT, c.SecretKey, c.Store = authn.TokenConfig{Managed: authn.ManagedKeyConfig{Enabled: true}}, secret, authmodule.StoreConfig{}
		}, []string{"auth.store.driver is memory, so accounts, sessions and signing keys end with this process (see LEX_AUTH__STORE__DRIVER)"}},
		{"managed keys in a database", func(c *authmodule.Config) {
			c.JWT, c.SecretKey = authn.TokenConfig{Managed: authn.ManagedKeyConfig{Enabled: true}}, secret
		}, nil},
		{"short secret", func(c *authmodule.Config) { c.JWT.SecretKey = "a1b2c3" },
			[]string{"auth.jwt.secret_key is shorter than 32 bytes; staging and production refuse it (see LEX_AUTH__JWT__SECRET_KEY)"}},
		{"example secret", func(c *authmodule.Config) { c.SecretKey = "your-secret-key" },
			[]string{"auth.secret_key is an example from documentation, known to everybody; staging and production refuse it (see LEX_AUTH__SECRET_KEY)"}},
		{"cheap passwords", func(c *authmodule.Config) { c.Password.MemoryKiB = 1024 },
			[]string{"auth.password.memory_kib and auth.password.iterations are below the accepted minimum; staging and production refuse it (see LEX_AUTH__PASSWORD__MEMORY_KIB)"}},
		{"roles off", func(c *authmodule.Config) { c.RBAC.Enabled = setting.Off },
			[]string{"auth.rbac.enabled is false: role and permission guards let every account pass (see LEX_AUTH__RBAC__ENABLED)"}},
		{"insecure cookies", func(c *authmodule.Config) { c.HTTP.InsecureCookies = true },
			[]string{"auth.http.insecure_cookies is true: session cookies travel over plain HTTP (see LEX_AUTH__HTTP__INSECURE_COOKIES)"}},
		{"no throttle", func(c *authmodule.Config) { c.Throttle.InsecureDisabled = true },
			[]string{"auth.throttle.insecure_disabled is true: passwords and codes may be guessed without end (see LEX_AUTH__THROTTLE__INSECURE_DISABLED)"}},
		{"no check of routes in development", func(c *authmodule.Config) { c.HTTP.CheckRoutes = "off" }, nil},
		{"no check of routes in production", func(c *authmodule.Config) {
			c.Profile, c.Registration, c.HTTP.CheckRoutes = authmodule.ProfileProduction, authn.RegistrationClosed, "warn"
		}, []string{"auth.http.check_routes is warn: a route that was left without a guard does not keep the application from starting (see LEX_AUTH__HTTP__CHECK_ROUTES)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := settled
			tc.have(&cfg)
			require.NoError(t, cfg.Validate())
			assert.Equal(t, tc.expected, cfg.Warnings())
		})
	}
}
