package mfa_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// Who must have a second factor, from when on, and what is open to an account without one.
func TestPolicy(t *testing.T) {
	t.Parallel()
	must := authn.FactorDemand{Enroll: true, Factors: []string{mfa.NameTOTP}}
	at := func(tenant authn.Tenant, age time.Duration, roles ...string) authn.FactorQuery {
		q := query(authn.Subject{Tenant: tenant, ID: "ada"})
		q.User.CreatedAt, q.Roles = t0().Add(-age), roles
		return q
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		cfg      mfa.Config
		q        authn.FactorQuery
		expected authn.FactorDemand
	}{
		"nobody":                {mfa.Config{}, at("", day, "admin"), authn.FactorDemand{}},
		"everybody":             {mfa.Config{Require: mfa.RequireEverybody}, at("", 0), must},
		"a role":                {mfa.Config{RequireRoles: []string{"admin"}}, at("", 0, "user", "admin"), must},
		"another role":          {mfa.Config{RequireRoles: []string{"admin"}}, at("", 0, "user"), authn.FactorDemand{}},
		"a tenant":              {mfa.Config{RequireTenants: []string{"acme"}}, at("acme", 0), must},
		"another tenant":        {mfa.Config{RequireTenants: []string{"acme"}}, at("other", 0), authn.FactorDemand{}},
		"within the grace":      {mfa.Config{Require: mfa.RequireEverybody, GraceDays: 7}, at("", 7*day-time.Second), authn.FactorDemand{}},
		"the grace is over":     {mfa.Config{Require: mfa.RequireEverybody, GraceDays: 7}, at("", 7*day), must},
		"grace since the rule":  {mfa.Config{Require: mfa.RequireEverybody, GraceDays: 7, RequireSince: "2026-02-28"}, at("", 999*day), authn.FactorDemand{}},
		"long since the rule":   {mfa.Config{Require: mfa.RequireEverybody, GraceDays: 7, RequireSince: "2026-02-01"}, at("", 999*day), must},
		"the rule is to come":   {mfa.Config{Require: mfa.RequireEverybody, RequireSince: "2027-01-01"}, at("", 999*day), authn.FactorDemand{}},
		"several factors prove": {mfa.Config{Require: mfa.RequireEverybody}, func() authn.FactorQuery { q := at("", 0); q.Proof.Methods = []string{"hwk", "mfa"}; return q }(), authn.FactorDemand{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			demand, err := fresh(t, c.cfg).Due(t.Context(), c.q)
			require.NoError(t, err)
			assert.Equal(t, c.expected, demand)
		})
	}
}

// lineage says who inherits whom.
type lineage map[string]string

func (l lineage) Holds(_ context.Context, t authn.Tenant, assigned []string, role string) (bool, error) {
	if t == "broken" {
		return false, context.DeadlineExceeded
	}
	return slices.ContainsFunc(assigned, func(r string) bool { return l[r] == role }), nil
}

// Who has the rights of a role that demands a second factor must have one, in whatever way the role was got.
func TestPolicyOfInheritedRoles(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{RequireRoles: []string{"auditor", "admin"}}, func(d *mfa.Deps) { d.Lineage = lineage{"owner": "admin"} })
	for roles, expected := range map[string]bool{"owner": true, "admin": true, "user": false} {
		q := query(ada())
		q.Roles = []string{"guest", roles}
		demand, err := f.Due(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, expected, demand.Enroll, roles)
	}
	_, err := f.Due(t.Context(), query(authn.Subject{Tenant: "broken", ID: "ada"}))
	require.ErrorIs(t, err, context.DeadlineExceeded, "who cannot be asked lets nobody in")
}

// An account that must enroll does so within its login; one that has a factor cannot get another by a password alone.
func TestEnrollWithinALogin(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{Require: mfa.RequireEverybody})
	begun, err := f.Begin(t.Context(), query(ada()), mfa.NameTOTP, true)
	require.NoError(t, err)
	shown := fromJSON(t, begun.Public)
	assert.Equal(t, begun.State, shown["id"])
	p := phone{secret: setting.Secret(shown["secret"].(string))}
	a := authn.FactorAnswer{Factor: mfa.NameTOTP, Code: "000000", State: begun.State, Enroll: true}
	_, err = f.Redeem(t.Context(), query(ada()), a)
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	a.Code = p.at(t, t0())
	result, err := f.Redeem(t.Context(), query(ada()), a)
	require.NoError(t, err)
	assert.Equal(t, []string{"otp", "mfa"}, result.Methods)
	assert.Len(t, result.RecoveryCodes, mfa.RecoveryCodes)

	_, err = f.Begin(t.Context(), query(ada()), mfa.NameTOTP, true)
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	a.Code = p.at(t, t0().Add(mfa.Period))
	_, err = f.Redeem(t.Context(), query(ada()), a)
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	for _, factor := range []string{"", "sms", mfa.NameEmailCode} {
		require.ErrorIs(t, f.redeem(ada(), factor, "1"), authn.ErrFactorInvalid)
		_, err = f.Begin(t.Context(), query(ada()), factor, false)
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
	}
	begun, err = f.Begin(t.Context(), query(ada()), mfa.NameTOTP, false)
	require.NoError(t, err)
	assert.Zero(t, begun, "an app needs nothing")
}

