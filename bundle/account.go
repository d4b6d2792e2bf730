package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/internal/smtppart"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

type outboxIn struct {
	fx.In
	Checked   slot.Checked
	Notifiers slot.Members[account.Notifier]
	// Openers are those of account/smtp.
	Openers slot.Members[smtppart.Opener]
	Logger  logger
}

// newOutbox takes the application's own notifier, else that of an opt-in package, else the log, else none.
func (s Settings) newOutbox(in outboxIn) (*account.Outbox, error) {
	notifier, err := slot.Or(in.Notifiers.List, func() (account.Notifier, error) {
		mail, err := s.newSMTPNotifier(in.Openers, in.Logger)
		if err == nil && mail == nil && s.Account.Notifier == account.NotifierLog {
			return account.LogNotifier(in.Logger.named()), nil
		}
		return mail, err
	})
	switch {
	case err != nil:
	case notifier == nil:
		err = s.unsendable()
	default:
		err = s.linkable()
	}
	return account.NewOutbox(s.Account, notifier, in.Logger.named()), s.loud(err)
}

// linkable refuses links that lead nowhere. In development they are logged as paths.
func (s Settings) linkable() error {
	if s.Ephemeral || s.HTTP.PublicURL != "" || !s.Account.NeedsPublicURL() {
		return nil
	}
	return errors.New("authmodule: auth.http.public_url is not set, and links that are sent need it: set LEX_AUTH__HTTP__PUBLIC_URL to the application's address, or name every page in auth.account.links")
}

// unsendable refuses what needs a notifier where there is none.
func (s Settings) unsendable() error {
	var errs []error
	for _, flow := range []struct {
		key, variable string
		on            bool
	}{
		{"auth.account.verify_email", "LEX_AUTH__ACCOUNT__VERIFY_EMAIL", cmp.Or(s.Account.VerifyEmail, account.VerifyOff) != account.VerifyOff},
		{"auth.account.magic_link", "LEX_AUTH__ACCOUNT__MAGIC_LINK", s.Account.MagicLink},
		{"auth.account.login_code", "LEX_AUTH__ACCOUNT__LOGIN_CODE", s.Account.LoginCode},
	} {
		if flow.on {
			errs = append(errs, fmt.Errorf("authmodule: %s (%s) sends mail, and there is no notifier: add authmodule.UseNotifier or configure auth.smtp, in development set auth.account.notifier to log, or leave the key out", flow.key, flow.variable))
		}
	}
	return errors.Join(errs...)
}

// verifies reports whether nobody logs in before their address is verified.
func (s Settings) verifies(out *account.Outbox) bool {
	return s.Account.Resolved(out.Sends()).VerifyEmail == account.VerifyRequired
}

type accountsIn struct {
	fx.In
	Ports    ports
	Users    *authn.Service
	Hasher   *authn.Hasher
	Policy   *authn.PasswordPolicy
	Outbox   *account.Outbox
	Throttle *authn.Throttle
	Factors  *mfa.Service
	Keys     keys
	APIKeys  *authn.APIKeys
	Roles    *authz.Service
	Sessions *session.Manager
	Erasers  slot.Members[account.Eraser]
	Bus      *audit.Bus
	Logger   logger
}

func (s Settings) newAccounts(in accountsIn) (*account.Service, error) {
	secret, err := authn.DeriveSecret(in.Keys.refresh, "login codes")
	if err != nil {
		return nil, s.loud(err)
	}
	deps := account.Deps{
		Users: in.Users, OneTime: in.Ports.oneTime, Hasher: in.Hasher, Policy: in.Policy, Outbox: in.Outbox, Throttle: in.Throttle, Erasers: erasers(in), Devices: in.Sessions,
		Admins: guardedAdmins{adminRoles{roles: in.Roles, role: s.Roles.AdminRole}, in.Ports.users}, Links: s.HTTP.AccountLinks(s.Account.Links), CodeSecret: secret,
		Events: in.Bus, Log: in.Logger.named(), Now: s.Now, Rand: s.Rand,
	}
	if in.Throttle != nil {
		deps.Counters = in.Ports.counters
	}
	if in.APIKeys != nil {
		deps.APIKeys = in.APIKeys
	}
	if in.Factors != nil { // a nil service in it would be none that is nil
		deps.SecondFactors, deps.OtherFactors = in.Factors, in.Factors.OtherFactors()
	}
	service, err := account.New(s.Account, deps)
	return service, s.loud(err)
}

// erasers are what forgets an account that is deleted: the module's own parts, and those of the application.
func erasers(in accountsIn) []account.Eraser {
	list := []account.Eraser{in.Roles, in.Sessions}
	if in.APIKeys != nil {
		list = append(list, in.APIKeys)
	}
	if in.Factors != nil {
		list = append(list, in.Factors)
	}
	return append(list, slot.Values(in.Erasers.List)...)
}

// guardedAdmins tells the last administrator from others.
type guardedAdmins struct {
	adminRoles
	users authn.UserStore
}

// LastAdmin implements [account.Admins] and [authn.LastAdmins]. An administrator who is disabled or deleted could not make another one.
func (a guardedAdmins) LastAdmin(ctx context.Context, subject authn.Subject) (bool, error) {
	is, after := false, ""
	for {
		holders, err := a.roles.Holders(ctx, subject.Tenant, a.role, after, authz.MaxHolders)
		if err != nil || len(holders) == 0 {
			return is, err
		}
		for _, id := range holders {
			if id == subject.ID {
				is = true
				continue
			}
			user, err := a.users.UserByID(ctx, authn.Subject{Tenant: subject.Tenant, ID: id})
			if err != nil && !errors.Is(err, authn.ErrNotFound) {
				return false, err
			}
			if err == nil && user.Active() {
				return false, nil
			}
		}
		after = holders[len(holders)-1]
	}
}

// sendMail sends in the background, and tells owners of changes to their accounts. An application that has a notifier of its own for
// new devices keeps it.
func sendMail(lc fx.Lifecycle, out *account.Outbox, accounts *account.Service, bus *audit.Bus, devices slot.Members[session.DeviceNotifier]) {
	background(lc, out.Run)
	bus.Subscribe(accounts.Notices(len(devices.List) == 0))
}
