package main

import (
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
