package authmodule_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// codebox keeps the last code that was sent.
type codebox struct {
	mu   sync.Mutex
	code setting.Secret
}

func (m *codebox) SendCode(_ context.Context, _ authn.User, code setting.Secret) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.code = code
	return nil
}

func (m *codebox) last() setting.Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.code
}

// onDrivers runs the test over a store in memory and one in a file.
func onDrivers(t *testing.T, change func(*authmodule.Config), test func(t *testing.T, app *fxtest.App, mail *codebox), options ...fx.Option) {
	t.Helper()
	for _, driver := range []string{"memory", "sqlite"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			mail := &codebox{}
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				c.MFA.Enabled, c.MFA.EmailCode, c.SecretKey = true, true, goodSecret
				c.LoginRateLimit, c.Throttle.PairRateLimit = "100000/second", "100000/second"
				if c.Store.Driver = driver; driver == "sqlite" {
					c.Store.DSN = setting.Secret(sqlitetest.Path(t))
				}
				change(c)
			}, append(options, authmodule.UseCodeSender(func() mfa.Sender { return mail }))...)
			test(t, app, mail)
		})
	}
}

// waits logs in by the password, and returns the challenge that waits.
func waits(t *testing.T, app *fxtest.App, user authn.User) setting.Secret {
	t.Helper()
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	return needed.Challenge
}

func answerWith(app *fxtest.App, challenge setting.Secret, factor string, code setting.Secret) (authn.Grant, error) {
	return app.Users.AnswerChallenge(context.Background(), authn.ChallengeAnswer{Challenge: challenge, Factor: factor, Code: code, Trust: true})
}

// factorChanges are all acts that change what an account proves itself by.
func factorChanges() map[string]func(*testing.T, *fxtest.App, *codebox, authn.User, mfa.By) error {
	return map[string]func(*testing.T, *fxtest.App, *codebox, authn.User, mfa.By) error{
		"another app": func(t *testing.T, app *fxtest.App, _ *codebox, user authn.User, by mfa.By) error {
			e, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
			require.NoError(t, err)
			_, err = app.MFA.ConfirmTOTP(t.Context(), user.Subject, e.ID, appCode(t, app, e.Secret), by)
			return err
		},
		"codes by e-mail": func(t *testing.T, app *fxtest.App, mail *codebox, user authn.User, by mfa.By) error {
			require.NoError(t, app.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
			_, err := app.MFA.ConfirmEmail(t.Context(), user.Subject, mail.last(), by)
			return err
		},
		"removed": func(t *testing.T, app *fxtest.App, _ *codebox, user authn.User, by mfa.By) error {
			own, err := app.MFA.Overview(t.Context(), user.Subject)
			require.NoError(t, err)
			return app.MFA.Remove(t.Context(), user.Subject, own.Factors[0].ID, by)
		},
		"reset": func(t *testing.T, app *fxtest.App, _ *codebox, user authn.User, by mfa.By) error {
			return app.MFA.Reset(t.Context(), user.Subject, by)
		},
		"recovery codes": func(t *testing.T, app *fxtest.App, _ *codebox, user authn.User, by mfa.By) error {
			_, err := app.MFA.NewRecoveryCodes(t.Context(), user.Subject, by)
			return err
		},
	}
}

// V6.5.6, V7.4.3: no login, session or trust of before outlives a change of factors, but the session that makes it.
func TestFactorChangeEndsWhatWasProvedBefore(t *testing.T) {
	t.Parallel()
	for name, change := range factorChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onDrivers(t, func(c *authmodule.Config) {
				c.MFA.TrustDays, c.Session.MaxPerUser, c.Session.OnLimit = 30, 2, session.Ask
			}, func(t *testing.T, app *fxtest.App, mail *codebox) {
				user, _, codes := enrollApp(t, app)
				kept, err := answerWith(app, waits(t, app, user), mfa.NameRecoveryCode, codes[0])
				require.NoError(t, err)
				other, err := answerWith(app, waits(t, app, user), mfa.NameRecoveryCode, codes[1])
				require.NoError(t, err)
				challenge := waits(t, app, user)
				_, err = answerWith(app, waits(t, app, user), mfa.NameRecoveryCode, codes[2])
				var held *authn.SessionLimitError
				require.ErrorAs(t, err, &held)
				before, err := app.Users.User(t.Context(), user.Subject)
				require.NoError(t, err)

				require.NoError(t, change(t, app, mail, user, mfa.By{Keep: kept.Session.ID}))
				after, err := app.Users.User(t.Context(), user.Subject)
				require.NoError(t, err)
				assert.Greater(t, after.CredentialVersion, before.CredentialVersion)
				_, err = answerWith(app, challenge, mfa.NameRecoveryCode, codes[3])
				require.ErrorIs(t, err, authn.ErrInvalidCredentials)
				_, err = app.Users.ContinueLogin(t.Context(), authn.ContinueRequest{Continuation: held.Continuation})
				require.ErrorIs(t, err, authn.ErrInvalidCredentials)
				_, err = app.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
				require.Error(t, err)
				_, err = app.Users.AuthenticateToken(t.Context(), kept.AccessToken, authn.Client{})
				require.NoError(t, err)
				own, err := app.MFA.Overview(t.Context(), user.Subject)
				require.NoError(t, err)
				assert.Empty(t, own.Trusted)
				if len(own.Factors) > 0 {
					_, err = app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Trust: other.Factor.Trust})
					var needed *authn.MFARequiredError
					require.ErrorAs(t, err, &needed, "no device is trusted")
				}
			})
		})
	}
}

