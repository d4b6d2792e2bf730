package authmodule_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/mfa"
)

var errDry = errors.New("the source of randomness is dry")

// drying is a source of randomness that can be told to break off, in the middle of a read too.
type drying struct {
	mu sync.Mutex
	// ends says that only left bytes are left, and broke that more were asked for.
	ends, broke bool
	left        int
}

func (d *drying) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ends {
		return rand.Read(p)
	}
	n, _ := rand.Read(p[:min(len(p), d.left)])
	d.left -= n
	if n == len(p) {
		return n, nil
	}
	d.broke = true
	return n, errDry
}

// during runs act with so many bytes left, and reports whether that was too few.
func (d *drying) during(left int, act func() error) (bool, error) {
	d.set(true, left)
	err := act()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = false
	return d.broke, err
}

func (d *drying) set(ends bool, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends, d.left, d.broke = ends, left, false
}

// V6.5.3: without randomness, wherever it breaks off, there is no account, session, token, code, seed, challenge or key: each is an error, and nothing
// is made of zeros.
func TestV653NoRandomnessNoSecrets(t *testing.T) {
	t.Parallel()
	source, codes, box := &drying{}, &codebox{}, &mailbox{}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Rand, c.MFA.Enabled, c.MFA.EmailCode, c.MFA.TrustDays = source, true, true, 30
		c.Account.LoginCode, c.AdminEmail, c.HTTP.PublicURL = true, "root@example.com", "https://app.example.com"
	}, authmodule.UseCodeSender(func() mfa.Sender { return codes }), authmodule.UseNotifier(func() account.Notifier { return box }))
	ctx, plain, owner := t.Context(), app.User(), app.Principal()
	grant := app.Grant(authn.Principal{Subject: plain.Subject})
	key, _, err := app.APIKeys.Create(ctx, owner, authn.APIKeyRequest{Name: "ci"})
	require.NoError(t, err)
	another, _, _ := enrollApp(t, app)
	user, _, recovery := enrollApp(t, app)
	require.NoError(t, app.MFA.EnrollEmail(ctx, user, authn.Client{}))
	_, err = app.MFA.ConfirmEmail(ctx, user.Subject, codes.last(), mfa.By{})
	require.NoError(t, err)
	challenge, sent := waits(t, app, user), codes.last()
	asked := authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject, Methods: []string{authn.MethodPassword}}, User: user}
	login := func(u authn.User, carrier authn.Carrier) error {
		_, err := app.Users.Login(ctx, authn.LoginRequest{Email: u.Email, Password: fxtest.Password, Carrier: carrier})
		return err
	}

	acts := map[string]func() error{
		"account": func() error {
			_, err := app.Users.CreateUser(ctx, authn.RegisterRequest{Email: "new@example.com", Password: fxtest.Password})
			return err
		},
		"session and tokens":   func() error { return login(plain, authn.CarrierToken) },
		"session and cookie":   func() error { return login(plain, authn.CarrierCookie) },
		"challenge of a login": func() error { return login(user, authn.CarrierToken) },
		"tokens of a session":  func() error { return errOf(app.Users.Refresh(ctx, grant.RefreshToken, authn.Client{})) },
		"code of a factor": func() error {
			return errOf(app.Users.BeginChallenge(ctx, challenge, mfa.NameEmailCode, authn.Client{}))
		},
		"code of an enrollment": func() error { return app.MFA.EnrollEmail(ctx, plain, authn.Client{}) },
		"code of a login":       func() error { return errOf(app.Accounts.BeginCode(ctx, account.Request{Email: plain.Email})) },
		"seed of an app":        func() error { return errOf(app.MFA.EnrollTOTP(ctx, plain.Subject, plain.Email, "")) },
		"recovery codes":        func() error { return errOf(app.MFA.NewRecoveryCodes(ctx, another.Subject, mfa.By{})) },
		"trusted device": func() error {
			return errOf(app.MFA.Redeem(ctx, asked, authn.FactorAnswer{Factor: mfa.NameRecoveryCode, Code: recovery[0], Trust: true}))
		},
		"API key": func() error {
			_, _, err := app.APIKeys.Create(ctx, owner, authn.APIKeyRequest{Name: "cd"})
			return err
		},
		"secret of an API key": func() error {
			_, _, err := app.APIKeys.Rotate(ctx, owner, key.ID, 0)
			return err
		},
		"set-up token": func() error { return errOf(app.AdminSetup().Issue(ctx)) },
	}
	for name, act := range acts {
		broke, err := source.during(0, act)
		assert.True(t, broke, "%s takes no randomness", name)
		assert.ErrorIs(t, err, errDry, name)
	}
	assert.Equal(t, sent, codes.last(), "no code was sent")
	assert.Empty(t, box.all(account.NoticeLoginCode))
	_, err = app.Users.UserByEmail(ctx, "", "new@example.com")
	require.ErrorIs(t, err, authn.ErrNotFound)
	keys, err := app.APIKeys.List(ctx, owner.Subject)
	require.NoError(t, err)
	assert.Len(t, keys, 1)
	for left := 7; left < 200; left += 7 {
		for name, act := range acts {
			if broke, err := source.during(left, act); broke {
				assert.ErrorIs(t, err, errDry, "%s, with %d bytes", name, left)
			}
		}
	}
	require.NoError(t, login(plain, authn.CarrierToken), "and it goes on when there is some again")
}
