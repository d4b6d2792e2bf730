package authmodule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
)

func TestValidateSMTP(t *testing.T) {
	t.Parallel()
	mail := func(change func(*account.SMTPConfig)) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.SMTP = account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com"}
			change(&c.SMTP)
		}
	}
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, profile, []change{
			{"sound", mail(func(*account.SMTPConfig) {}), ""},
			{"none", mail(func(c *account.SMTPConfig) { *c = account.SMTPConfig{} }), ""},
			{"with a login", mail(func(c *account.SMTPConfig) { c.Username, c.Password, c.TLS = "app", canary, account.SMTPImplicit }), ""},
			{"in clear on this machine", mail(func(c *account.SMTPConfig) { c.Host, c.TLS = "localhost", account.SMTPInsecureNone }), ""},
			{"a sender without a server", mail(func(c *account.SMTPConfig) { c.Host = "" }),
				"auth.smtp.host is no host: set LEX_AUTH__SMTP__HOST to the name of the mail server, such as mail.example.com, without a port"},
			{"a server without a sender", mail(func(c *account.SMTPConfig) { c.From = "" }),
				"auth.smtp.from is no address: set LEX_AUTH__SMTP__FROM to the sender's address, such as Example <noreply@example.com>"},
			{"a user without a password", mail(func(c *account.SMTPConfig) { c.Username = "app" }),
				"auth.smtp.password is not set, and auth.smtp.username is: set LEX_AUTH__SMTP__PASSWORD to that user's password, or leave the user name out"},
			{"a password without a user", mail(func(c *account.SMTPConfig) { c.Password = canary }),
				"auth.smtp.username is not set, and auth.smtp.password is: set LEX_AUTH__SMTP__USERNAME to the name to log in with, or leave the password out"},
			{"a password in clear", mail(func(c *account.SMTPConfig) {
				c.Host, c.TLS, c.Username, c.Password = "127.0.0.1", account.SMTPInsecureNone, "app", canary
			}), "auth.smtp.tls is insecure_none, which would send the password in clear: set LEX_AUTH__SMTP__TLS to starttls or implicit, or leave out username and password"},
			{"a port too high", mail(func(c *account.SMTPConfig) { c.Port = 70000 }), "auth.smtp.port is out of range: set LEX_AUTH__SMTP__PORT to 1 to 65535"},
			{"a negative port", mail(func(c *account.SMTPConfig) { c.Port = -1 }), "auth.smtp.port is out of range: set LEX_AUTH__SMTP__PORT to 1 to 65535"},
			{"a long wait", mail(func(c *account.SMTPConfig) { c.TimeoutSeconds = 61 }),
				"auth.smtp.timeout_seconds is out of range: set LEX_AUTH__SMTP__TIMEOUT_SECONDS to 1 to 60 seconds"},
		})
	}
}

// Links and codes do not travel in clear to another machine, but in development, with a warning.
func TestMailInClear(t *testing.T) {
	t.Parallel()
	inClear := func(c *authmodule.Config) {
		c.SMTP = account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com", TLS: account.SMTPInsecureNone}
	}
	const refused = "auth.smtp.tls is insecure_none, which sends links and codes in clear to another machine: set LEX_AUTH__SMTP__TLS to starttls or implicit"
	check(t, authmodule.ProfileDevelopment, []change{{"in clear", inClear, ""}})
	check(t, authmodule.ProfileStaging, []change{{"in clear", inClear, refused}})
	check(t, authmodule.ProfileProduction, []change{{"in clear", inClear, refused}})
	c := sound(authmodule.ProfileDevelopment)
	inClear(&c)
	assert.Contains(t, strings.Join(c.Warnings(), "\n"), "auth.smtp.tls is insecure_none")
	c.SMTP.Host = "::1"
	assert.NotContains(t, strings.Join(c.Warnings(), "\n"), "auth.smtp.tls")
}

// A link without a host opens nowhere. Logged links may be paths, and pages of the application's own have a host.
func TestMailWithoutAHost(t *testing.T) {
	t.Parallel()
	const warned = "auth.http.public_url is not set: links in mails have no host"
	for name, tc := range map[string]struct {
		change func(*authmodule.Config)
		warned bool
	}{
		"no host": {func(*authmodule.Config) {}, true},
		"a host":  {func(c *authmodule.Config) { c.HTTP.PublicURL = "https://app.example.com" }, false},
		"no mail": {func(c *authmodule.Config) { c.SMTP = account.SMTPConfig{} }, false},
		"own pages": {func(c *authmodule.Config) {
			c.Account.Links = account.Links{VerifyEmail: "https://a.example/v", ResetPassword: "https://a.example/r", ChangeEmail: "https://a.example/c"}
		}, false},
		"own pages but one": {func(c *authmodule.Config) {
			c.Account.Links = account.Links{VerifyEmail: "https://a.example/v", ResetPassword: "https://a.example/r"}
		}, true},
	} {
		c := sound(authmodule.ProfileDevelopment)
		c.HTTP.PublicURL, c.SMTP = "", account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com"}
		tc.change(&c)
		assert.Equal(t, tc.warned, strings.Contains(strings.Join(c.Warnings(), "\n"), warned), name)
	}
}

func TestSMTPPasswordDoesNotShow(t *testing.T) {
	t.Parallel()
	c := sound(authmodule.ProfileProduction)
	c.SMTP.Password = canary
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %d", c, &c, c, c, c), canary)
}
