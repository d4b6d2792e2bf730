package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

// FactorStore tests a driver against the contract of [mfa.FactorStore].
func FactorStore(t *testing.T, open func(t *testing.T) mfa.FactorStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[mfa.FactorStore]{
			{"create and list", factorCreate},
			{"an ID exists once", factorTwice},
			{"no more of a kind than the limit", factorLimit},
			{"the new one stays, however old it says it is", factorLimitKeepsNew},
			{"update", factorUpdate},
			{"another version changes nothing", factorConflict},
			{"delete (V6.5.6)", factorDelete},
			{"prune at the boundary", factorPrune},
			{"tenants are apart (V8.4.1)", factorTenants},
			{"time zones", factorZones},
			{"odd and long values", factorOddValues},
			{"aliasing", factorAliasing},
			{"a cancelled context changes nothing", factorCancelled},
		},
		raceCases("one change of a version wins (TOTP-02, V6.5.1)", factorRace),
		raceCases("changes one after the other lose none", factorChain),
		raceCases("creating keeps to the limit", factorCreateRace),
		raceCases("one of an ID is created", factorSameIDRace),
	))
}

func newFactor(owner authn.Subject, id string, at time.Time) mfa.Record {
	return mfa.Record{Subject: owner, ID: id, Kind: "totp", Data: []byte{0, 0xff, '\'', 0}, CreatedAt: at, Version: 1}
}

func createFactor(t *testing.T, ctx context.Context, s mfa.FactorStore, r mfa.Record) mfa.Record {
	t.Helper()
	require.NoError(t, s.CreateFactor(ctx, r.Clone(), 100))
	return r
}

func plainFactors(list []mfa.Record) []mfa.Record {
	plain := []mfa.Record{}
	for _, r := range list {
		r = r.Clone()
		inUTC(&r.CreatedAt, &r.LastUsedAt, &r.Expires)
		r.Data = full(r.Data)
		plain = append(plain, r)
	}
	return plain
}

func requireFactors(t *testing.T, ctx context.Context, s mfa.FactorStore, owner authn.Subject, expected ...mfa.Record) {
	t.Helper()
	list, err := s.Factors(ctx, owner)
	require.NoError(t, err)
	require.Equal(t, plainFactors(expected), plainFactors(list))
}

func factorCreate(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	requireFactors(t, ctx, s, ada)
	b, c, a := newFactor(ada, "b", base()), newFactor(ada, "c", base().Add(tick)), newFactor(ada, "a", base())
	c.Kind, c.Name, c.Data, c.Counter, c.LastUsedAt, c.Expires = "device", "phone", nil, -7, base().Add(time.Hour), base().Add(2*time.Hour)
	for _, r := range []mfa.Record{c, b, a} {
		createFactor(t, ctx, s, r)
	}
	requireFactors(t, ctx, s, ada, a, b, c)
	requireFactors(t, ctx, s, subject("", "bob"))
}

func factorTwice(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := createFactor(t, ctx, s, newFactor(ada, "r", base()))
	again := newFactor(ada, "r", base().Add(time.Hour))
	again.Kind = "other"
	err := s.CreateFactor(ctx, again, 100)
	require.Error(t, err)
	assert.NotErrorIs(t, err, authn.ErrConflict)
	requireFactors(t, ctx, s, ada, r)
	bob := createFactor(t, ctx, s, newFactor(subject("", "bob"), "r", base()))
	requireFactors(t, ctx, s, bob.Subject, bob)
}

func factorLimit(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	other, bob := newFactor(ada, "other", base().Add(-time.Hour)), newFactor(subject("", "bob"), "a", base())
	other.Kind = "recovery"
	createFactor(t, ctx, s, other)
	createFactor(t, ctx, s, bob)
	var all []mfa.Record
	for i, id := range []string{"d", "c", "b", "a", "e"} { // of one moment, then by ID
		r := newFactor(ada, id, base().Add(time.Duration(i/2)*time.Second))
		require.NoError(t, s.CreateFactor(ctx, r, 3))
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b mfa.Record) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return int(a.ID[0]) - int(b.ID[0])
	})
	requireFactors(t, ctx, s, ada, append([]mfa.Record{other}, all[2:]...)...)
	for i, limit := range []int{1, 0, -1} {
		last := newFactor(ada, fmt.Sprint("last", i), base().Add(time.Hour))
		require.NoError(t, s.CreateFactor(ctx, last, limit))
		requireFactors(t, ctx, s, ada, other, last)
	}
	requireFactors(t, ctx, s, bob.Subject, bob)
}

