package bundle

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// keys are the ring and what is derived from its signing key.
type keys struct {
	ring    *authn.KeyRing
	refresh []byte
}

func (s Settings) newKeys(_ slot.Checked, manager *authn.KeyManager) (keys, error) {
	if manager != nil {
		refresh, err := s.deriveRefresh(nil)
		return keys{ring: manager.Ring(), refresh: refresh}, s.loud(err)
	}
	ring, err := s.ring()
	if err != nil {
		return keys{}, s.loud(err)
	}
	signing, err := ring.Signing()
	if err != nil {
		return keys{}, s.loud(err)
	}
	refresh, err := s.deriveRefresh(signing)
	return keys{ring: ring, refresh: refresh}, err
}

// deriveRefresh takes auth.secret_key where there is one, so that a change of the signing key changes no refresh token.
func (s Settings) deriveRefresh(signing *authn.Key) ([]byte, error) {
	const purpose = "refresh tokens"
	if s.SecretKey == "" {
		return signing.Derive(purpose)
	}
	return authn.DeriveSecret([]byte(s.SecretKey.Reveal()), purpose)
}

func (s Settings) ring() (*authn.KeyRing, error) {
	if len(s.Tokens.Keys) > 0 {
		return s.configuredRing()
	}
	key, err := s.signingKey()
	if err != nil {
		return nil, err
	}
	return authn.NewKeyRing(key)
}

// configuredRing is auth.jwt.keys, every key under its own kid.
func (s Settings) configuredRing() (*authn.KeyRing, error) {
	var signing *authn.Key
	var verifying []*authn.Key
	for _, kid := range slices.Sorted(maps.Keys(s.Tokens.Keys)) {
		cfg := s.Tokens.Keys[kid]
		key, err := loadKey(cmp.Or(cfg.Algorithm, s.Tokens.Algorithm), cfg.SecretKey, cfg.PrivateKeyFile)
		if err == nil {
			key, err = key.Named(kid)
		}
		if err != nil {
			return nil, fmt.Errorf("authmodule: auth.jwt.keys.%s: %w", kid, err)
		}
		if cfg.State == authn.KeySigning {
			signing = key
		} else {
			verifying = append(verifying, key)
		}
	}
	return authn.NewKeyRing(signing, verifying...)
}

func loadKey(algorithm string, secret setting.Secret, file string) (*authn.Key, error) {
	if file != "" {
		return authn.LoadPrivateKey(algorithm, file)
	}
	return authn.NewSecretKey(algorithm, secret)
}

func (s Settings) signingKey() (*authn.Key, error) {
	if s.Tokens.SecretKey == "" && s.Tokens.PrivateKeyFile == "" && s.Ephemeral {
		return authn.GenerateKey(s.Tokens.Algorithm, rand.Reader) // lasts as long as the process
	}
	key, err := loadKey(s.Tokens.Algorithm, s.Tokens.SecretKey, s.Tokens.PrivateKeyFile)
	if err != nil {
		return nil, fmt.Errorf("authmodule: auth.jwt.secret_key or private_key_file (LEX_AUTH__JWT__SECRET_KEY, LEX_AUTH__JWT__PRIVATE_KEY_FILE): %w", err)
	}
	return key, nil
}

func (s Settings) newTokens(k keys, view *authn.Revocations, bus *audit.Bus) (*authn.TokenManager, error) {
	return authn.NewTokenManager(s.Tokens, authn.TokenDeps{Keys: k.ring, Revocations: view, Events: bus, Now: s.Now, Rand: s.Rand})
}

// newThrottle returns nil when it is disabled.
func (s Settings) newThrottle(p ports, sessions *session.Manager, bus *audit.Bus, l logger) (*authn.Throttle, error) {
	throttle, err := authn.NewThrottle(s.Throttle, authn.ThrottleDeps{Counters: p.counters, Devices: sessions, Events: bus, Log: l.named(), Now: s.Now})
	return throttle, s.loud(err)
}

