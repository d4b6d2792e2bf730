package authmodule_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
)

// What is configured and not there is a start error that names the way out.
func TestSMTPStartErrors(t *testing.T) {
	t.Parallel()
	mail := func(change func(*account.SMTPConfig)) fx.Option {
		return authmodule.Stub(func(c *authmodule.Config) {
			c.SMTP = account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com"}
			change(&c.SMTP)
		})
	}
	same := func(*account.SMTPConfig) {}
	require.NoError(t, build(mail(same), smtp.Module()), "whether the server answers shows with the first mail")
	require.NoError(t, build(authmodule.Stub(), smtp.Module()), "without a server it does nothing")
	require.ErrorContains(t, build(mail(same)), "auth.smtp.host is set (LEX_AUTH__SMTP__HOST)")
	require.ErrorContains(t, build(mail(same)), "import github.com/authmodule/authmodule/account/smtp and add smtp.Module()")
	own := authmodule.UseNotifier(func() (account.Notifier, error) {
		return smtp.New(account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com"}, smtp.Options{RootCAs: x509.NewCertPool()})
	})
	require.NoError(t, build(mail(same), own), "the application's own takes the place of the module's")
	require.NoError(t, build(mail(same), smtp.Module(), own))
	require.ErrorContains(t, build(mail(same), smtp.Module(), smtp.Module()), "smtp.Module is used twice")
	require.ErrorContains(t, build(mail(func(c *account.SMTPConfig) { c.From = "" }), smtp.Module()), "auth.smtp.from is no address")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "verify_email.txt"), []byte("{{define \"subject\"}}\n{{.Code}}{{end}}{{define \"body\"}}{{end}}"), 0o600))
	err := build(mail(func(c *account.SMTPConfig) { c.Templates = dir }), smtp.Module())
	require.ErrorContains(t, err, "authmodule: send mail (auth.smtp): smtp: "+dir)
	require.ErrorContains(t, err, "verify_email.txt:2:2:")
}