func factorLimitKeepsNew(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	createFactor(t, ctx, s, newFactor(ada, "later", base().Add(time.Hour)))
	r := newFactor(ada, "earlier", base())
	require.NoError(t, s.CreateFactor(ctx, r, 1))
	requireFactors(t, ctx, s, ada, r)
}

func factorUpdate(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := newFactor(ada, "r", base())
	r.Expires = base().Add(time.Minute)
	createFactor(t, ctx, s, r)
	r.Kind, r.Name, r.Data, r.Counter, r.LastUsedAt, r.Expires = "other", "name", []byte("data"), 1<<40, base().Add(time.Hour), time.Time{}
	change := r.Clone()
	change.CreatedAt = base().AddDate(9, 0, 0)
	require.NoError(t, s.UpdateFactor(ctx, change))
	r.Version = 2
	requireFactors(t, ctx, s, ada, r)
	n, err := s.PruneFactors(ctx, base().AddDate(100, 0, 0))
	require.NoError(t, err)
	assert.Zero(t, n, "it ends no more")
	r.Data, r.Expires = nil, base().Add(tick)
	require.NoError(t, s.UpdateFactor(ctx, r))
	r.Version = 3
	requireFactors(t, ctx, s, ada, r)
	n, err = s.PruneFactors(ctx, base().Add(2*tick))
	require.NoError(t, err)
	assert.Equal(t, 1, n, "it ends again")
	assert.ErrorIs(t, s.UpdateFactor(ctx, r), authn.ErrNotFound)
}

func factorConflict(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := createFactor(t, ctx, s, newFactor(ada, "r", base()))
	for _, version := range []int64{0, 2, -1} {
		change := r.Clone()
		change.Version, change.Counter = version, 99
		assert.ErrorIs(t, s.UpdateFactor(ctx, change), authn.ErrConflict)
	}
	assert.ErrorIs(t, s.UpdateFactor(ctx, newFactor(ada, "absent", base())), authn.ErrNotFound)
	assert.ErrorIs(t, s.UpdateFactor(ctx, newFactor(subject("", "eve"), "r", base())), authn.ErrNotFound)
	requireFactors(t, ctx, s, ada, r)
}

func factorDelete(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r, kept := createFactor(t, ctx, s, newFactor(ada, "r", base())), createFactor(t, ctx, s, newFactor(ada, "kept", base()))
	assert.ErrorIs(t, s.DeleteFactor(ctx, ada, "absent"), authn.ErrNotFound)
	assert.ErrorIs(t, s.DeleteFactor(ctx, subject("", "eve"), "r"), authn.ErrNotFound)
	require.NoError(t, s.DeleteFactor(ctx, ada, "r"))
	assert.ErrorIs(t, s.DeleteFactor(ctx, ada, "r"), authn.ErrNotFound)
	assert.ErrorIs(t, s.UpdateFactor(ctx, r), authn.ErrNotFound, "a change brings nothing back")
	requireFactors(t, ctx, s, ada, kept)
}

func factorPrune(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	never, at, before := newFactor(ada, "a", base()), newFactor(ada, "b", base()), newFactor(ada, "c", base())
	at.Expires, before.Expires = base().Add(time.Hour), base().Add(time.Hour-tick)
	for _, r := range []mfa.Record{never, at, before} {
		createFactor(t, ctx, s, r)
	}
	requireFactors(t, ctx, s, ada, never, at, before)
	n, err := s.PruneFactors(ctx, at.Expires)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireFactors(t, ctx, s, ada, never, at)
	n, err = s.PruneFactors(ctx, at.Expires.Add(tick))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireFactors(t, ctx, s, ada, never)
}

func factorTenants(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	a := createFactor(t, ctx, s, newFactor(subject("a", "ada"), "r", base()))
	b := newFactor(subject("b", "ada"), "r", base())
	assert.ErrorIs(t, s.UpdateFactor(ctx, b), authn.ErrNotFound)
	assert.ErrorIs(t, s.DeleteFactor(ctx, b.Subject, "r"), authn.ErrNotFound)
	require.NoError(t, s.CreateFactor(ctx, b, 1))
	b.Counter = 5
	require.NoError(t, s.UpdateFactor(ctx, b))
	b.Version = 2
	requireFactors(t, ctx, s, a.Subject, a)
	requireFactors(t, ctx, s, b.Subject, b)
}

