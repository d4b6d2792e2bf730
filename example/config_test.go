package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
)

func TestPublicURL(t *testing.T) {
	t.Parallel()
	for addr, expected := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080", ":8080": "http://localhost:8080", "[::]:8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80",
		"192.0.2.7:8080": "http://192.0.2.7:8080", "127.0.0.1:0": "", "[fe80::1%eth0]:8080": "", "nonsense": "",
	} {
		c := authmodule.Config{Profile: authmodule.ProfileDevelopment}
		c.HTTP.PublicURL = publicURL(addr)
		assert.Equal(t, expected, c.HTTP.PublicURL, addr)
		require.NoError(t, c.Validate(), addr)
	}
}

// TestTheConfigurationWins switches off, by variables and by a file, what this program switches on by itself.
func TestTheConfigurationWins(t *testing.T) {
	off := map[string]func(authmodule.Config) bool{
		"mfa.enabled: false":         func(c authmodule.Config) bool { return c.MFA.Enabled },
		"mfa.trust_days: 0":          func(c authmodule.Config) bool { return c.MFA.TrustDays > 0 },
		"audit.journal: false":       func(c authmodule.Config) bool { return c.Audit.Journal || c.HTTP.AuditEndpoint },
		"account.magic_link: false":  func(c authmodule.Config) bool { return c.Account.MagicLink },
		"account.login_code: false":  func(c authmodule.Config) bool { return c.Account.LoginCode },
		"http.health: false":         func(c authmodule.Config) bool { return c.HTTP.Health },
		"http.audit_endpoint: false": func(c authmodule.Config) bool { return c.HTTP.AuditEndpoint },
		"http.user_endpoints: false": func(c authmodule.Config) bool { return c.HTTP.UserEndpoints },
		"http.impersonation: false":  func(c authmodule.Config) bool { return c.HTTP.Impersonation },
		"session.remember_days: 0":   func(c authmodule.Config) bool { return c.Session.RememberDays > 0 },
		"session.max_per_user: 0":    func(c authmodule.Config) bool { return c.Session.Limited() },
		"jwt.managed.enabled: false": func(c authmodule.Config) bool { return c.JWT.Managed.Enabled },
		"rbac.enabled: false":        func(c authmodule.Config) bool { return c.RBAC.Enabled.Enabled() || c.HTTP.UserEndpoints },
	}
	read := func(t *testing.T, f flags) authmodule.Config {
		t.Helper()
		c, err := loadAuth(f, t.TempDir())
		require.NoError(t, err)
		require.NoError(t, c.Validate())
		return c
	}
	t.Setenv("LEX_ENV", "development")
	t.Chdir(t.TempDir())
	for line, on := range off {
		t.Run(line, func(t *testing.T) {
			assert.True(t, on(read(t, flags{addr: defaultAddr})), "it is on by itself")
			key, value, _ := strings.Cut(line, ": ")
			file := "auth:\n"
			for i, part := range strings.Split(key, ".") {
				file += strings.Repeat("  ", i+1) + part + ":\n"
			}
			path := filepath.Join(t.TempDir(), "off.yaml")
			require.NoError(t, os.WriteFile(path, []byte(strings.TrimSuffix(file, "\n")+" "+value), 0o600))
			assert.False(t, on(read(t, flags{addr: defaultAddr, config: path})), "a file switches it off")
			t.Setenv("LEX_AUTH__"+strings.ToUpper(strings.ReplaceAll(key, ".", "__")), value)
			assert.False(t, on(read(t, flags{addr: defaultAddr})), "a variable switches it off")
		})
	}
}

// TestComplete switches on what the page shows where its keys are there, and keeps what is configured.
func TestComplete(t *testing.T) {
	t.Parallel()
	of := func(change func(*authmodule.Config)) authmodule.Config {
		c := authmodule.Config{Profile: authmodule.ProfileDevelopment}
		change(&c)
		c, err := complete(c, t.TempDir(), defaultAddr)
		require.NoError(t, err)
		return c
	}
	bare := of(func(*authmodule.Config) {})
	assert.True(t, bare.MFA.Enabled && bare.Audit.Journal && bare.HTTP.AuditEndpoint && bare.HTTP.Impersonation)
	assert.Equal(t, account.NotifierLog, bare.Account.Notifier)
	assert.Equal(t, account.VerifyOffered, bare.Account.VerifyEmail)
	require.NoError(t, bare.Validate())

	own := of(func(c *authmodule.Config) {
		c.SMTP.Host, c.SMTP.From = "mail.example.com", "noreply@example.com"
		c.Account.VerifyEmail, c.MFA.Issuer, c.HTTP.PublicURL = account.VerifyRequired, "Mine", "https://app.example.com"
	})
	assert.Empty(t, own.Account.Notifier, "mail goes to the server")
	assert.Equal(t, []string{string(account.VerifyRequired), "Mine", "https://app.example.com"}, []string{string(own.Account.VerifyEmail), own.MFA.Issuer, own.HTTP.PublicURL})

	strict := of(func(c *authmodule.Config) { c.Profile = authmodule.ProfileProduction })
	assert.False(t, strict.MFA.Enabled || strict.Audit.Journal || strict.HTTP.AuditEndpoint, "without a secret key")
	assert.Empty(t, strict.Account.Notifier+strict.HTTP.PublicURL)
	memory := of(func(c *authmodule.Config) {
		c.Profile, c.Store.Driver, c.SecretKey = authmodule.ProfileProduction, authmodule.DriverMemory, "a key of thirty-two bytes, or more"
	})
	assert.True(t, memory.MFA.Enabled && !memory.Audit.Journal, "a journal in memory is none")
}
