package bundle

import (
	"io"
	"log/slog"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/redispart"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/internal/smtppart"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// Settings are the parts' configurations, already validated, with defaults filled in.
type Settings struct {
	SecretKey setting.Secret
	// PreviousSecretKeys open what they sealed when one of them was SecretKey.
	PreviousSecretKeys []setting.Secret
	Tokens             authn.TokenConfig
	Revocation         authn.RevocationConfig
	Passwords          authn.PasswordConfig
	Throttle           authn.ThrottleConfig
	Sessions           session.Config
	APIKeys            authn.APIKeyConfig
	MFA                mfa.Config
	Account            account.Config
	SMTP               account.SMTPConfig
	Issuers            map[string]authn.IssuerConfig
	Roles              authz.Config
	HTTP               transport.Config
	Store              StoreSettings
	Journal            JournalSettings
	Binding            authn.BindingConfig
	Registration       authn.RegistrationPolicy
	AdminEmail         string
	// ImpersonationLifetime bounds a session in somebody else's name.
	ImpersonationLifetime time.Duration
	// Ephemeral permits a signing key that lasts as long as the process.
	Ephemeral bool
	// Explain puts the missing role or permission into a 403.
	Explain bool
	// Warnings are logged when the application starts.
	Warnings []string
	Now      func() time.Time
	Rand     io.Reader
	// Refused is told of an error that ends the start, besides fx.
	Refused func(error)
}

// JournalSettings configure the audit journal.
type JournalSettings struct {
	Enabled bool
	// Keep is how long entries are kept; 0 is for ever.
	Keep time.Duration
	// Verify is how often the chain is verified.
	Verify time.Duration
}

// StoreSettings choose the driver.
type StoreSettings struct {
	// Driver is memory, sqlite or postgres.
	Driver string
	DSN    setting.Secret
	// MaxConnections is for postgres; 0 is the driver's default.
	MaxConnections int
	// Migrate is auto, check or off.
	Migrate string
	// MaxRecords bounds each kind of records in memory.
	MaxRecords int
	// Timeout bounds each call of a store.
	Timeout time.Duration
	// Sessions is SessionsRedis, or empty for the driver.
	Sessions string
	Redis    redispart.Settings
}

// logger is the application's *slog.Logger if it provides one.
type logger struct {
	fx.In
	Log *slog.Logger `optional:"true"`
}

func (l logger) named() *slog.Logger {
	log := l.Log
	if log == nil {
		log = slog.Default()
	}
	return log.With("component", "authmodule")
}

// Module returns the graph: the token manager, the authorization service, the
// session manager, the login service, the gate and its doors for Echo and net/http.
func Module(s Settings) fx.Option {
	return fx.Module("authmodule",
		fx.Provide(
			s.checked,
			s.newPorts,
			s.newJournal,
			s.newBus,
			s.newRevocations,
			s.newRoles,
			s.newSessions,
			s.newKeyManager,
			s.newKeys,
			s.newTokens,
			s.newHasher,
			s.newThrottle,
			s.newPolicy,
			s.newOutbox,
			s.newMFA,
			s.newUsers,
			s.newAccounts,
			s.newAPIKeys,
			s.newIssuers,
			s.newSetup,
			s.newHealth,
			s.newGate,
			newRecorder,
			newEchoDoor,
			newHTTPDoor,
		),
		fx.Invoke(warn(s.Warnings), subscribe, followRevocations, rereadRules, s.startJanitor, keepSessions, sendMail, s.checkRoutes, watchRouter),
		s.announceSetup(),
	)
}

// consumed are the names of all options that the core has a place for.
func (s Settings) consumed() map[string]bool {
	names := map[string]bool{
		"Database": s.Store.Driver == "sqlite" || s.Store.Driver == "postgres", "APIKeyStore": s.APIKeys.Enabled.Enabled(), "FactorStore": s.MFA.Enabled, "JournalStore": s.Journal.Enabled, "PasswordHistoryStore": s.Passwords.History > 0, "CodeSender": s.MFA.Enabled && s.MFA.EmailCode, "Factor": s.MFA.Enabled, "CounterStore": !s.Throttle.InsecureDisabled, "KeyStore": s.Tokens.Managed.Enabled,
		"HTTPClient": len(s.Issuers) > 0 || s.Passwords.Breach.Online,
	}
	for _, name := range []string{
		"UserStore", "PasswordStore", "RevocationStore", "OneTimeStore", "SessionStore", "DeviceStore", "RuleStore", "AssignmentStore",
		"PasswordCheck", "Notifier", "Eraser", "DeviceNotifier", "Locator", "Listener", "Authenticator", "Endpoint", "Roles", "Policies", "AttributeSource", "DecisionRecorder", redispart.ModuleName, smtppart.ModuleName,
	} {
		names[name] = true
	}
	return names
}

func (s Settings) checked(marks slot.Marks) (slot.Checked, error) {
	checked, err := slot.Check(marks.List, s.consumed())
	return checked, s.loud(err)
}

// loud tells Refused of an error as well, and returns it.
func (s Settings) loud(err error) error {
	if err != nil && s.Refused != nil {
		s.Refused(err)
	}
	return err
}

// warn logs what development lets pass.
func warn(warnings []string) func(logger) {
	return func(l logger) {
		for _, text := range warnings {
			l.named().Warn(text)
		}
	}
}
