package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// KeyStore tests a driver of [authn.KeyStore]. The function open returns an
// empty store each time it is called.
func KeyStore(t *testing.T, open func(t *testing.T) authn.KeyStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authn.KeyStore]{
			{"empty", keysEmpty},
			{"replace and read", keysReplace},
			{"another version changes nothing", keysConflict},
			{"two keys of one ID change nothing", keysTwice},
			{"no record is dropped for its times", keysExpired},
			{"time zones", keysZones},
			{"odd and long values", keysOddValues},
			{"aliasing", keysAliasing},
			{"cancelled context", keysCancelled},
		},
		raceCases("one change wins", keysRace),
		raceCases("a reader sees no half of a change", keysReadRace),
	))
}

func newKeyRecord(id string, state authn.KeyState) authn.KeyRecord {
	return authn.KeyRecord{
		ManagedKey: authn.ManagedKey{
			ID: id, Algorithm: "ES256", State: state, CreatedAt: base(), SignsAt: base().Add(tick),
			RetiredAt: base().Add(2 * tick), Expires: base().Add(3 * tick),
		},
		Sealed: []byte{0, 1, 0xff, 0, '\'', 0x80},
	}
}

// plainKeys makes equal rings equal values.
func plainKeys(s authn.StoredKeys) authn.StoredKeys {
	keys := []authn.KeyRecord{}
	for _, r := range s.Keys {
		r = r.Clone()
		inUTC(&r.CreatedAt, &r.SignsAt, &r.RetiredAt, &r.Expires)
		r.Sealed = full(r.Sealed)
		keys = append(keys, r)
	}
	s.Keys = keys
	return s
}

func requireKeys(t *testing.T, ctx context.Context, s authn.KeyStore, version int64, expected ...authn.KeyRecord) {
	t.Helper()
	got, err := s.SigningKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, plainKeys(authn.StoredKeys{Version: version, Keys: expected}), plainKeys(got))
}

func keysEmpty(t *testing.T, ctx context.Context, s authn.KeyStore) {
	requireKeys(t, ctx, s, 0)
	for _, version := range []int64{1, -1} {
		assert.ErrorIs(t, s.ReplaceSigningKeys(ctx, version, nil), authn.ErrConflict)
	}
	requireKeys(t, ctx, s, 0)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, nil))
	requireKeys(t, ctx, s, 1)
}

func keysReplace(t *testing.T, ctx context.Context, s authn.KeyStore) {
	a, b, c := newKeyRecord("a", authn.KeySigning), newKeyRecord("b", authn.KeyNext), newKeyRecord("c", authn.KeyRetiring)
	b.SignsAt, b.RetiredAt, b.Expires = time.Time{}, time.Time{}, time.Time{}
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{c, a, b}))
	requireKeys(t, ctx, s, 1, a, b, c)
	a.State, a.Sealed, a.Algorithm = authn.KeyKilled, nil, "EdDSA"
	d := newKeyRecord("d", authn.KeySigning)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 1, []authn.KeyRecord{d, a}))
	requireKeys(t, ctx, s, 2, a, d)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 2, nil))
	requireKeys(t, ctx, s, 3)
}

func keysConflict(t *testing.T, ctx context.Context, s authn.KeyStore) {
	a := newKeyRecord("a", authn.KeySigning)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{a}))
	for _, version := range []int64{0, 2, -1} {
		assert.ErrorIs(t, s.ReplaceSigningKeys(ctx, version, []authn.KeyRecord{newKeyRecord("b", authn.KeySigning)}), authn.ErrConflict)
	}
	requireKeys(t, ctx, s, 1, a)
}

func keysTwice(t *testing.T, ctx context.Context, s authn.KeyStore) {
	a := newKeyRecord("a", authn.KeySigning)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{a}))
	b := newKeyRecord("b", authn.KeySigning)
	err := s.ReplaceSigningKeys(ctx, 1, []authn.KeyRecord{b, newKeyRecord("c", authn.KeyNext), b})
	assert.Error(t, err)
	assert.NotErrorIs(t, err, authn.ErrConflict)
	requireKeys(t, ctx, s, 1, a)
}

func keysExpired(t *testing.T, ctx context.Context, s authn.KeyStore) {
	old := newKeyRecord("old", authn.KeyRetiring)
	old.CreatedAt, old.SignsAt, old.RetiredAt, old.Expires = base().AddDate(-9, 0, 0), base().AddDate(-8, 0, 0), base().AddDate(-7, 0, 0), base().AddDate(-6, 0, 0)
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{old}))
	requireKeys(t, ctx, s, 1, old)
}

