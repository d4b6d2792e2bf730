package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// APIKeyStore tests a driver of [authn.APIKeyStore]. The function open
// returns an empty store each time it is called.
func APIKeyStore(t *testing.T, open func(t *testing.T) authn.APIKeyStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authn.APIKeyStore]{
			{"create and read", apiKeyCreate},
			{"absent", apiKeyAbsent},
			{"an ID is taken once", apiKeyTwice},
			{"the newest first", apiKeyOrder},
			{"only live keys count to the limit, at the boundary", apiKeyLimitLive},
			{"only the owner's own keys count to the limit", apiKeyLimitOwn},
			{"rotate", apiKeyRotate},
			{"rotate refuses and changes nothing", apiKeyRotateRefuses},
			{"touch moves no time backwards and brings nothing to life", apiKeyTouch},
			{"delete", apiKeyDelete},
			{"prune at the boundary", apiKeyPrune},
			{"tenants are apart (V8.4.1)", apiKeyTenants},
			{"time zones", apiKeyZones},
			{"odd and long values", apiKeyOddValues},
			{"aliasing", apiKeyAliasing},
			{"cancelled context", apiKeyCancelled},
		},
		raceCases("the limit holds", apiKeyLimitRace),
		raceCases("one rotation wins", apiKeyRotateRace),
		raceCases("a deleted key stays away", apiKeyDeleteRace),
	))
}

func newAPIKey(owner authn.Subject, id string) authn.APIKeyRecord {
	return authn.APIKeyRecord{
		APIKey: authn.APIKey{
			ID: id, Owner: owner, Name: "name of " + id, Scopes: []string{"articles.*", "notes.read"},
			AllowedIPs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			CreatedAt:  base(), Expires: base().Add(time.Hour),
		},
		SecretHash: secretHash(1), Generation: 1,
	}
}

func createAPIKey(t *testing.T, ctx context.Context, s authn.APIKeyStore, r authn.APIKeyRecord) authn.APIKeyRecord {
	t.Helper()
	require.NoError(t, s.CreateAPIKey(ctx, r, 0))
	return r
}

// plainAPIKey makes equal records equal values.
func plainAPIKey(r authn.APIKeyRecord) authn.APIKeyRecord {
	r = r.Clone()
	inUTC(&r.CreatedAt, &r.RotatedAt, &r.LastUsedAt, &r.Expires, &r.PreviousUntil)
	r.PreviousHash = full(r.PreviousHash)
	return r
}

func requireAPIKey(t *testing.T, ctx context.Context, s authn.APIKeyStore, expected authn.APIKeyRecord) {
	t.Helper()
	got, err := s.APIKey(ctx, expected.Owner.Tenant, expected.ID)
	require.NoError(t, err)
	require.Equal(t, plainAPIKey(expected), plainAPIKey(got))
}

func requireNoAPIKey(t *testing.T, ctx context.Context, s authn.APIKeyStore, tenant authn.Tenant, id string) {
	t.Helper()
	got, err := s.APIKey(ctx, tenant, id)
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.Zero(t, got)
}

func apiKeyIDs(t *testing.T, ctx context.Context, s authn.APIKeyStore, owner authn.Subject) []string {
	t.Helper()
	list, err := s.APIKeys(ctx, owner)
	require.NoError(t, err)
	ids := []string{}
	for _, r := range list {
		require.Equal(t, owner, r.Owner)
		ids = append(ids, r.ID)
	}
	return ids
}

func nextRotation(r authn.APIKeyRecord) authn.APIKeyRotation {
	return authn.APIKeyRotation{
		Owner: r.Owner, ID: r.ID, Generation: r.Generation, SecretHash: r.SecretHash,
		NextHash: secretHash(9), At: base().Add(time.Minute), PreviousUntil: base().Add(2 * time.Minute),
	}
}

func rotatedAPIKey(r authn.APIKeyRecord, n authn.APIKeyRotation) authn.APIKeyRecord {
	r.PreviousHash, r.SecretHash = r.SecretHash, n.NextHash
	r.PreviousUntil, r.RotatedAt = n.PreviousUntil, n.At
	r.Generation++
	return r
}

