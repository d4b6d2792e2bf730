package bundle

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// keys are the secrets derived from configuration.
type keys struct {
	signing *authn.Key
	refresh []byte
}

func (s Settings) newKeys(slot.Checked) (keys, error) {
	signing, err := s.signingKey()
	if err != nil {
		return keys{}, s.loud(err)
	}
	const purpose = "refresh tokens"
	derive := signing.Derive
	if s.SecretKey != "" {
		derive = func(purpose string) ([]byte, error) {
			return authn.DeriveSecret([]byte(s.SecretKey.Reveal()), purpose)
		}
	}
	refresh, err := derive(purpose)
	return keys{signing: signing, refresh: refresh}, err
}

func (s Settings) signingKey() (*authn.Key, error) {
	switch {
	case s.Tokens.PrivateKeyFile != "":
		key, err := authn.LoadPrivateKey(s.Tokens.Algorithm, s.Tokens.PrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("authmodule: auth.jwt.private_key_file (LEX_AUTH__JWT__PRIVATE_KEY_FILE): %w", err)
		}
		return key, nil
	case s.Tokens.SecretKey == "" && s.Ephemeral:
		return ephemeralKey(s.Tokens.Algorithm)
	}
	return authn.NewSecretKey(s.Tokens.SecretKey)
}

// ephemeralKey lasts as long as the process.
func ephemeralKey(algorithm string) (*authn.Key, error) {
	switch algorithm {
	case "RS256":
		const bits = 2048
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		return authn.NewPrivateKey(algorithm, key)
	case "ES256":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return authn.NewPrivateKey(algorithm, key)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return authn.NewPrivateKey(algorithm, key)
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return authn.NewSecretKey(setting.Secret(base64.StdEncoding.EncodeToString(secret)))
}

func (s Settings) newTokens(k keys, p ports, bus *audit.Bus) (*authn.TokenManager, error) {
	return authn.NewTokenManager(s.Tokens, authn.TokenDeps{Key: k.signing, Revocations: p.revocations, Events: bus, Now: s.Now, Rand: s.Rand})
}

func (s Settings) newHasher(slot.Checked) (*authn.Hasher, error) { return authn.NewHasher(s.Passwords) }

type usersIn struct {
	fx.In
	Ports    ports
	Hasher   *authn.Hasher
	Tokens   *authn.TokenManager
	Sessions *session.Manager
	Roles    *authz.Service
	Bus      *audit.Bus
	Logger   logger
}

func (s Settings) newUsers(in usersIn) (*authn.Service, error) {
	own := &authn.Passwords{Users: in.Ports.users, Hashes: in.Ports.passwords, Hasher: in.Hasher, Log: in.Logger.named(), Now: s.Now}
	return authn.NewService(authn.Deps{
		Users: in.Ports.users, Passwords: in.Ports.passwords, Hasher: in.Hasher,
		Authorities: []authn.PasswordAuthority{own}, Tokens: in.Tokens, Sessions: in.Sessions, Live: in.Sessions, Roles: in.Roles,
		Registration: s.Registration, Events: in.Bus, Log: in.Logger.named(), Now: s.Now, Rand: s.Rand,
	})
}

// newSetup returns nil when no first administrator is configured.
func (s Settings) newSetup(p ports, users *authn.Service, roles *authz.Service, bus *audit.Bus) *authn.AdminSetup {
	if s.AdminEmail == "" {
		return nil
	}
	return &authn.AdminSetup{
		Email: s.AdminEmail, Users: users, OneTime: p.oneTime, Admins: adminRoles{roles: roles, role: s.Roles.AdminRole},
		Events: bus, Now: s.Now, Rand: s.Rand,
	}
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
