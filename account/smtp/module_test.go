package smtp_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/internal/smtppart"
)

// The module brings into the graph what sends mail as it is configured there.
func TestModuleSends(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	var openers []slot.Member[smtppart.Opener]
	app := fx.New(fx.NopLogger, smtp.Module(), fx.Invoke(func(m slot.Members[smtppart.Opener]) { openers = m.List }))
	require.NoError(t, app.Err())
	require.Len(t, openers, 1)
	assert.Equal(t, smtppart.ModuleName, openers[0].Mark.Name)

	settings := smtppart.Settings{SMTPConfig: s.config(inClear, func(c *account.SMTPConfig) { c.Product = "" }), PublicHost: "app.example.com", Now: now}
	notifier, err := openers[0].Value(settings)
	require.NoError(t, err)
	require.NoError(t, notifier.Notify(t.Context(), reset("ada@example.org")))
	m := s.mail(t)
	assert.Equal(t, "Choose a new password for app.example.com", m.Subject)
	assert.True(t, now().Equal(m.Date))

	settings.Templates = folder(t, "verify_email.txt", "{{")
	notifier, err = openers[0].Value(settings)
	require.ErrorContains(t, err, "verify_email.txt:1:")
	assert.Nil(t, notifier)
}