func apiKeyCreate(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	requireAPIKey(t, ctx, s, createAPIKey(t, ctx, s, newAPIKey(ada, "k1")))
	bare := authn.APIKeyRecord{APIKey: authn.APIKey{ID: "k2", Owner: ada, CreatedAt: base().Add(tick)}, SecretHash: secretHash(2), Generation: 1}
	requireAPIKey(t, ctx, s, createAPIKey(t, ctx, s, bare))
	whole := newAPIKey(ada, "k3")
	whole.CreatedAt, whole.RotatedAt, whole.LastUsedAt = base().Add(2*tick), base().Add(3*tick), base().Add(4*tick)
	whole.PreviousHash, whole.PreviousUntil, whole.Generation = secretHash(7), base().Add(5*tick), 41
	requireAPIKey(t, ctx, s, createAPIKey(t, ctx, s, whole))
	list, err := s.APIKeys(ctx, ada)
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, plainAPIKey(whole), plainAPIKey(list[0]))
}

func apiKeyAbsent(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	requireNoAPIKey(t, ctx, s, "", "k1")
	assert.Empty(t, apiKeyIDs(t, ctx, s, ada))
	assert.ErrorIs(t, s.RotateAPIKey(ctx, nextRotation(newAPIKey(ada, "k1"))), authn.ErrConflict)
	assert.NoError(t, s.TouchAPIKey(ctx, "", "k1", base(), time.Minute))
	assert.ErrorIs(t, s.DeleteAPIKey(ctx, ada, "k1"), authn.ErrNotFound)
	n, err := s.PruneAPIKeys(ctx, base())
	assert.NoError(t, err)
	assert.Zero(t, n)
	requireNoAPIKey(t, ctx, s, "", "k1")
}

func apiKeyTwice(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	for _, owner := range []string{"ada", "bob"} {
		other := newAPIKey(subject("", owner), "k1")
		other.SecretHash = secretHash(2)
		assert.Error(t, s.CreateAPIKey(ctx, other, 0))
	}
	requireAPIKey(t, ctx, s, r)
	assert.Empty(t, apiKeyIDs(t, ctx, s, subject("", "bob")))
}

func apiKeyOrder(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	for id, at := range map[string]time.Duration{"a": 0, "b": 0, "c": -tick, "d": tick} {
		r := newAPIKey(ada, id)
		r.CreatedAt = base().Add(at)
		createAPIKey(t, ctx, s, r)
	}
	assert.Equal(t, []string{"d", "b", "a", "c"}, apiKeyIDs(t, ctx, s, ada))
}

func apiKeyLimitLive(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	first := createAPIKey(t, ctx, s, newAPIKey(ada, "first"))
	endless := newAPIKey(ada, "endless")
	endless.Expires = time.Time{}
	createAPIKey(t, ctx, s, endless)
	next := newAPIKey(ada, "next")
	next.Expires = first.Expires.Add(time.Hour)
	next.CreatedAt = first.Expires.Add(-tick)
	for _, limit := range []int{1, 2} {
		assert.ErrorIs(t, s.CreateAPIKey(ctx, next, limit), authn.ErrAPIKeyLimit)
	}
	requireNoAPIKey(t, ctx, s, "", "next")
	next.CreatedAt = first.Expires
	assert.ErrorIs(t, s.CreateAPIKey(ctx, next, 1), authn.ErrAPIKeyLimit, "the endless one is live")
	require.NoError(t, s.CreateAPIKey(ctx, next, 2), "the first one has expired")
	requireAPIKey(t, ctx, s, next)
	require.NoError(t, s.DeleteAPIKey(ctx, ada, "next"))
	require.NoError(t, s.CreateAPIKey(ctx, next, 2), "a deleted one does not count")
}

