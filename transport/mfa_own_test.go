package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// stateful is a factor that is answered with what its beginning said.
type stateful struct{ name string }

func (s stateful) Name() string                                           { return s.name }
func (s stateful) Ready(context.Context, authn.FactorQuery) (bool, error) { return true, nil }
func (s stateful) Begin(context.Context, authn.FactorQuery) (authn.FactorBegun, error) {
	return authn.FactorBegun{Public: `{"options":true}`, State: "begun"}, nil
}

func (s stateful) Verify(_ context.Context, _ authn.FactorQuery, code setting.Secret, state string) ([]string, error) {
	if state != "begun" || code.Reveal() != "good" {
		return nil, authn.ErrFactorInvalid
	}
	return []string{"hwk", "mfa"}, nil
}

// A factor of the application's own takes part. What one factor began is not another's, and a challenge is begun ten times at most.
func TestAddFactor(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA,
		authmodule.AddFactor(func() mfa.Factor { return stateful{"key"} }), authmodule.AddFactor(func() mfa.Factor { return stateful{"card"} }))
	o := owner{app: app, email: app.User().Email}
	held := o.login(t, nil)
	require.Equal(t, []any{"card", "key"}, held["factors"])
	begin := func(factor string) *httptest.ResponseRecorder {
		return app.Do(request("POST", "/auth/login/mfa/begin", object(t, map[string]any{"challenge": held["challenge"], "factor": factor})))
	}
	require.Equal(t, map[string]any{"options": true}, answerOf(t, begin("card")))
	require.Equal(t, "code_invalid", problem(t, o.answer(t, held["challenge"], "key", "good")).Code)
	require.Equal(t, "code_invalid", problem(t, begin(mfa.NameTOTP)).Code)
	answerOf(t, o.answer(t, held["challenge"], "card", "good"))

	held = o.login(t, nil)
	for range 10 {
		answerOf(t, begin("key"))
	}
	require.Equal(t, "challenge_invalid", problem(t, begin("key")).Code)
	require.Equal(t, "challenge_invalid", problem(t, o.answer(t, held["challenge"], "key", "good")).Code)
}

// unready is one that no account has.
type unready struct{ stateful }

func (unready) Ready(context.Context, authn.FactorQuery) (bool, error) { return false, nil }

// lost is a factor that cannot be begun, since something that it needs is not found.
type lost struct{ stateful }

func (lost) Begin(context.Context, authn.FactorQuery) (authn.FactorBegun, error) {
	return authn.FactorBegun{}, fmt.Errorf("keys: find the options: %w", authn.ErrNotFound)
}

// A factor in trouble is no wrong answer, and not said to be a factor of the caller's that there is not.
func TestFactorThatCannotBeBegun(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA, authmodule.AddFactor(func() mfa.Factor { return lost{stateful{"key"}} }))
	o := owner{app: app, email: app.User().Email}
	w := app.Do(request("POST", "/auth/login/mfa/begin", object(t, map[string]any{"challenge": o.login(t, nil)["challenge"], "factor": "key"})))
	require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
}

// used is a factor that has sent as many codes as it may, and does not say when there may be another.
type used struct{ stateful }

func (used) Begin(context.Context, authn.FactorQuery) (authn.FactorBegun, error) {
	return authn.FactorBegun{}, fmt.Errorf("pager: %w", mfa.ErrTooManyCodes)
}

// V6.6.3: a factor of the application's own says by ErrTooManyCodes alone that there is no further code, for an hour.
func TestFactorThatSendsNoMoreCodes(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA, authmodule.AddFactor(func() mfa.Factor { return used{stateful{"pager"}} }))
	o := owner{app: app, email: app.User().Email}
	w := app.Do(request("POST", "/auth/login/mfa/begin", object(t, map[string]any{"challenge": o.login(t, nil)["challenge"], "factor": "pager"})))
	require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body)
	assert.Equal(t, "3600", w.Header().Get("Retry-After"))
}
