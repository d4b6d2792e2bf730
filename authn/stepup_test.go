package authn_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// STEP-02: a password freshens the login, a second factor both; a token of before gains nothing, and a new one says it all.
func TestSTEP02WhatIsProvedFreshensWhatItProves(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	began := k.clock.Now()
	k.pass(10 * time.Minute)
	byPassword, err := k.stepUp(t, p, grant, "password", kitPassword)
	require.NoError(t, err)
	assert.Empty(t, byPassword.RefreshToken)
	assert.Empty(t, byPassword.Cookie)
	assert.Equal(t, grant.Session.ID, byPassword.Session.ID)
	second := k.clock.Now()
	k.pass(time.Minute)
	byApp, err := k.stepUp(t, p, grant, "app", "good 1")
	require.NoError(t, err)
	third := k.clock.Now()
	k.pass(time.Minute)
	refreshed, err := k.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)

	for _, tc := range []struct {
		name              string
		grant             authn.Grant
		authTime, mfaTime time.Time
		acr               string
		methods           []string
	}{
		{"the first token", grant, began, time.Time{}, authn.ACR1, []string{"pwd"}},
		{"after a password", byPassword, second, time.Time{}, authn.ACR1, []string{"pwd"}},
		{"after a second factor", byApp, third, third, authn.ACR2, []string{"pwd", "otp", "mfa"}},
		{"refreshed later", refreshed, third, third, authn.ACR2, []string{"pwd", "otp", "mfa"}},
	} {
		p := k.caller(t, tc.grant)
		assert.True(t, p.AuthTime.Equal(tc.authTime), tc.name)
		assert.True(t, p.MFATime.Equal(tc.mfaTime), tc.name)
		assert.Equal(t, tc.acr, p.ACR, tc.name)
		assert.Equal(t, tc.methods, p.Methods, tc.name)
	}
	events := k.told(audit.StepUpSucceeded)
	require.Len(t, events, 2)
	assert.Equal(t, []string{"password", "app"}, []string{events[0].Reason, events[1].Reason})
	assert.Equal(t, grant.Session.ID, events[1].SessionID)
}

// STEP-02: what a token claims beyond its session is not believed.
func TestSTEP02ATokenClaimsNoMoreThanItsSession(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	more := grant.Session
	later := k.clock.Now().Add(10 * time.Second)
	more.Methods, more.AuthTime, more.MFATime = []string{"pwd", "otp", "mfa"}, later, later
	token, claims, err := k.tokens.manager.Issue(more, nil)
	require.NoError(t, err)
	assert.Equal(t, authn.ACR2, claims.ACR)
	got, err := k.AuthenticateToken(t.Context(), token, authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, []any{p.AuthTime, p.MFATime, p.Methods, p.ACR}, []any{got.AuthTime, got.MFATime, got.Methods, got.ACR})
	more.Actor = "root"
	token, _, err = k.tokens.manager.Issue(more, nil)
	require.NoError(t, err)
	_, err = k.AuthenticateToken(t.Context(), token, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded, "its session is its owner's")
}

// STEP-02, V7.2.4: a cookie is a new one with the proof, and the old one is dead; of calls at once with one cookie one succeeds.
func TestSTEP02CookieIsRenewedWithTheProof(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierCookie)
	k.pass(10 * time.Minute)
	const n = 20
	grants, errs := make([]authn.Grant, n), make([]error, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() { grants[i], errs[i] = k.stepUp(t, p, grant, "app", setting.Secret(fmt.Sprint("good ", i))) })
	}
	callers.Wait()
	won := -1
	for i, err := range errs {
		if err == nil {
			require.Negative(t, won)
			won = i
			continue
		}
		require.ErrorIs(t, err, authn.ErrSessionRenewed)
	}
	require.GreaterOrEqual(t, won, 0)
	_, err := k.authenticate(t, grant)
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	fresh := k.caller(t, grants[won])
	assert.True(t, fresh.AuthTime.Equal(k.clock.Now()) && fresh.MFATime.Equal(k.clock.Now()))
	assert.Equal(t, authn.ACR2, fresh.ACR)
	k.pass(time.Minute)
	renewed, err := k.RenewCookie(t.Context(), grants[won].Cookie, authn.Client{})
	require.NoError(t, err)
	again := k.caller(t, renewed)
	assert.True(t, again.AuthTime.Equal(fresh.AuthTime) && again.MFATime.Equal(fresh.MFATime), "a renewal proves nothing")
}