func apiKeyLimitOwn(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	for _, owner := range []authn.Subject{subject("", "bob"), subject("acme", "ada"), subject("", "ad")} {
		createAPIKey(t, ctx, s, newAPIKey(owner, "of "+owner.ID))
	}
	assert.NoError(t, s.CreateAPIKey(ctx, newAPIKey(subject("", "ada"), "k1"), 1))
	assert.ErrorIs(t, s.CreateAPIKey(ctx, newAPIKey(subject("", "ada"), "k2"), 1), authn.ErrAPIKeyLimit)
}

func apiKeyRotate(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	for i := range 3 {
		n := nextRotation(r)
		n.NextHash = secretHash(byte(10 + i))
		n.At, n.PreviousUntil = n.At.Add(time.Duration(i)*time.Minute), n.PreviousUntil.Add(time.Duration(i)*time.Minute)
		require.NoError(t, s.RotateAPIKey(ctx, n))
		r = rotatedAPIKey(r, n)
		requireAPIKey(t, ctx, s, r)
	}
}

func apiKeyRotateRefuses(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	for name, change := range map[string]func(*authn.APIKeyRotation){
		"another generation": func(n *authn.APIKeyRotation) { n.Generation++ },
		"another secret":     func(n *authn.APIKeyRotation) { n.SecretHash = secretHash(2) },
		"no secret":          func(n *authn.APIKeyRotation) { n.SecretHash = nil },
		"another owner":      func(n *authn.APIKeyRotation) { n.Owner.ID = "bob" },
		"another tenant":     func(n *authn.APIKeyRotation) { n.Owner.Tenant = "acme" },
		"another key":        func(n *authn.APIKeyRotation) { n.ID = "k2" },
		"when it expires":    func(n *authn.APIKeyRotation) { n.At = r.Expires },
	} {
		n := nextRotation(r)
		change(&n)
		assert.ErrorIs(t, s.RotateAPIKey(ctx, n), authn.ErrConflict, name)
	}
	requireAPIKey(t, ctx, s, r)
	n := nextRotation(r)
	n.At = r.Expires.Add(-tick)
	assert.NoError(t, s.RotateAPIKey(ctx, n), "a tick before it expires")
}

func apiKeyTouch(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	at := base().Add(time.Minute)
	for _, c := range []struct {
		name         string
		at, expected time.Time
	}{
		{"the first", at, at},
		{"a tick before the next counts", at.Add(time.Minute - tick), at},
		{"one that comes late", at.Add(-time.Hour), at},
		{"the next that counts", at.Add(time.Minute), at.Add(time.Minute)},
	} {
		require.NoError(t, s.TouchAPIKey(ctx, "", "k1", c.at, time.Minute), c.name)
		r.LastUsedAt = c.expected
		requireAPIKey(t, ctx, s, r)
	}
	require.NoError(t, s.DeleteAPIKey(ctx, r.Owner, "k1"))
	require.NoError(t, s.TouchAPIKey(ctx, "", "k1", at.Add(time.Hour), time.Minute))
	requireNoAPIKey(t, ctx, s, "", "k1")
}

func apiKeyDelete(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	r := createAPIKey(t, ctx, s, newAPIKey(ada, "k1"))
	other := createAPIKey(t, ctx, s, newAPIKey(ada, "k2"))
	for _, owner := range []authn.Subject{subject("", "bob"), subject("acme", "ada"), {}} {
		assert.ErrorIs(t, s.DeleteAPIKey(ctx, owner, "k1"), authn.ErrNotFound)
	}
	requireAPIKey(t, ctx, s, r)
	require.NoError(t, s.DeleteAPIKey(ctx, ada, "k1"))
	assert.ErrorIs(t, s.DeleteAPIKey(ctx, ada, "k1"), authn.ErrNotFound)
	requireNoAPIKey(t, ctx, s, "", "k1")
	assert.Equal(t, []string{"k2"}, apiKeyIDs(t, ctx, s, ada))
	requireAPIKey(t, ctx, s, other)
}