// V6.6.2, V6.5.5: a code by e-mail is good for its own login and account, for five minutes.
func TestEmailCode(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true})
	user := query(ada()).User
	require.NoError(t, f.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err := f.ConfirmEmail(t.Context(), ada(), "0", mfa.By{})
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	codes, err := f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.NoError(t, err)
	assert.Len(t, codes, mfa.RecoveryCodes)
	_, err = f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.ErrorIs(t, err, mfa.ErrEnrollmentInvalid)
	require.ErrorIs(t, f.EnrollEmail(t.Context(), user, authn.Client{}), mfa.ErrTooMany)

	first, err := f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.NoError(t, err)
	code := f.sender.last()
	assert.Len(t, code.Reveal(), 8)
	assert.Equal(t, "ada@example.com", f.sender.to[len(f.sender.to)-1])
	assert.Empty(t, first.Public)
	second, err := f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.NoError(t, err)
	try := func(s authn.Subject, state string) error {
		_, err := f.Redeem(t.Context(), query(s), authn.FactorAnswer{Factor: mfa.NameEmailCode, Code: code, State: state})
		return err
	}
	require.ErrorIs(t, try(ada(), second.State), authn.ErrFactorInvalid, "another login")
	for _, state := range []string{"", "{}", "x", `{"hash":"","nonce":"","expires":"2099-01-01T00:00:00Z"}`} {
		require.ErrorIs(t, try(ada(), state), authn.ErrFactorInvalid)
	}
	require.NoError(t, try(ada(), first.State))
	f.pass(5 * time.Minute)
	require.ErrorIs(t, try(ada(), first.State), authn.ErrFactorInvalid, "too late")

	bob := authn.Subject{ID: "bob"}
	require.NoError(t, f.EnrollEmail(t.Context(), query(bob).User, authn.Client{}))
	_, err = f.ConfirmEmail(t.Context(), bob, f.sender.last(), mfa.By{})
	require.NoError(t, err)
	fresh, err := f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.NoError(t, err)
	code = f.sender.last()
	require.ErrorIs(t, try(bob, fresh.State), authn.ErrFactorInvalid, "another account")
}

// V6.6.3: no number of calls at once sends more than five codes in an hour.
func TestEmailCodesAreBounded(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true})
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() { _ = f.EnrollEmail(context.Background(), query(ada()).User, authn.Client{}) })
	}
	wg.Wait()
	assert.LessOrEqual(t, len(f.sender.codes), 5)
	f.pass(time.Hour)
	require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
	_, err := f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.NoError(t, err)
	f.sender.codes = nil
	for range 200 {
		wg.Go(func() { _, _ = f.Begin(context.Background(), query(ada()), mfa.NameEmailCode, false) })
	}
	wg.Wait()
	assert.LessOrEqual(t, len(f.sender.codes), 5)
	f.pass(20 * time.Minute)
	for range mfa.CodesPerHour {
		_, err = f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	}
	require.ErrorIs(t, err, mfa.ErrTooManyCodes)
	var over *mfa.TooManyCodesError
	require.ErrorAs(t, err, &over)
	require.Equal(t, 40*time.Minute, over.RetryAfter)
	f.pass(over.RetryAfter - time.Nanosecond)
	_, err = f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.ErrorIs(t, err, mfa.ErrTooManyCodes)
	f.pass(time.Nanosecond)
	_, err = f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.NoError(t, err)
}

// A clock that was wrong for a moment keeps nobody from codes for longer than an hour, and one that is a little behind grants none.
func TestEmailCodesWhereClocksDiffer(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true})
	user := query(ada()).User
	f.pass(365 * 24 * time.Hour)
	for range mfa.CodesPerHour {
		require.NoError(t, f.EnrollEmail(t.Context(), user, authn.Client{}))
	}
	f.pass(-time.Second)
	var over *mfa.TooManyCodesError
	require.ErrorAs(t, f.EnrollEmail(t.Context(), user, authn.Client{}), &over)
	require.Equal(t, time.Hour, over.RetryAfter)
	f.pass(-365 * 24 * time.Hour)
	require.NoError(t, f.EnrollEmail(t.Context(), user, authn.Client{}))
}

