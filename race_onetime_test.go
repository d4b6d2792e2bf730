package authmodule_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/redisstore"
)

// sentCodes keeps the last code that was sent to each address.
type sentCodes struct {
	mu    sync.Mutex
	codes map[string]setting.Secret
}

func (m *sentCodes) SendCode(_ context.Context, to authn.User, code setting.Secret) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[to.Email] = code
	return nil
}

func (m *sentCodes) to(user authn.User) setting.Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.codes[user.Email]
}

// racers are applications that share everything, and the mailbox of their users.
type racers struct {
	appsOverStore
	mail *sentCodes
	box  *mailbox
}

func (r racers) node(caller int) *fxtest.App { return r.appsOverStore[caller%len(r.appsOverStore)] }

// oneTime makes an item that works once. It returns its use, and the errors that a use may end with after the first.
type oneTime func(t *testing.T, r racers) (use func(ctx context.Context, caller int) error, lost []error)

// oneTimes are all the items there are. One-time records themselves, and changes of a factor, are raced for by storetest.
func oneTimes() map[string]oneTime {
	all := map[string]oneTime{
		"set-up token": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			token, err := r.node(0).AdminSetup().Issue(t.Context())
			require.NoError(t, err)
			return func(ctx context.Context, caller int) error {
				_, err := r.node(caller).AdminSetup().Redeem(ctx, token, password, authn.Client{})
				return err
			}, []error{authn.ErrSetupInvalid}
		},
		"continuation": raceContinuation, "challenge": raceChallenge, "e-mail code of a login": raceMailedCode, "challenge of a step-up": raceStepUp,
		"step of an app": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			user, secret, _ := enrollApp(t, r.node(0))
			r.pass(mfa.Period)
			return r.redeem(user, mfa.NameTOTP, appCode(t, r.node(0), secret)), []error{authn.ErrFactorInvalid}
		},
		"recovery code": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			user, _, codes := enrollApp(t, r.node(0))
			return r.redeem(user, mfa.NameRecoveryCode, codes[4]), []error{authn.ErrFactorInvalid}
		},
		"confirmation of an app": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			user := r.node(0).User()
			e, err := r.node(0).MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
			require.NoError(t, err)
			code := appCode(t, r.node(0), e.Secret)
			return func(ctx context.Context, caller int) error {
				_, err := r.node(caller).MFA.ConfirmTOTP(ctx, user.Subject, e.ID, code, mfa.By{})
				return err
			}, []error{mfa.ErrEnrollmentInvalid, authn.ErrConflict}
		},
		"confirmation of a mailbox": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			user := r.node(0).User()
			require.NoError(t, r.node(0).MFA.EnrollEmail(t.Context(), user, authn.Client{}))
			code := r.mail.to(user)
			return func(ctx context.Context, caller int) error {
				_, err := r.node(caller).MFA.ConfirmEmail(ctx, user.Subject, code, mfa.By{})
				return err
			}, []error{mfa.ErrEnrollmentInvalid, authn.ErrConflict}
		},
	}
	maps.Copy(all, accountOneTimes())
	return all
}

func raceContinuation(t *testing.T, r racers) (func(context.Context, int) error, []error) {
	user := r.node(0).User()
	enter := authn.LoginRequest{Email: user.Email, Password: fxtest.Password}
	first, err := r.node(0).Users.Login(t.Context(), enter)
	require.NoError(t, err)
	_, err = r.node(1).Users.Login(t.Context(), enter)
	var held *authn.SessionLimitError
	require.ErrorAs(t, err, &held)
	return func(ctx context.Context, caller int) error {
		_, err := r.node(caller).Users.ContinueLogin(ctx, authn.ContinueRequest{Continuation: held.Continuation, End: []string{first.Session.ID}})
		return err
	}, []error{authn.ErrContinuationInvalid}
}

func raceChallenge(t *testing.T, r racers) (func(context.Context, int) error, []error) {
	user, secret, _ := enrollApp(t, r.node(0))
	r.pass(mfa.Period)
	needed := r.challenge(t, user)
	answer := authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: mfa.NameTOTP, Code: appCode(t, r.node(0), secret)}
	return r.answer(answer), []error{authn.ErrChallengeInvalid}
}

func raceMailedCode(t *testing.T, r racers) (func(context.Context, int) error, []error) {
	user := r.withMailbox(t)
	needed := r.challenge(t, user)
	_, err := r.node(0).Users.BeginChallenge(t.Context(), needed.Challenge, mfa.NameEmailCode, authn.Client{})
	require.NoError(t, err)
	answer := authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: mfa.NameEmailCode, Code: r.mail.to(user)}
	return r.answer(answer), []error{authn.ErrChallengeInvalid}
}