func apiKeyPrune(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	ada := subject("", "ada")
	at := base().Add(time.Hour)
	for id, expires := range map[string]time.Time{"before": at.Add(-tick), "at": at, "after": at.Add(tick), "never": {}} {
		r := newAPIKey(ada, id)
		r.Expires = expires
		createAPIKey(t, ctx, s, r)
	}
	for _, c := range []struct {
		before   time.Time
		expected int
	}{{at.Add(-tick), 0}, {at, 1}, {at, 0}, {at.Add(time.Hour), 2}, {at.AddDate(100, 0, 0), 0}} {
		n, err := s.PruneAPIKeys(ctx, c.before)
		require.NoError(t, err)
		assert.Equal(t, c.expected, n)
	}
	assert.Equal(t, []string{"never"}, apiKeyIDs(t, ctx, s, ada))
	require.NoError(t, s.DeleteAPIKey(ctx, ada, "never"))
	again := createAPIKey(t, ctx, s, newAPIKey(ada, "before"))
	n, err := s.PruneAPIKeys(ctx, at)
	require.NoError(t, err)
	assert.Zero(t, n)
	requireAPIKey(t, ctx, s, again)
}

func apiKeyTenants(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	var all []authn.APIKeyRecord
	for i, tenant := range []string{"", "a", "b"} {
		r := newAPIKey(subject(tenant, "ada"), "k1")
		r.SecretHash = secretHash(byte(i + 1))
		all = append(all, createAPIKey(t, ctx, s, r))
	}
	require.NoError(t, s.TouchAPIKey(ctx, "a", "k1", base(), time.Minute))
	require.NoError(t, s.RotateAPIKey(ctx, nextRotation(all[1])))
	requireAPIKey(t, ctx, s, all[0])
	requireAPIKey(t, ctx, s, all[2])
	for _, r := range all {
		require.Equal(t, []string{"k1"}, apiKeyIDs(t, ctx, s, r.Owner))
		require.ErrorIs(t, s.CreateAPIKey(ctx, newAPIKey(r.Owner, "k2"), 1), authn.ErrAPIKeyLimit)
	}
	require.NoError(t, s.DeleteAPIKey(ctx, all[1].Owner, "k1"))
	requireNoAPIKey(t, ctx, s, "a", "k1")
	requireAPIKey(t, ctx, s, all[0])
	requireAPIKey(t, ctx, s, all[2])
}

func apiKeyZones(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := newAPIKey(subject("", "ada"), "k1")
	r.CreatedAt, r.Expires = r.CreatedAt.In(zone()), r.Expires.In(zone())
	requireAPIKey(t, ctx, s, createAPIKey(t, ctx, s, r))
	n := nextRotation(r)
	n.At, n.PreviousUntil = n.At.In(zone()), n.PreviousUntil.In(zone())
	require.NoError(t, s.RotateAPIKey(ctx, n))
	require.NoError(t, s.TouchAPIKey(ctx, "", "k1", base().In(zone()), time.Minute))
	r.LastUsedAt = base()
	got, err := s.APIKey(ctx, "", "k1")
	require.NoError(t, err)
	requireUTC(t, got.CreatedAt, got.Expires, got.RotatedAt, got.PreviousUntil, got.LastUsedAt)
	requireAPIKey(t, ctx, s, rotatedAPIKey(r, n))
	pruned, err := s.PruneAPIKeys(ctx, r.Expires.UTC().Add(tick))
	require.NoError(t, err)
	assert.Equal(t, 1, pruned)
}

func apiKeyOddValues(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	var all []authn.APIKeyRecord
	for i, odd := range oddTexts() {
		for _, owner := range []authn.Subject{subject(odd, "ada"), subject("", odd)} {
			r := newAPIKey(owner, fmt.Sprint("k", i))
			r.Name, r.Scopes = odd+longText(), []string{odd, "", odd}
			all = append(all, createAPIKey(t, ctx, s, r))
		}
		r := newAPIKey(subject("", "odd"), odd)
		all = append(all, createAPIKey(t, ctx, s, r))
	}
	for _, r := range all {
		requireAPIKey(t, ctx, s, r)
		require.Contains(t, apiKeyIDs(t, ctx, s, r.Owner), r.ID)
	}
}

