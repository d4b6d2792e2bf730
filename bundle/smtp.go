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
		return nil, err
	}
	notifier, err := open(smtppart.Settings{SMTPConfig: s.SMTP, PublicHost: hostOf(s.HTTP.PublicURL), Now: s.Now, Log: l.named()})
	if err != nil {
		return nil, fmt.Errorf("authmodule: send mail (auth.smtp): %w", err)
	}
	return notifier, nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
