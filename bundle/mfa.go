package bundle

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

type mfaIn struct {
	fx.In
	Ports    ports
	Sessions *session.Manager
	View     *authn.Revocations
	Throttle *authn.Throttle
	Roles    *authz.Service
	Sender   slot.Members[mfa.Sender]
	Outbox   *account.Outbox
	Factors  slot.Members[mfa.Factor]
	Bus      *audit.Bus
	Logger   logger
	Hooks    fx.Lifecycle
}

// newMFA returns nil when MFA is off.
func (s Settings) newMFA(in mfaIn) (*mfa.Service, error) {
	if !s.MFA.Enabled {
		return nil, nil
	}
	sender, errSender := slot.Or(in.Sender.List, func() (mfa.Sender, error) { return s.codeSender(in.Outbox), nil })
	secret, errSecret := s.factorSecret()
	if err := errors.Join(errSender, errSecret); err != nil {
		return nil, s.loud(err)
	}
	if s.MFA.EmailCode && sender == nil {
		return nil, s.loud(errors.New("authmodule: auth.mfa.email_code (LEX_AUTH__MFA__EMAIL_CODE) sends mail, and there is no notifier and no sender of codes: add authmodule.UseNotifier or authmodule.UseCodeSender, configure auth.smtp, or leave the key out"))
	}
	others := slot.Values(in.Factors.List)
	slices.SortFunc(others, func(a, b mfa.Factor) int { return strings.Compare(a.Name(), b.Name()) })
	service, err := mfa.New(s.MFA, mfa.Deps{
		Store: in.Ports.factors, Secret: secret, Previous: s.PreviousSecretKeys, Limiter: limiter{in.Throttle}, Sender: sender, Factors: others,
		Credentials: &authn.Credentials{Users: in.Ports.users, Passwords: in.Ports.passwords, Revocations: in.View, Sessions: in.Sessions},
		Lineage:     in.Roles, Events: in.Bus, Log: in.Logger.named(), Now: s.Now, Rand: s.Rand,
	})
	if len(s.MFA.RequireRoles) > 0 {
		in.Hooks.Append(fx.StartHook(func(ctx context.Context) { s.warnOfRoles(ctx, in) }))
	}
	return service, s.loud(err)
}

// warnOfRoles warns of a role that must have a second factor and that is not defined: a misspelled one demands it of nobody. What a tenant of its own
// defines is not known yet, which is why it is no error.
func (s Settings) warnOfRoles(ctx context.Context, in mfaIn) {
	defined, err := in.Roles.Roles(ctx, "")
	if err != nil {
		return // what the store lacks at start others say
	}
	for _, name := range s.MFA.RequireRoles {
		known := name == s.Roles.AdminRole || name == s.Roles.DefaultRole || name == s.Roles.SuperuserRole
		if !known && !slices.ContainsFunc(defined, func(r authz.Role) bool { return r.Name == name }) {
			in.Logger.named().Warn("auth.mfa.require_roles names a role that is not defined, and demands a second factor of nobody by it: correct the name in LEX_AUTH__MFA__REQUIRE_ROLES, or define the role",
				"role", name)
		}
	}
}

// codeSender is the notifier, if there is one.
func (s Settings) codeSender(out *account.Outbox) mfa.Sender {
	if !out.Sends() {
		return nil
	}
	return account.CodeSender{Outbox: out, Lifetime: mfa.CodeLifetime, Now: s.Now}
}

// factorSecret is auth.secret_key, or for a memory store, which is lost with it, one for the life of the process.
func (s Settings) factorSecret() (setting.Secret, error) {
	if s.SecretKey != "" {
		return s.SecretKey, nil
	}
	if s.Store.Driver == "memory" && s.Ephemeral {
		return setting.Secret(rand.Text() + rand.Text()), nil
	}
	return "", errors.New("authmodule: auth.mfa.enabled needs auth.secret_key (LEX_AUTH__SECRET_KEY), which seals the secrets of authenticator apps")
}

// limiter counts wrong codes by the throttle.
type limiter struct{ throttle *authn.Throttle }

// Attempt implements [mfa.Limiter].
func (l limiter) Attempt(ctx context.Context, a mfa.Attempt) (func(bool, error), error) {
	attempt, err := l.throttle.Attempt(ctx, authn.Target{Factor: authn.Factor(a.Factor), Subject: a.Subject, Client: a.Client, Device: a.Device})
	if err != nil {
		return nil, err
	}
	return func(ok bool, err error) { attempt.Done(ctx, ok, err) }, nil
}

// Reopen implements [mfa.Limiter].
func (l limiter) Reopen(ctx context.Context, s authn.Subject, factor string) error {
	return l.throttle.Reopen(ctx, authn.Principal{}, s, authn.Factor(factor))
}
