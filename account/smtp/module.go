package smtp

import (
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/internal/smtppart"
)

// Module sends notices by the mail server that auth.smtp names. Where auth.smtp.host is not set it does nothing. The application
// does not start with a template that cannot be used; whether the server answers shows with the first mail.
func Module() fx.Option {
	return slot.Module[smtppart.Opener](smtppart.ModuleName, func() smtppart.Opener { return openConfigured }, 1)
}

func openConfigured(s smtppart.Settings) (account.Notifier, error) {
	sender, err := New(s.SMTPConfig, Options{Now: s.Now, Log: s.Log, PublicHost: s.PublicHost})
	if err != nil {
		return nil, err
	}
	return sender, nil
}