func keysZones(t *testing.T, ctx context.Context, s authn.KeyStore) {
	r := newKeyRecord("a", authn.KeySigning)
	r.CreatedAt, r.SignsAt, r.RetiredAt, r.Expires = r.CreatedAt.In(zone()), r.SignsAt.In(zone()), r.RetiredAt.In(zone()), r.Expires.In(zone())
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{r}))
	requireKeys(t, ctx, s, 1, r)
	got, err := s.SigningKeys(ctx)
	require.NoError(t, err)
	requireUTC(t, got.Keys[0].CreatedAt, got.Keys[0].SignsAt, got.Keys[0].RetiredAt, got.Keys[0].Expires)
}

func keysOddValues(t *testing.T, ctx context.Context, s authn.KeyStore) {
	var all []authn.KeyRecord
	for _, odd := range append(oddStrings(), longID()) {
		r := newKeyRecord(odd, authn.KeyState(odd))
		r.Algorithm, r.Sealed = odd, []byte(odd+longText())
		all = append(all, r)
	}
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, all))
	slices.SortFunc(all, func(a, b authn.KeyRecord) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	requireKeys(t, ctx, s, 1, all...)
	for i, odd := range oddBytes() {
		r := newKeyRecord(odd, authn.KeyState(odd))
		r.Algorithm = odd
		require.NoError(t, s.ReplaceSigningKeys(ctx, int64(i)+1, []authn.KeyRecord{r}))
		requireKeys(t, ctx, s, int64(i)+2, r)
	}
}

func keysAliasing(t *testing.T, ctx context.Context, s authn.KeyStore) {
	r := newKeyRecord("a", authn.KeySigning)
	passed := []authn.KeyRecord{r.Clone()}
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, passed))
	passed[0].Sealed[0]++
	passed[0].State = authn.KeyKilled
	got, err := s.SigningKeys(ctx)
	require.NoError(t, err)
	got.Keys[0].Sealed[0]++
	got.Keys[0].State = authn.KeyKilled
	requireKeys(t, ctx, s, 1, r)
}

func keysCancelled(t *testing.T, ctx context.Context, s authn.KeyStore) {
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{newKeyRecord("a", authn.KeySigning)}))
	snapshot := func() any {
		got, err := s.SigningKeys(ctx)
		require.NoError(t, err)
		return plainKeys(got)
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"SigningKeys", func(ctx context.Context) error { return errOf(s.SigningKeys(ctx)) }},
		{"ReplaceSigningKeys", func(ctx context.Context) error { return s.ReplaceSigningKeys(ctx, 1, nil) }},
	})
}

func keysRace(t *testing.T, ctx context.Context, s authn.KeyStore, n int) {
	id := func(i int) string { return fmt.Sprintf("k%04d", i) }
	errs := race(n, func(i int) error {
		return s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{newKeyRecord(id(i), authn.KeySigning)})
	})
	requireOneWinner(t, errs, authn.ErrConflict)
	requireKeys(t, ctx, s, 1, newKeyRecord(id(slices.Index(errs, nil)), authn.KeySigning))
}

// Each version n has two keys that carry n; a reader must find both, and of its version.
func keysReadRace(t *testing.T, ctx context.Context, s authn.KeyStore, n int) {
	ring := func(version int64) []authn.KeyRecord {
		a, b := newKeyRecord("a", authn.KeySigning), newKeyRecord("b", authn.KeyNext)
		a.Algorithm, b.Algorithm = fmt.Sprint(version), fmt.Sprint(version)
		return []authn.KeyRecord{a, b}
	}
	require.NoError(t, s.ReplaceSigningKeys(ctx, 0, ring(1)))
	for _, err := range race(n, func(i int) error {
		got, err := s.SigningKeys(ctx)
		if err != nil || i%4 != 0 {
			return keysOfOneVersion(got, err)
		}
		if err := s.ReplaceSigningKeys(ctx, got.Version, ring(got.Version+1)); !errors.Is(err, authn.ErrConflict) {
			return err
		}
		return nil
	}) {
		require.NoError(t, err)
	}
}

func keysOfOneVersion(got authn.StoredKeys, err error) error {
	if err != nil {
		return err
	}
	for _, r := range got.Keys {
		if r.Algorithm != fmt.Sprint(got.Version) {
			return fmt.Errorf("version %d has a key of %s", got.Version, r.Algorithm)
		}
	}
	if len(got.Keys) != 2 {
		return fmt.Errorf("version %d has %d keys", got.Version, len(got.Keys))
	}
	return nil
}