type usersIn struct {
	fx.In
	Ports    ports
	Hasher   *authn.Hasher
	Policy   *authn.PasswordPolicy
	Tokens   *authn.TokenManager
	Sessions *session.Manager
	Throttle *authn.Throttle
	Factors  *mfa.Service
	Outbox   *account.Outbox
	Roles    *authz.Service
	Bus      *audit.Bus
	Logger   logger
}

func (s Settings) newUsers(in usersIn) (*authn.Service, error) {
	own := &authn.Passwords{Users: in.Ports.users, Hashes: in.Ports.passwords, Hasher: in.Hasher, Log: in.Logger.named(), Now: s.Now}
	var second authn.SecondFactor // a nil service in it would be none that is nil
	if in.Factors != nil {
		second = in.Factors
	}
	return authn.NewService(authn.Deps{
		Users: in.Ports.users, Passwords: in.Ports.passwords, Hasher: in.Hasher, Policy: in.Policy,
		History:     s.history(in.Ports, in.Hasher),
		Authorities: []authn.PasswordAuthority{own}, Tokens: in.Tokens, Sessions: in.Sessions, Live: in.Sessions, Roles: in.Roles, OneTime: in.Ports.oneTime, Throttle: in.Throttle, SecondFactor: second,
		Admins:         guardedAdmins{adminRoles{roles: in.Roles, role: s.Roles.AdminRole}, in.Ports.users},
		MayImpersonate: in.Roles, ImpersonationLifetime: s.ImpersonationLifetime,
		Registration: s.Registration, RequireVerified: s.verifies(in.Outbox), Binding: s.Binding, Events: in.Bus, Log: in.Logger.named(), Now: s.Now, Rand: s.Rand,
	})
}

// newSetup returns nil when no first administrator is configured.
func (s Settings) newSetup(p ports, users *authn.Service, roles *authz.Service, factors *mfa.Service, apiKeys *authn.APIKeys, bus *audit.Bus) *authn.AdminSetup {
	if s.AdminEmail == "" {
		return nil
	}
	setup := &authn.AdminSetup{
		Email: s.AdminEmail, Users: users, OneTime: p.oneTime, Admins: adminRoles{roles: roles, role: s.Roles.AdminRole},
		Events: bus, Now: s.Now, Rand: s.Rand,
	}
	setup.Forget = func(ctx context.Context, s authn.Subject) error {
		var errs []error
		if factors != nil {
			errs = append(errs, factors.Reset(ctx, s, mfa.By{}))
		}
		if apiKeys != nil {
			errs = append(errs, apiKeys.Erase(ctx, s))
		}
		return errors.Join(errs...)
	}
	return setup
}

// announceSetup logs the set-up link at start, while there is no administrator.
func (s Settings) announceSetup() fx.Option {
	if s.AdminEmail == "" {
		return fx.Options()
	}
	return fx.Invoke(func(lc fx.Lifecycle, setup *authn.AdminSetup, gate *transport.Gate, l logger) {
		lc.Append(fx.StartHook(func(ctx context.Context) error {
			token, err := setup.Issue(ctx)
			if err == nil && token != "" {
				l.named().Warn("no administrator exists yet: open this link within 24 hours to set one up; it works once", "link", gate.SetupLink(token))
			}
			return err
		}))
	})
}

// adminRoles answers authn with what authz knows.
type adminRoles struct {
	roles *authz.Service
	role  string
}

func (a adminRoles) AnyAdmin(ctx context.Context, t authn.Tenant) (bool, error) {
	holders, err := a.roles.Holders(ctx, t, a.role, "", 1)
	return len(holders) > 0, err
}

func (a adminRoles) MakeAdmin(ctx context.Context, s authn.Subject) error {
	return a.roles.Assign(ctx, authn.Principal{}, s, a.role)
}