// V7.2.4: a session is stepped up by its own cookie alone.
func TestStepUpNeedsTheSessionsOwnCookie(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	user := k.register(t, "", "ada")
	mine, other := k.login(t, user, authn.CarrierCookie), k.login(t, user, authn.CarrierCookie)
	stranger, _ := k.enter(t, "eve", authn.CarrierCookie)
	p := k.caller(t, mine)
	for name, cookie := range map[string]setting.Secret{"none": "", "another session's": other.Cookie, "another account's": stranger.Cookie, "garbage": "x"} {
		_, err := k.stepUp(t, p, authn.Grant{Cookie: cookie}, "password", kitPassword)
		assert.ErrorIs(t, err, authn.ErrSessionEnded, name)
	}
	for _, grant := range []authn.Grant{mine, other, stranger} {
		assert.True(t, k.caller(t, grant).AuthTime.Equal(grant.Session.AuthTime))
	}
}

// V6.3.1: a wrong password counts as at a login, for both, and is answered alike.
func TestStepUpCountsWrongPasswordsAsALoginDoes(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t, throttled(t))
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	wrong := 0
	for ; wrong < 100; wrong++ {
		_, err := k.stepUp(t, p, grant, "password", "wrong")
		if errors.Is(err, authn.ErrThrottled) {
			break
		}
		require.ErrorIs(t, err, authn.ErrInvalidCredentials)
	}
	require.Less(t, wrong, 100)
	_, err := k.stepUp(t, p, grant, "password", kitPassword)
	require.ErrorIs(t, err, authn.ErrThrottled)
	user, err := k.User(t.Context(), p.Subject)
	require.NoError(t, err)
	_, err = k.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: kitPassword})
	require.ErrorIs(t, err, authn.ErrThrottled, "a login counts with it")
	failed := k.told(audit.StepUpFailed)
	require.Len(t, failed, wrong)
	assert.Equal(t, []string{"password", "invalid_credentials", p.SessionID}, []string{failed[0].Reason, failed[0].Detail["why"], failed[0].SessionID})
	assert.Empty(t, k.told(audit.LoginFailed))
	assert.True(t, k.caller(t, grant).AuthTime.Equal(grant.Session.AuthTime))
}

// STEP-01: only a login of one's own can be stepped up.
func TestSTEP01WhoCannotStepUp(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	for name, change := range map[string]func(*authn.Principal){
		"anonymous": func(p *authn.Principal) { *p = authn.Principal{} }, "an API key": func(p *authn.Principal) { p.KeyID = "k" },
		"limited by scopes": func(p *authn.Principal) { p.Scopes = []string{} }, "another issuer's": func(p *authn.Principal) { p.Issuer = "corp" },
		"without a session": func(p *authn.Principal) { p.SessionID = "" }, "in somebody's name": func(p *authn.Principal) { p.Actor = "root" },
		"a service": func(p *authn.Principal) { p.Kind = authn.KindService },
	} {
		changed := p
		change(&changed)
		_, err := k.stepUp(t, changed, grant, "password", kitPassword)
		assert.ErrorIs(t, err, authn.ErrStepUpRefused, name)
		_, err = k.StepUpFactors(t.Context(), changed)
		assert.ErrorIs(t, err, authn.ErrStepUpRefused, name)
		_, err = k.BeginStepUp(t.Context(), changed, "mail", authn.Client{})
		assert.ErrorIs(t, err, authn.ErrStepUpRefused, name)
	}
	foreign := p
	_, eve := k.enter(t, "eve", authn.CarrierToken)
	foreign.SessionID = eve.SessionID
	_, err := k.stepUp(t, foreign, grant, "password", kitPassword)
	assert.ErrorIs(t, err, authn.ErrSessionEnded, "another account's session")
	require.NoError(t, k.Logout(t.Context(), p))
	_, err = k.stepUp(t, p, grant, "password", kitPassword)
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
	require.NoError(t, k.Disable(t.Context(), authn.Principal{}, eve.Subject))
	_, err = k.stepUp(t, eve, authn.Grant{}, "password", kitPassword)
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
}