// V6.5.6, V6.5.1: of logins that answer while a factor changes, none of those that had proved something before lives afterwards.
func TestAnswersRaceAFactorChange(t *testing.T) {
	t.Parallel()
	for name, change := range factorChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onDrivers(t, func(c *authmodule.Config) { c.MFA.TrustDays = 30 }, func(t *testing.T, app *fxtest.App, mail *codebox) {
				user, _, codes := enrollApp(t, app)
				kept, err := answerWith(app, waits(t, app, user), mfa.NameRecoveryCode, codes[0])
				require.NoError(t, err)
				var challenges []setting.Secret
				for range codes[1:] {
					challenges = append(challenges, waits(t, app, user))
				}
				var wg sync.WaitGroup
				for i, challenge := range challenges {
					wg.Go(func() { _, _ = answerWith(app, challenge, mfa.NameRecoveryCode, codes[1+i]) })
				}
				wg.Go(func() { assert.NoError(t, change(t, app, mail, user, mfa.By{Keep: kept.Session.ID})) })
				wg.Wait()
				requireSessions(t, app, user, kept.Session.ID)
			})
		})
	}
}

func requireSessions(t *testing.T, app *fxtest.App, user authn.User, expected ...string) {
	t.Helper()
	list, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	require.Equal(t, expected, ids)
}

// A login that must enroll goes on with the enrollment, trusts its device, and is the only one to live: the others that waited are refused.
func TestLoginThatEnrollsGoesOn(t *testing.T) {
	t.Parallel()
	onDrivers(t, func(c *authmodule.Config) { c.MFA.TrustDays, c.MFA.Require = 30, mfa.RequireEverybody }, func(t *testing.T, app *fxtest.App, _ *codebox) {
		user := app.User()
		other, challenge := waits(t, app, user), waits(t, app, user)
		code := beginEnrollment(t, app, challenge)
		_, err := answerWith(app, challenge, mfa.NameTOTP, "000000")
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
		unchanged, err := app.Users.User(t.Context(), user.Subject)
		require.NoError(t, err)
		assert.Equal(t, user.CredentialVersion, unchanged.CredentialVersion, "a wrong code changes nothing")
		grant, err := answerWith(app, challenge, mfa.NameTOTP, code)
		require.NoError(t, err)
		assert.Len(t, grant.Factor.RecoveryCodes, mfa.RecoveryCodes)
		requireSessions(t, app, user, grant.Session.ID)
		_, err = app.Users.BeginChallenge(t.Context(), other, mfa.NameTOTP, authn.Client{})
		require.ErrorIs(t, err, authn.ErrChallengeInvalid)
		_, err = app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Trust: grant.Factor.Trust})
		require.NoError(t, err, "the device is trusted")
	})
}

// beginEnrollment begins one in a login, and returns the code that confirms it.
func beginEnrollment(t *testing.T, app *fxtest.App, challenge setting.Secret) setting.Secret {
	t.Helper()
	begun, err := app.Users.BeginChallenge(t.Context(), challenge, mfa.NameTOTP, authn.Client{})
	require.NoError(t, err)
	return appCode(t, app, enrolledSecret(t, begun.Public))
}