func apiKeyAliasing(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := newAPIKey(subject("", "ada"), "k1")
	passed := r.Clone()
	require.NoError(t, s.CreateAPIKey(ctx, passed, 0))
	passed.SecretHash[0]++
	passed.Scopes[0] = "*.*"
	passed.AllowedIPs[0] = netip.Prefix{}
	got, err := s.APIKey(ctx, "", "k1")
	require.NoError(t, err)
	got.SecretHash[0]++
	got.Scopes[0] = "*.*"
	list, err := s.APIKeys(ctx, r.Owner)
	require.NoError(t, err)
	list[0].AllowedIPs[0] = netip.Prefix{}
	requireAPIKey(t, ctx, s, r)
	n := nextRotation(r)
	n.NextHash = slices.Clone(n.NextHash)
	require.NoError(t, s.RotateAPIKey(ctx, n))
	n.NextHash[0]++
	requireAPIKey(t, ctx, s, rotatedAPIKey(r, nextRotation(r)))
}

func apiKeyCancelled(t *testing.T, ctx context.Context, s authn.APIKeyStore) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	snapshot := func() any {
		list, err := s.APIKeys(context.WithoutCancel(ctx), r.Owner)
		require.NoError(t, err)
		return list
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"CreateAPIKey", func(ctx context.Context) error { return s.CreateAPIKey(ctx, newAPIKey(r.Owner, "k2"), 0) }},
		{"APIKey", func(ctx context.Context) error { return errOf(s.APIKey(ctx, "", "k1")) }},
		{"APIKeys", func(ctx context.Context) error { return errOf(s.APIKeys(ctx, r.Owner)) }},
		{"RotateAPIKey", func(ctx context.Context) error { return s.RotateAPIKey(ctx, nextRotation(r)) }},
		{"TouchAPIKey", func(ctx context.Context) error { return s.TouchAPIKey(ctx, "", "k1", base(), time.Minute) }},
		{"DeleteAPIKey", func(ctx context.Context) error { return s.DeleteAPIKey(ctx, r.Owner, "k1") }},
		{"PruneAPIKeys", func(ctx context.Context) error { return errOf(s.PruneAPIKeys(ctx, base().Add(48*time.Hour))) }},
	})
}

func apiKeyLimitRace(t *testing.T, ctx context.Context, s authn.APIKeyStore, n int) {
	ada := subject("", "ada")
	const limit = 5
	errs := race(n, func(i int) error { return s.CreateAPIKey(ctx, newAPIKey(ada, fmt.Sprint("k", i)), limit) })
	requireWinners(t, errs, limit, authn.ErrAPIKeyLimit)
	assert.Len(t, apiKeyIDs(t, ctx, s, ada), limit)
}

func apiKeyRotateRace(t *testing.T, ctx context.Context, s authn.APIKeyStore, n int) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	errs := race(n, func(i int) error {
		next := nextRotation(r)
		next.NextHash = append([]byte{byte(i), byte(i >> 8)}, secretHash(9)[2:]...)
		return s.RotateAPIKey(ctx, next)
	})
	requireOneWinner(t, errs, authn.ErrConflict)
	got, err := s.APIKey(ctx, "", "k1")
	require.NoError(t, err)
	assert.Equal(t, int64(2), got.Generation)
	assert.Equal(t, r.SecretHash, got.PreviousHash)
}

// apiKeyDeleteRace has rotations and touches run against the one deletion.
func apiKeyDeleteRace(t *testing.T, ctx context.Context, s authn.APIKeyStore, n int) {
	r := createAPIKey(t, ctx, s, newAPIKey(subject("", "ada"), "k1"))
	errs := race(n, func(i int) error {
		switch {
		case i == n/2:
			return s.DeleteAPIKey(ctx, r.Owner, "k1")
		case i%2 == 0:
			return s.TouchAPIKey(ctx, "", "k1", base().Add(time.Duration(i)*time.Hour), time.Minute)
		}
		if err := s.RotateAPIKey(ctx, nextRotation(r)); !errors.Is(err, authn.ErrConflict) {
			return err
		}
		return nil
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	requireNoAPIKey(t, ctx, s, "", "k1")
}