func TestStepUpFactors(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	have, err := k.StepUpFactors(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"password"}, have)
	k.factors.demanded = true
	p.Methods = []string{"pwd", "otp", "mfa"}
	have, err = k.StepUpFactors(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"password", "app", "mail", "codes"}, have, "also after a login of several factors")
	require.NoError(t, k.store.DeletePasswordHash(t.Context(), p.Subject))
	have, err = k.StepUpFactors(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"app", "mail", "codes"}, have)
	_, err = k.stepUp(t, p, grant, "password", kitPassword)
	assert.ErrorIs(t, err, authn.ErrInvalidCredentials, "an account without a password answers like a wrong one")
	_, err = k.stepUp(t, p, grant, "carrier pigeon", "good")
	assert.ErrorIs(t, err, authn.ErrFactorInvalid)
}

// A recovery code and a mailbox prove a second time who it is, and make no stronger class.
func TestStepUpByWeakFactors(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	grant, p := k.enter(t, "ada", authn.CarrierToken)
	k.pass(time.Minute)
	byCode, err := k.stepUp(t, p, grant, "codes", "good")
	require.NoError(t, err)
	after := k.caller(t, byCode)
	assert.Equal(t, []string{"pwd", "recovery", "mfa"}, after.Methods)
	assert.Equal(t, authn.ACR1, after.ACR)
	assert.True(t, after.MFATime.Equal(k.clock.Now()))
	_, err = k.stepUp(t, p, grant, "codes", "good")
	assert.ErrorIs(t, err, authn.ErrFactorInvalid, "used")
}

// A challenge is for one session and one factor, for five wrong answers and five minutes, and for one right answer.
func TestStepUpChallenge(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	user := k.register(t, "", "ada")
	mine, other := k.login(t, user, authn.CarrierToken), k.login(t, user, authn.CarrierToken)
	eves, eve := k.enter(t, "eve", authn.CarrierToken)
	p := k.caller(t, mine)
	begin := func() (authn.StepUpBegun, setting.Secret) {
		t.Helper()
		begun, err := k.BeginStepUp(t.Context(), p, "mail", authn.Client{})
		require.NoError(t, err)
		return begun, setting.Secret(begun.State)
	}
	answer := func(p authn.Principal, factor string, challenge, code setting.Secret) error {
		_, err := k.StepUp(t.Context(), authn.StepUpRequest{Caller: p, Factor: factor, Secret: code, Challenge: challenge})
		return err
	}
	for _, factor := range []string{"password", "codes", "carrier pigeon", ""} {
		_, err := k.BeginStepUp(t.Context(), p, factor, authn.Client{})
		assert.ErrorIs(t, err, authn.ErrFactorInvalid, factor)
	}

	begun, code := begin()
	require.ErrorIs(t, answer(p, "mail", "", code), authn.ErrFactorInvalid, "without the challenge")
	for range authn.ChallengeTries - 1 {
		require.ErrorIs(t, answer(p, "mail", begun.Challenge, "wrong"), authn.ErrFactorInvalid)
	}
	require.NoError(t, answer(p, "mail", begun.Challenge, code))
	require.ErrorIs(t, answer(p, "mail", begun.Challenge, code), authn.ErrChallengeInvalid, "answered")

	begun, code = begin()
	for range authn.ChallengeTries {
		require.ErrorIs(t, answer(p, "mail", begun.Challenge, "wrong"), authn.ErrFactorInvalid)
	}
	require.ErrorIs(t, answer(p, "mail", begun.Challenge, code), authn.ErrChallengeInvalid, "too many wrong answers")

	for name, who := range map[string]authn.Principal{"another session": k.caller(t, other), "another account": eve} {
		begun, code := begin()
		assert.ErrorIs(t, answer(who, "mail", begun.Challenge, code), authn.ErrChallengeInvalid, name)
	}
	begun, _ = begin()
	assert.ErrorIs(t, answer(p, "app", begun.Challenge, "good 9"), authn.ErrChallengeInvalid, "another factor")

	begun, code = begin()
	k.pass(authn.ChallengeLifetime)
	assert.ErrorIs(t, answer(p, "mail", begun.Challenge, code), authn.ErrChallengeInvalid, "too late")
	assert.Zero(t, k.caller(t, other).MFATime)
	assert.Zero(t, k.caller(t, eves).MFATime)

	begun, code = begin()
	const n = 20
	errs := make([]error, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() { errs[i] = answer(p, "mail", begun.Challenge, code) })
	}
	callers.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, authn.ErrChallengeInvalid)
	}
	assert.Equal(t, 1, won)
}