// A trusted device needs no second factor, for its account, its time and its password, and until that is taken back.
func TestTrustedDevice(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{TrustDays: 30, MaxTrusted: 2})
	p := f.enroll(ada())
	trust := func() setting.Secret {
		a := answer(mfa.NameTOTP, p.at(t, f.clock()))
		a.Trust, a.Device.Name = true, "laptop"
		result, err := f.Redeem(t.Context(), query(ada()), a)
		require.NoError(t, err)
		require.Equal(t, f.clock().AddDate(0, 0, 30), result.TrustEnds)
		f.pass(mfa.Period)
		return result.Trust
	}
	due := func(secret setting.Secret, change ...func(*authn.FactorQuery)) bool {
		q := query(ada())
		q.Trust = secret
		for _, do := range change {
			do(&q)
		}
		demand, err := f.Due(t.Context(), q)
		require.NoError(t, err)
		return demand.Due()
	}
	first := trust()
	assert.False(t, due(first))
	for _, other := range []setting.Secret{"", "x", "td_x_y", first + "a", first[:len(first)-1]} {
		assert.True(t, due(other))
	}
	assert.True(t, due(first, func(q *authn.FactorQuery) { q.User.CredentialVersion = 2 }), "the password was changed since")
	bob := authn.Subject{ID: "bob"}
	f.enroll(bob)
	assert.True(t, due(first, func(q *authn.FactorQuery) { q.Proof.Subject, q.User.Subject = bob, bob }))

	second, third := trust(), trust()
	assert.True(t, due(first), "two devices at most")
	assert.False(t, due(second))
	overview, err := f.Overview(t.Context(), ada())
	require.NoError(t, err)
	require.Len(t, overview.Trusted, 2)
	assert.Equal(t, "laptop", overview.Trusted[0].Name)
	require.NoError(t, f.Distrust(t.Context(), ada(), overview.Trusted[0].ID, mfa.By{}))
	assert.True(t, due(second))
	require.ErrorIs(t, f.Distrust(t.Context(), ada(), overview.Trusted[0].ID, mfa.By{}), authn.ErrNotFound)
	require.ErrorIs(t, f.Distrust(t.Context(), bob, overview.Trusted[1].ID, mfa.By{}), authn.ErrNotFound)
	assert.False(t, due(third))
	require.NoError(t, f.Distrust(t.Context(), ada(), "", mfa.By{}))
	assert.True(t, due(third))
	fourth := trust()
	f.pass(30*24*time.Hour - mfa.Period)
	assert.True(t, due(fourth), "its time is over")
	n, err := f.Prune(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	f.pass(time.Second)
	n, err = f.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Len(t, f.told(audit.DeviceTrusted), 4)

	p = f.enroll(ada())
	fifth := trust()
	require.NoError(t, f.Remove(t.Context(), ada(), p.id, mfa.By{}))
	assert.True(t, due(fifth), "a factor was removed")

	none := fresh(t, mfa.Config{})
	p = none.enroll(ada())
	a := answer(mfa.NameTOTP, p.at(t, none.clock()))
	a.Trust = true
	result, err := none.Redeem(t.Context(), query(ada()), a)
	require.NoError(t, err)
	assert.Empty(t, result.Trust, "it is off by default")
}

// A device is trusted for no longer than is configured now, which may be shorter than when it was, or not at all.
func TestTrustDoesNotOutliveItsConfiguration(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{TrustDays: 30})
	p := f.enroll(ada())
	a := answer(mfa.NameTOTP, p.at(t, f.clock()))
	a.Trust = true
	result, err := f.Redeem(t.Context(), query(ada()), a)
	require.NoError(t, err)
	q, trusted := query(ada()), f.clock()
	q.Trust = result.Trust
	f.pass(7 * 24 * time.Hour)
	for days, expected := range map[setting.Days]int{0: 0, 7: 0, 8: 1, 30: 1, 90: 1} {
		later, err := mfa.New(mfa.Config{TrustDays: days}, mfa.Deps{Store: f.store, Secret: master, Limiter: f.limiter, Now: f.clock})
		require.NoError(t, err)
		demand, err := later.Due(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, expected == 0, demand.Due(), days)
		overview, err := later.Overview(t.Context(), ada())
		require.NoError(t, err)
		require.Len(t, overview.Trusted, expected, days)
		for _, device := range overview.Trusted {
			assert.Equal(t, trusted.AddDate(0, 0, min(int(days), 30)), device.Expires, days)
		}
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true})
	p := f.enroll(ada())
	_, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
	require.NoError(t, err)
	admin := authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "root"}}
	require.NoError(t, f.Reset(t.Context(), ada(), mfa.By{Actor: admin}))
	list, err := f.store.Factors(t.Context(), ada())
	require.NoError(t, err)
	assert.Empty(t, list)
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())), authn.ErrFactorInvalid)
	removed := f.told(audit.MFARemoved)
	require.Len(t, removed, 1)
	assert.Equal(t, "root", removed[0].Actor)
	assert.Contains(t, f.limiter.reopened, mfa.NameTOTP)
}