// withMailbox makes a user whose second factor is a mailbox.
func (r racers) withMailbox(t *testing.T) authn.User {
	t.Helper()
	user := r.node(0).User()
	require.NoError(t, r.node(0).MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err := r.node(1).MFA.ConfirmEmail(t.Context(), user.Subject, r.mail.to(user), mfa.By{})
	require.NoError(t, err)
	return user
}

func raceStepUp(t *testing.T, r racers) (func(context.Context, int) error, []error) {
	user := r.withMailbox(t)
	proof := authn.Proof{Subject: user.Subject, Methods: []string{authn.MethodPassword, authn.MethodMFA}, Time: r.node(0).Now()}
	grant, err := r.node(0).Users.Complete(t.Context(), proof, authn.Completion{})
	require.NoError(t, err)
	caller, err := r.node(0).Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	begun, err := r.node(1).Users.BeginStepUp(t.Context(), caller, mfa.NameEmailCode, authn.Client{})
	require.NoError(t, err)
	request := authn.StepUpRequest{Caller: caller, Factor: mfa.NameEmailCode, Secret: r.mail.to(user), Challenge: begun.Challenge}
	return func(ctx context.Context, caller int) error {
		return errOf(r.node(caller).Users.StepUp(ctx, request))
	}, []error{authn.ErrChallengeInvalid}
}

func (r racers) pass(d time.Duration) {
	for _, node := range r.appsOverStore {
		node.Advance(d)
	}
}

func (r racers) challenge(t *testing.T, user authn.User) *authn.MFARequiredError {
	t.Helper()
	_, err := r.node(1).Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	return needed
}

func (r racers) answer(answer authn.ChallengeAnswer) func(context.Context, int) error {
	return func(ctx context.Context, caller int) error {
		_, err := r.node(caller).Users.AnswerChallenge(ctx, answer)
		return err
	}
}

func (r racers) redeem(user authn.User, factor string, code setting.Secret) func(context.Context, int) error {
	query := authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject, Methods: []string{authn.MethodPassword}}, User: user}
	return func(ctx context.Context, caller int) error {
		_, err := r.node(caller).MFA.Redeem(ctx, query, authn.FactorAnswer{Factor: factor, Code: code})
		return err
	}
}

// newRacers makes three nodes on one database, the last with Redis for what Redis may keep; in memory it is one.
func newRacers(t *testing.T, driver string) racers {
	t.Helper()
	r := racers{mail: &sentCodes{codes: map[string]setting.Secret{}}, box: &mailbox{}}
	place, nodes, options := authmodule.StoreConfig{}, 3, []fx.Option{
		authmodule.UseCodeSender(func() mfa.Sender { return r.mail }), authmodule.UseNotifier(func() account.Notifier { return r.box }),
	}
	switch driver {
	case "memory":
		nodes = 1
	case "redis":
		server, c := redistest.Start(t, redistest.Options{}), &authmodule.Config{}
		onRedis(server, sqlitetest.Path(t))(c)
		place, options = c.Store, append(options, redisstore.Module())
		place.TimeoutSeconds = authmodule.LongestStoreTimeoutSeconds
	default:
		place = storeOf(t, driver)
	}
	for range nodes {
		r.appsOverStore = append(r.appsOverStore, fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.Store, c.SecretKey, c.JWT.SecretKey = place, goodSecret, "one secret for all nodes of this test"
			c.AdminEmail, c.MFA.Enabled, c.MFA.EmailCode = "root@example.com", true, true
			c.Account.MagicLink, c.Account.LoginCode, c.Account.MailsPerHour = true, true, 100
			c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Ask
			c.Password.Queue, c.Throttle.InsecureDisabled = 2000, true // so that nothing but the item decides
		}, options...))
	}
	r.sameTime()
	return r
}

func raceForAll(t *testing.T, callers int) {
	t.Helper()
	for _, driver := range []string{"memory", "sqlite", "postgres", "postgres, serializable", "redis"} {
		t.Run(driver, func(t *testing.T) {
			r := newRacers(t, driver)
			for name, item := range oneTimes() {
				t.Run(name, func(t *testing.T) { r.raceFor(t, item, callers) })
			}
		})
	}
}

func (r racers) raceFor(t *testing.T, item oneTime, callers int) {
	t.Helper()
	use, lost := item(t, r)
	began, won := time.Now(), 0
	for _, err := range race(callers, func(caller int) error { return use(t.Context(), caller) }) {
		if err == nil {
			won++
			continue
		}
		known := false
		for _, one := range lost {
			known = known || errors.Is(err, one)
		}
		assert.True(t, known, "%v", err)
	}
	t.Logf("%d at once: %d won, %v", callers, won, time.Since(began).Round(time.Millisecond))
	require.Equal(t, 1, won)
	assert.Error(t, use(t.Context(), 0), "it was used up")
}

// V6.5.1, TOTP-02, TOTP-08, TOTP-09, RST-01: of fifty at once, on three nodes, who have one thing that works once, one gets in.
func TestEachOneTimeItemHasOneWinner(t *testing.T) {
	t.Parallel()
	raceForAll(t, 50)
}

// V6.5.1, TOTP-02, TOTP-09, RST-01: the same, of a thousand.
func TestSoakEachOneTimeItemHasOneWinner(t *testing.T) {
	peer.Soak(t)
	raceForAll(t, 1000)
}
