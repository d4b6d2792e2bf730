package authn_test

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// junk is a credential that was never made.
func junk(t *testing.T, kind string) setting.Secret {
	t.Helper()
	id, err := credential.NewID(rand.Reader, "", "nobody")
	require.NoError(t, err)
	secret, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	return credential.Credential{Kind: kind, ID: id, Secret: secret}.Encode()
}

// THR-05: who clicks twice finds a challenge that is just being answered, and may answer it again while the network is refused.
func TestTHR05ChallengesThatArePutBackGoOn(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t, throttled(t))
	user := k.register(t, "", "ada")
	grant := k.login(t, user, authn.CarrierToken)
	x := client("192.0.2.1")
	caller, err := k.AuthenticateToken(t.Context(), grant.AccessToken, x)
	require.NoError(t, err)
	begun, err := k.BeginStepUp(t.Context(), caller, "mail", x)
	require.NoError(t, err)
	k.factors.demanded = true
	_, err = k.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: kitPassword, Client: x})
	var held *authn.MFARequiredError
	require.ErrorAs(t, err, &held)

	for name, answer := range map[string]func(code setting.Secret) error{
		"login": func(code setting.Secret) error {
			_, err := k.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: held.Challenge, Factor: "app", Code: code, Client: x})
			return err
		},
		"step-up": func(code setting.Secret) error {
			if code == "good" {
				code = "sent 1"
			}
			_, err := k.StepUp(t.Context(), authn.StepUpRequest{Caller: caller, Factor: "mail", Secret: code, Challenge: begun.Challenge, Client: x})
			return err
		},
	} {
		k.factors.during = func() {
			k.factors.during = nil
			require.ErrorIs(t, answer("again"), authn.ErrChallengeInvalid, name)
		}
		require.ErrorIs(t, answer("bad"), authn.ErrFactorInvalid, name)
		for err = authn.ErrContinuationInvalid; err == authn.ErrContinuationInvalid; { //nolint:errorlint // the error itself
			_, err = k.ContinueLogin(t.Context(), authn.ContinueRequest{Continuation: junk(t, "cl"), Client: x})
		}
		require.ErrorIs(t, err, authn.ErrThrottled)
		require.NoError(t, answer("good"), name)
		require.ErrorIs(t, answer("good"), authn.ErrChallengeInvalid, "it was used up")
		require.ErrorIs(t, answer("good"), authn.ErrThrottled, "and goes on no longer")
		k.pass(time.Minute)
	}
}

// THR-04: logins at once from one known device are not taken for failures of it, and so for a stranger's: one waits for what becomes of the other.
func TestTHR04LoginsAtOnceFromAKnownDevice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuesser(t, authn.ThrottleConfig{MaxConsecutiveFailures: 10}) // one failure in a row from such a device
		home := account("ada")
		g.known[home.Subject], home.Device.Token = "cookie", "cookie"
		g.failures(account("ada"))
		one, err := g.nodes[0].Attempt(t.Context(), home)
		require.NoError(t, err)
		time.AfterFunc(time.Second, func() { one.Succeed(context.Background()) })
		other, err := g.nodes[1].Attempt(t.Context(), home)
		require.NoError(t, err)
		other.Fail(t.Context())
		assert.Positive(t, g.fails(home), "after a failure it is a stranger at once")
	})
}

// DEL-02: with the counters of the module's own factors those of others are forgotten that are named.
func TestThrottleErasesFactorsThatAreNamed(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	x := account("ada")
	for _, f := range []authn.Factor{authn.FactorPassword, "card"} {
		x.Factor = f
		require.Zero(t, g.fails(x))
	}
	require.NoError(t, g.nodes[0].Erase(t.Context(), x.Subject, "card"))
	for _, f := range []authn.Factor{authn.FactorPassword, "card"} {
		c, err := g.nodes[0].Counter(t.Context(), x.Subject, f)
		require.NoError(t, err)
		assert.Zero(t, c, f)
	}
}