// passkey stands for a factor of another package.
type passkey struct{ ready bool }

func (p passkey) Name() string                                           { return "passkey" }
func (p passkey) Ready(context.Context, authn.FactorQuery) (bool, error) { return p.ready, nil }
func (p passkey) Begin(context.Context, authn.FactorQuery) (authn.FactorBegun, error) {
	return authn.FactorBegun{Public: `{"challenge":"c"}`, State: "c"}, nil
}

func (p passkey) Verify(_ context.Context, _ authn.FactorQuery, code setting.Secret, state string) ([]string, error) {
	if code.Reveal() != state {
		return nil, authn.ErrFactorInvalid
	}
	return []string{"hwk", "mfa"}, nil
}

// A factor of another package takes part like the module's own.
func TestOtherFactor(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{}, func(d *mfa.Deps) { d.Factors = []mfa.Factor{passkey{ready: true}} })
	demand, err := f.Due(t.Context(), query(ada()))
	require.NoError(t, err)
	assert.Equal(t, []string{"passkey"}, demand.Factors)
	begun, err := f.Begin(t.Context(), query(ada()), "passkey", false)
	require.NoError(t, err)
	assert.Equal(t, "c", begun.State)
	result, err := f.Redeem(t.Context(), query(ada()), authn.FactorAnswer{Factor: "passkey", Code: "c", State: begun.State})
	require.NoError(t, err)
	assert.Equal(t, []string{"hwk", "mfa"}, result.Methods)
	codes, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
	require.NoError(t, err, "they stand in for it")
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, codes[0]))
}

// forgetful is a factor whose store does not find what is answered with.
type forgetful struct{ passkey }

// called is a factor by another name.
type called struct {
	passkey
	name string
}

func (c called) Name() string { return c.name }

func (forgetful) Verify(context.Context, authn.FactorQuery, setting.Secret, string) ([]string, error) {
	return nil, fmt.Errorf("passkeys: find a credential: %w", authn.ErrNotFound)
}

// An answer that names what is not there is wrong, and counts, like any other.
func TestAnswerThatIsNotFound(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{}, func(d *mfa.Deps) { d.Factors = []mfa.Factor{forgetful{passkey{ready: true}}} })
	require.ErrorIs(t, f.redeem(ada(), "passkey", "c"), authn.ErrFactorInvalid)
	assert.Equal(t, map[string]int{fmt.Sprint(ada(), "passkey"): 1}, f.limiter.wrong)
	assert.Len(t, f.told(audit.MFAFailed), 1)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	good := mfa.Deps{Store: f.store, Secret: master, Limiter: f.limiter}
	for name, c := range map[string]struct {
		cfg    mfa.Config
		change func(*mfa.Deps)
	}{
		"no store":       {change: func(d *mfa.Deps) { d.Store = nil }},
		"no limiter":     {change: func(d *mfa.Deps) { d.Limiter = nil }},
		"no secret":      {change: func(d *mfa.Deps) { d.Secret = "" }},
		"empty previous": {change: func(d *mfa.Deps) { d.Previous = []setting.Secret{""} }},
		"no sender":      {cfg: mfa.Config{EmailCode: true}},
		"two of a name":  {change: func(d *mfa.Deps) { d.Factors = []mfa.Factor{passkey{}, passkey{}} }},
		"password":       {change: func(d *mfa.Deps) { d.Factors = []mfa.Factor{called{passkey{}, "password"}} }},
		"nil factor":     {change: func(d *mfa.Deps) { d.Factors = []mfa.Factor{nil} }},
		"MD5 (TOTP-07)":  {cfg: mfa.Config{Algorithm: "MD5"}},
		"7 digits":       {cfg: mfa.Config{Digits: 7}},
		"issuer":         {cfg: mfa.Config{Issuer: "a:b"}},
		"no date":        {cfg: mfa.Config{RequireSince: "soon"}},
		"trust":          {cfg: mfa.Config{TrustDays: 91}},
		"require":        {cfg: mfa.Config{Require: "some"}},
		"recovery":       {cfg: mfa.Config{AfterRecovery: "hope"}},
		"grace":          {cfg: mfa.Config{GraceDays: -1}},
		"apps":           {cfg: mfa.Config{MaxApps: 21}},
		"enroll":         {cfg: mfa.Config{EnrollMinutes: 61}},
	} {
		deps := good
		if c.change != nil {
			c.change(&deps)
		}
		_, err := mfa.New(c.cfg, deps)
		assert.Error(t, err, name)
	}
	_, err := mfa.New(mfa.Config{}, good)
	require.NoError(t, err)
}
