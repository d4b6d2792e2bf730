package account_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/account"
)

func TestSMTPConfigProblems(t *testing.T) {
	t.Parallel()
	sound := account.SMTPConfig{Host: "mail.example.com", From: "Example <noreply@example.com>"}
	with := func(change func(*account.SMTPConfig)) account.SMTPConfig {
		c := sound
		change(&c)
		return c
	}
	testCases := []struct {
		name     string
		have     account.SMTPConfig
		expected string
	}{
		{"none", account.SMTPConfig{}, ""},
		{"none, with defaults", account.SMTPConfig{}.WithDefaults(), ""},
		{"sound", sound, ""},
		{"all of it", account.SMTPConfig{
			Host: "::1", Port: 2525, Username: "app", Password: "secret", From: "Grüße <no-reply+x@bücher.example>", Product: "Bücher & mehr", TLS: account.SMTPImplicit, TimeoutSeconds: 60, Templates: "mails",
		}, ""},
		{"no host", with(func(c *account.SMTPConfig) { c.Host = "" }), "host"},
		{"a host with a port", with(func(c *account.SMTPConfig) { c.Host = "mail.example.com:25" }), "host"},
		{"a URL", with(func(c *account.SMTPConfig) { c.Host = "smtp://mail.example.com" }), "host"},
		{"a host with a line break", with(func(c *account.SMTPConfig) { c.Host = "mail.example.com\r\nQUIT" }), "host"},
		{"no sender", with(func(c *account.SMTPConfig) { c.From = "" }), "from"},
		{"two senders", with(func(c *account.SMTPConfig) { c.From = "a@example.com, b@example.com" }), "from"},
		{"a header in the sender", with(func(c *account.SMTPConfig) { c.From = "a@example.com\r\nBcc: b@example.com" }), "from"},
		{"a line break in the sender's name", with(func(c *account.SMTPConfig) { c.From = "=?utf-8?q?a=0D=0Ab?= <a@example.com>" }), "from"},
		{"a sender that few servers take", with(func(c *account.SMTPConfig) { c.From = "grüße@example.com" }), "from"},
		{"a quoted sender", with(func(c *account.SMTPConfig) { c.From = `"a b"@example.com` }), "from"},
		{"a header in the product", with(func(c *account.SMTPConfig) { c.Product = "x\r\nBcc: b@example.com" }), "product"},
		{"no port", with(func(c *account.SMTPConfig) { c.Port = 65536 }), "port"},
		{"a user without a password", with(func(c *account.SMTPConfig) { c.Username = "app" }), "password"},
		{"a password without a user", with(func(c *account.SMTPConfig) { c.Password = "secret" }), "username"},
		{"unknown encryption", with(func(c *account.SMTPConfig) { c.TLS = "ssl" }), "tls"},
		{"nothing encrypted", with(func(c *account.SMTPConfig) { c.TLS = account.SMTPInsecureNone }), ""},
		{"a password in clear", with(func(c *account.SMTPConfig) { c.TLS, c.Username, c.Password = account.SMTPInsecureNone, "app", "secret" }), "tls"},
		{"an endless delivery", with(func(c *account.SMTPConfig) { c.TimeoutSeconds = 61 }), "timeout_seconds"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var keys string
			for _, problem := range tc.have.Problems() {
				keys += problem.Key
				assert.NotContains(t, problem.String(), "secret")
			}
			assert.Equal(t, tc.expected, keys)
		})
	}
}

func TestSMTPDefaults(t *testing.T) {
	t.Parallel()
	assert.Equal(t, account.SMTPConfig{Port: 587, TLS: account.SMTPStartTLS, TimeoutSeconds: 10}, account.SMTPConfig{}.WithDefaults())
	assert.EqualValues(t, 465, account.SMTPConfig{TLS: account.SMTPImplicit}.WithDefaults().Port)
	for host, expected := range map[string]bool{"localhost": true, "127.0.0.2": true, "::1": true, "10.0.0.1": false, "mail.example.com": false, "": false} {
		assert.Equal(t, expected, account.SMTPConfig{Host: host}.Loopback(), host)
	}
}
