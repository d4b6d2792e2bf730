package smtppart

import (
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/account"
)

// ModuleName is the name of the option that brings an [Opener].
const ModuleName = "smtp.Module"

// Settings are the configuration, already validated.
type Settings struct {
	account.SMTPConfig
	// PublicHost is the host of auth.http.public_url, if that is set.
	PublicHost string
	Now        func() time.Time
	Log        *slog.Logger
}

// Opener makes the notifier. It connects to nothing; what it refuses is a template.
type Opener func(s Settings) (account.Notifier, error)