// proving has something happen just before a session is made fresh, or just after.
type proving struct {
	*session.Manager
	before, after func()
}

func (s *proving) Prove(ctx context.Context, subject authn.Subject, id string, cookie setting.Secret, client authn.Client, methods []string, at time.Time, second bool) (authn.Session, setting.Secret, error) {
	call := func(do func()) {
		if do != nil {
			do()
		}
	}
	call(s.before)
	defer call(s.after)
	return s.Manager.Prove(ctx, subject, id, cookie, client, methods, at, second)
}

// V7.4.3: who steps up by what is just being changed keeps no fresh session by it.
func TestStepUpMeetsAChangeOfCredentials(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"while the code is checked", "before the session is fresh", "after"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			k := newServiceKit(t)
			grant, p := k.enter(t, "ada", authn.CarrierToken)
			watched := &proving{Manager: k.sessions}
			k.deps.Sessions = watched
			service, err := authn.NewService(k.deps)
			require.NoError(t, err)
			change := func() { // keeps the session, as a user does who changes their password in it
				_, err := k.Credentials().SetPassword(t.Context(), p.Subject, "a hash", authn.CredentialChange{Keep: p.SessionID, Why: authn.EndRevoked})
				assert.NoError(t, err)
			}
			switch moment {
			case "after":
				watched.after = change
			case "before the session is fresh":
				watched.before = change
			default:
				k.factors.during = change
			}
			k.pass(time.Minute)
			_, err = service.StepUp(t.Context(), authn.StepUpRequest{Caller: p, Factor: "app", Secret: "good"})
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
			require.NotEmpty(t, k.told(audit.StepUpFailed))
			live, err := k.sessions.Live(t.Context(), "", p.SessionID)
			if err != nil {
				require.ErrorIs(t, err, authn.ErrSessionEnded)
				return
			}
			assert.Zero(t, live.MFATime)
			assert.True(t, live.AuthTime.Equal(grant.Session.AuthTime))
		})
	}
}

// STEP-02: a second factor at login has its own time, which goes through a held-up login; a proof of several factors in one has that of the login.
func TestSTEP02LoginsKnowWhenTheSecondFactorWasProved(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t, func(_ *serviceKit, cfg *session.Config) { cfg.MaxPerUser, cfg.OnLimit = 1, session.Ask })
	user := k.register(t, "", "ada")
	first := k.login(t, user, authn.CarrierToken)
	k.factors.demanded = true
	_, err := k.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: kitPassword})
	var due *authn.MFARequiredError
	require.ErrorAs(t, err, &due)
	began := k.clock.Now()
	k.pass(time.Minute)
	answered := k.clock.Now()
	_, err = k.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: due.Challenge, Factor: "app", Code: "good"})
	var held *authn.SessionLimitError
	require.ErrorAs(t, err, &held)
	k.pass(time.Minute)
	grant, err := k.ContinueLogin(t.Context(), authn.ContinueRequest{Continuation: held.Continuation, End: []string{first.Session.ID}})
	require.NoError(t, err)
	p := k.caller(t, grant)
	assert.True(t, p.AuthTime.Equal(began))
	assert.True(t, p.MFATime.Equal(answered))

	at := k.clock.Now().Add(-time.Second)
	passkey := authn.Proof{Subject: user.Subject, Methods: []string{"hwk", "user", "mfa"}, Time: at}
	k.Service, err = authn.NewService(k.deps)
	require.NoError(t, err)
	require.NoError(t, k.Logout(t.Context(), p))
	grant, err = k.Complete(t.Context(), passkey, authn.Completion{})
	require.NoError(t, err)
	assert.True(t, k.caller(t, grant).MFATime.Equal(at))
	assert.Equal(t, authn.ACR2, k.caller(t, grant).ACR)
}
