package bundle

import (
	"net/http"
	"slices"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/slot"
)

func (s Settings) newHasher(slot.Checked) (*authn.Hasher, error) { return authn.NewHasher(s.Passwords) }

// newPolicy returns the application's password policy; the file of breached passwords is open as long as the application runs.
func (s Settings) newPolicy(in policyIn) (*authn.PasswordPolicy, error) {
	client, err := slot.Or(in.Clients.List, func() (*http.Client, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	breaches, err := authn.NewBreaches(s.Passwords.Breach, authn.BreachDeps{Client: client, Log: in.Logger.named()})
	if err != nil {
		return nil, s.loud(err)
	}
	cfg, checks := s.Passwords, slot.Values(in.Checks.List)
	cfg.Words = append(slices.Clone(cfg.Words), s.Tokens.Issuer, s.Tokens.Audience)
	if breaches != nil {
		checks = append(checks, breaches)
		in.Lifecycle.Append(fx.StopHook(breaches.Close))
	}
	return authn.NewPasswordPolicy(cfg, checks...)
}

// history returns nil when none is kept.
func (s Settings) history(p ports, hasher *authn.Hasher) *authn.PasswordHistory {
	if s.Passwords.History <= 0 {
		return nil
	}
	return &authn.PasswordHistory{Keep: int(s.Passwords.History), Store: p.history, Passwords: p.passwords, Hasher: hasher}
}

type policyIn struct {
	fx.In
	Checked   slot.Checked
	Clients   slot.Members[*http.Client]
	Checks    slot.Members[authn.PasswordCheck]
	Lifecycle fx.Lifecycle
	Logger    logger
}