func factorZones(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := newFactor(ada, "r", base().In(zone()))
	r.LastUsedAt, r.Expires = base().In(zone()), base().Add(time.Hour).In(zone())
	createFactor(t, ctx, s, r)
	requireFactors(t, ctx, s, ada, r)
	list, err := s.Factors(ctx, ada)
	require.NoError(t, err)
	requireUTC(t, list[0].CreatedAt, list[0].LastUsedAt, list[0].Expires)
}

func factorOddValues(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	var all []mfa.Record
	for _, odd := range oddTexts() {
		for _, r := range []mfa.Record{newFactor(subject(odd, "ada"), "r", base()), newFactor(subject("", odd), "r", base()), newFactor(subject("", "of "+odd), odd, base())} {
			r.Kind, r.Name, r.Data = odd, odd, []byte(odd)
			all = append(all, createFactor(t, ctx, s, r))
		}
	}
	for _, r := range all {
		requireFactors(t, ctx, s, r.Subject, r)
	}
}

func factorAliasing(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := newFactor(ada, "r", base())
	passed := r.Clone()
	require.NoError(t, s.CreateFactor(ctx, passed, 1))
	passed.Data[0]++
	list, err := s.Factors(ctx, ada)
	require.NoError(t, err)
	list[0].Data[0]++
	requireFactors(t, ctx, s, ada, r)
	passed = r.Clone()
	require.NoError(t, s.UpdateFactor(ctx, passed))
	passed.Data[0]++
	r.Version = 2
	requireFactors(t, ctx, s, ada, r)
}

func factorCancelled(t *testing.T, ctx context.Context, s mfa.FactorStore) {
	ada := subject("", "ada")
	r := newFactor(ada, "r", base())
	r.Expires = base()
	createFactor(t, ctx, s, r)
	snapshot := func() any {
		list, err := s.Factors(ctx, ada)
		require.NoError(t, err)
		return plainFactors(list)
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"CreateFactor", func(ctx context.Context) error { return s.CreateFactor(ctx, newFactor(ada, "x", base()), 1) }},
		{"Factors", func(ctx context.Context) error { return errOf(s.Factors(ctx, ada)) }},
		{"UpdateFactor", func(ctx context.Context) error { return s.UpdateFactor(ctx, r) }},
		{"DeleteFactor", func(ctx context.Context) error { return s.DeleteFactor(ctx, ada, "r") }},
		{"PruneFactors", func(ctx context.Context) error { return errOf(s.PruneFactors(ctx, base().Add(time.Hour))) }},
	})
}

func factorRace(t *testing.T, ctx context.Context, s mfa.FactorStore, n int) {
	ada := subject("", "ada")
	r := createFactor(t, ctx, s, newFactor(ada, "r", base()))
	errs := race(n, func(i int) error {
		mine := r.Clone()
		mine.Counter = int64(i) + 1
		return s.UpdateFactor(ctx, mine)
	})
	requireOneWinner(t, errs, authn.ErrConflict)
	r.Counter, r.Version = int64(slices.Index(errs, nil))+1, 2
	requireFactors(t, ctx, s, ada, r)
}

// Every success counts one up; what is stored in the end is how many there were.
func factorChain(t *testing.T, ctx context.Context, s mfa.FactorStore, n int) {
	ada := subject("", "ada")
	createFactor(t, ctx, s, newFactor(ada, "r", base()))
	won := int64(0)
	for _, err := range race(n, func(int) error {
		list, err := s.Factors(ctx, ada)
		if err != nil || len(list) != 1 {
			return fmt.Errorf("%d factors: %w", len(list), err)
		}
		list[0].Counter++
		return s.UpdateFactor(ctx, list[0])
	}) {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, authn.ErrConflict)
	}
	list, err := s.Factors(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, won, list[0].Counter)
	require.Equal(t, won+1, list[0].Version)
}

func factorCreateRace(t *testing.T, ctx context.Context, s mfa.FactorStore, n int) {
	ada := subject("", "ada")
	const limit = 3
	for _, err := range race(n, func(i int) error {
		return s.CreateFactor(ctx, newFactor(ada, fmt.Sprintf("f%04d", i), base()), limit)
	}) {
		require.NoError(t, err)
	}
	list, err := s.Factors(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, limit)
}

func factorSameIDRace(t *testing.T, ctx context.Context, s mfa.FactorStore, n int) {
	ada := subject("", "ada")
	won := 0
	for _, err := range race(n, func(i int) error {
		r := newFactor(ada, "r", base())
		r.Counter = int64(i)
		return s.CreateFactor(ctx, r, 1)
	}) {
		if err == nil {
			won++
		}
	}
	require.Equal(t, 1, won)
	list, err := s.Factors(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 1)
}