// V6.5.6: of an enrollment in a login and one by a session at once, the login never outlives the session's: it was proved by a password that
// is not enough any more. And two logins that enroll at once do not both go on.
func TestEnrollmentsRace(t *testing.T) {
	t.Parallel()
	onDrivers(t, func(c *authmodule.Config) { c.MFA.Require = mfa.RequireEverybody }, func(t *testing.T, app *fxtest.App, mail *codebox) {
		for range 20 {
			user := app.User()
			challenge := waits(t, app, user)
			code := beginEnrollment(t, app, challenge)
			require.NoError(t, app.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
			mailed := mail.last()
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = answerWith(app, challenge, mfa.NameTOTP, code) })
			wg.Go(func() {
				_, err := app.MFA.ConfirmEmail(context.Background(), user.Subject, mailed, mfa.By{})
				assert.NoError(t, err)
			})
			wg.Wait()
			requireSessions(t, app, user)
		}
	})
}

// between does something, once, before a factor is changed.
type between struct {
	mfa.FactorStore
	do atomic.Pointer[func()]
}

func (b *between) UpdateFactor(ctx context.Context, r mfa.Record) error {
	if do := b.do.Swap(nil); do != nil {
		(*do)()
	}
	return b.FactorStore.UpdateFactor(ctx, r)
}

// An enrollment in a login is made from the version that the login was proved at. Where the account's credentials changed before
// it, nothing is enrolled; where they change in the middle of it, the login is refused.
func TestEnrollmentIsOfItsLoginsVersion(t *testing.T) {
	t.Parallel()
	store := &between{FactorStore: memstore.New()}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.Require = true, mfa.RequireEverybody },
		authmodule.UseFactorStore(func() mfa.FactorStore { return store }))
	newPassword := func(user authn.User) {
		_, err := app.Users.Credentials().Change(context.Background(), user.Subject, authn.CredentialChange{Why: authn.EndRevoked})
		assert.NoError(t, err)
	}
	before, user := app.User(), app.User()
	query := authn.FactorQuery{Proof: authn.Proof{Subject: before.Subject, Methods: []string{"pwd"}, CredentialVersion: before.CredentialVersion}, User: before}
	begun, err := app.MFA.Begin(t.Context(), query, mfa.NameTOTP, true)
	require.NoError(t, err)
	newPassword(before)
	_, err = app.MFA.Redeem(t.Context(), query, authn.FactorAnswer{Factor: mfa.NameTOTP, Enroll: true, State: begun.State, Code: appCode(t, app, enrolledSecret(t, begun.Public))})
	require.ErrorIs(t, err, authn.ErrChallengeInvalid)
	own, err := app.MFA.Overview(t.Context(), before.Subject)
	require.NoError(t, err)
	assert.Empty(t, own.Factors)

	challenge := waits(t, app, user)
	code := beginEnrollment(t, app, challenge)
	meanwhile := func() { newPassword(user) }
	store.do.Store(&meanwhile)
	_, err = answerWith(app, challenge, mfa.NameTOTP, code)
	require.ErrorIs(t, err, authn.ErrInvalidCredentials)
	requireSessions(t, app, user)
}

// failingUsers fails the n-th change of an account from when it is armed.
type failingUsers struct {
	authn.UserStore
	left atomic.Int64
}

var errCut = errors.New("cut off")

func (f *failingUsers) UpdateUser(ctx context.Context, u authn.User) error {
	if f.left.Add(-1) == 0 {
		return errCut
	}
	return f.UserStore.UpdateUser(ctx, u)
}

// A change of factors that is cut off, wherever, lets no login on that waited before, unless nothing was changed; repeated, it succeeds.
func TestFactorChangeThatIsCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []int64{1, 2} {
		users := &failingUsers{UserStore: memstore.New()}
		app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true }, authmodule.UseUserStore(func() authn.UserStore { return users }))
		user, _, codes := enrollApp(t, app)
		challenge := waits(t, app, user)
		users.left.Store(at)
		_, err := app.MFA.NewRecoveryCodes(t.Context(), user.Subject, mfa.By{})
		require.ErrorIs(t, err, errCut)
		_, err = answerWith(app, challenge, mfa.NameRecoveryCode, codes[0])
		if at == 1 {
			require.NoError(t, err, "nothing was changed")
		} else {
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		}
		_, err = app.MFA.NewRecoveryCodes(t.Context(), user.Subject, mfa.By{})
		require.NoError(t, err)
		requireSessions(t, app, user)
	}
}

// enrolledSecret is the secret of an app whose enrollment was begun in a login.
func enrolledSecret(t *testing.T, public setting.Secret) setting.Secret {
	t.Helper()
	var shown struct{ Secret setting.Secret }
	require.NoError(t, json.Unmarshal([]byte(public.Reveal()), &shown))
	return shown.Secret
}
