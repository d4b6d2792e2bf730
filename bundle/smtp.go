package bundle

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/internal/smtppart"
)

var errNoSMTP = errors.New("authmodule: auth.smtp.host is set (LEX_AUTH__SMTP__HOST), and the application does not have what sends mail: " +
	"import github.com/authmodule/authmodule/account/smtp and add smtp.Module() beside authmodule.Configure")

// newSMTPNotifier returns nil where no mail server is configured.
func (s Settings) newSMTPNotifier(openers slot.Members[smtppart.Opener], l logger) (account.Notifier, error) {
	if s.SMTP.Host == "" {
		return nil, nil
	}
	open, err := slot.Or(openers.List, func() (smtppart.Opener, error) { return nil, errNoSMTP })
	if err != nil {
		return nil, s.loud(err)
	}
	notifier, err := open(smtppart.Settings{SMTPConfig: s.SMTP, PublicHost: hostOf(s.HTTP.PublicURL), Now: s.Now, Log: l.named()})
	if err != nil {
		return nil, s.loud(fmt.Errorf("authmodule: send mail (auth.smtp): %w", err))
	}
	return notifier, nil
}

// checkSMTP has an application that cannot send its mail not start.
func (s Settings) checkSMTP(openers slot.Members[smtppart.Opener], l logger) error {
	_, err := s.newSMTPNotifier(openers, l)
	return err
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
