package memstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

func begin() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func subject(i int) authn.Subject { return authn.Subject{ID: fmt.Sprint("u", i)} }

func record(i int, at time.Time) session.Record {
	return session.Record{
		Subject: subject(i), ID: fmt.Sprint("s", i), Carrier: authn.CarrierToken, CreatedAt: at, LastUsedAt: at,
		IdleAt: at.Add(time.Hour), EndsAt: at.Add(24 * time.Hour), Generation: 1,
	}
}

// REL-18: names that are chosen by an attacker make nothing grow past its bound. What is there already still works.
func TestFloodIsBounded(t *testing.T) {
	t.Parallel()
	const most, flood = 100, 500
	s, at := memstore.NewBounded(most), begin()
	for _, tc := range []struct {
		name string
		put  func(i int) error
		most int
	}{
		{"accounts", func(i int) error {
			return s.CreateUser(t.Context(), authn.User{Subject: subject(i), Email: fmt.Sprint(i, "@example.com"), Version: 1})
		}, most},
		{"password hashes", func(i int) error { return s.SetPasswordHash(t.Context(), subject(i), "hash") }, most},
		{"one-time records", func(i int) error {
			return s.PutOneTime(t.Context(), authn.OneTime{ID: fmt.Sprint(i), SecretHash: []byte("h"), Expires: at.Add(time.Minute)})
		}, most},
		{"API keys", func(i int) error {
			return s.CreateAPIKey(t.Context(), authn.APIKeyRecord{APIKey: authn.APIKey{ID: fmt.Sprint(i), Owner: subject(i), CreatedAt: at}}, 0)
		}, most},
		{"sessions", func(i int) error {
			_, err := s.CreateSession(t.Context(), record(i, at), session.Limit{})
			return err
		}, most},
		{"devices", func(i int) error {
			_, _, err := s.SeeDevice(t.Context(), session.Device{Subject: subject(i), ID: "d", LastSeenAt: at}, 50)
			return err
		}, most},
		{"rules", func(i int) error {
			return s.ChangeRules(t.Context(), "", int64(min(i, most)), authz.RuleChange{PutRoles: []authz.Role{{Name: fmt.Sprint(i)}}})
		}, most},
		{"policies of many tenants", func(i int) error {
			return s.ChangeRules(t.Context(), authn.Tenant(fmt.Sprint(i+1)), 0, authz.RuleChange{PutPolicies: []authz.PolicyText{{Name: "p"}}})
		}, 0},
		{"versions of many tenants", func(i int) error {
			return s.ChangeRules(t.Context(), authn.Tenant(fmt.Sprint(i+1)), 0, authz.RuleChange{})
		}, most - 1},
		{"assignments", func(i int) error {
			_, err := s.Assign(t.Context(), subject(i), authz.Assignment{Role: "editor", Until: at})
			return err
		}, most},
		{"assignments of a source", func(i int) error {
			_, err := s.ReplaceAssignments(t.Context(), subject(i), "corp", []authz.Assignment{{Role: "a", Source: "corp"}, {Role: "b", Source: "corp"}})
			return err
		}, 0},
		{"revoked tokens", func(i int) error {
			_, err := s.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: fmt.Sprint(i), Until: at})
			return err
		}, 2 * most},
	} {
		stored := 0
		for i := range flood {
			err := tc.put(i)
			if err == nil {
				stored++
				continue
			}
			require.ErrorIs(t, err, memstore.ErrFull, tc.name)
		}
		assert.Equal(t, tc.most, stored, tc.name)
	}
	_, err := s.UserByID(t.Context(), subject(7))
	require.NoError(t, err)
	require.NoError(t, s.SetPasswordHash(t.Context(), subject(7), "another"))
	_, err = s.ConsumeOneTime(t.Context(), "", "", "7", []byte("h"), at)
	require.NoError(t, err)
	_, err = s.EndSessions(t.Context(), subject(7), session.Selection{}, at, authn.EndLogout)
	require.NoError(t, err)
	_, err = s.CreateSession(t.Context(), record(flood, at.Add(time.Second)), session.Limit{})
	require.NoError(t, err, "the record of an ended session makes room for a live one")
	requireChangesWhenFull(t, s, most)
}

// requireChangesWhenFull requires that rules and assignments that are there can be changed, replaced and taken away.
func requireChangesWhenFull(t *testing.T, s *memstore.Store, version int64) {
	t.Helper()
	both := []authz.Role{{Name: "new"}, {Name: "newer"}}
	change := authz.RuleChange{PutRoles: both, DeleteRoles: []string{"1"}}
	require.ErrorIs(t, s.ChangeRules(t.Context(), "", version, change), memstore.ErrFull, "it would be one more")
	change.DeleteRoles = []string{"1", "2"}
	require.NoError(t, s.ChangeRules(t.Context(), "", version, change), "and so nothing of it was done")
	_, err := s.Assign(t.Context(), subject(7), authz.Assignment{Role: "editor"})
	require.NoError(t, err)
	list := []authz.Assignment{{Role: "editor", Source: "corp"}}
	_, err = s.ReplaceAssignments(t.Context(), subject(7), "corp", list)
	require.ErrorIs(t, err, memstore.ErrFull)
	_, err = s.Unassign(t.Context(), subject(8), "editor")
	require.NoError(t, err)
	_, err = s.ReplaceAssignments(t.Context(), subject(7), "corp", list)
	require.NoError(t, err)
	list[0].Role = "admin"
	_, err = s.ReplaceAssignments(t.Context(), subject(7), "corp", list)
	require.NoError(t, err, "as many as before")
	dropped, err := s.PruneAssignments(t.Context(), begin().Add(time.Second))
	require.NoError(t, err)
	assert.EqualValues(t, version-2, dropped)
}

// Making and dropping records again and again takes no more memory than they do.
func TestChurnIsBounded(t *testing.T) {
	t.Parallel()
	s, at := memstore.NewBounded(100), begin()
	for i := range 20_000 {
		require.NoError(t, s.PutOneTime(t.Context(), authn.OneTime{ID: fmt.Sprint(i), SecretHash: []byte("h"), Expires: at.Add(time.Hour)}))
		_, err := s.ConsumeOneTime(t.Context(), "", "", fmt.Sprint(i), []byte("h"), at)
		require.NoError(t, err)
		_, _, err = s.SeeDevice(t.Context(), session.Device{Subject: subject(1), ID: fmt.Sprint(i), LastSeenAt: at.Add(time.Duration(i) * time.Second)}, 50)
		require.NoError(t, err)
		_, err = s.CreateSession(t.Context(), record(i, at.Add(time.Duration(i)*time.Minute)), session.Limit{})
		require.NoError(t, err)
		_, err = s.EndSessions(t.Context(), subject(i), session.Selection{}, at.Add(time.Duration(i)*time.Minute), authn.EndLogout)
		require.NoError(t, err)
		until := at.Add(time.Duration(i) * time.Minute)
		_, err = s.ReplaceAssignments(t.Context(), subject(1), "corp", []authz.Assignment{{Role: "editor", Source: "corp", Until: until}})
		require.NoError(t, err)
		_, err = s.Assign(t.Context(), subject(2), authz.Assignment{Role: "editor", Until: until})
		require.NoError(t, err)
		_, err = s.Unassign(t.Context(), subject(2), "editor")
		require.NoError(t, err)
	}
	assert.Less(t, s.Filed(), 4*(1024+300))
	n, err := s.PruneDevices(t.Context(), at.Add(1_000_000*time.Second))
	require.NoError(t, err)
	assert.Equal(t, 50, n, "what is there is still found")
}

// Who changes one account again and again fills the log with one entry; a reader misses nothing for it.
func TestRepeatedChangesAreOneEntry(t *testing.T) {
	t.Parallel()
	s, at := memstore.NewBounded(50), begin()
	_, err := s.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: "jti", Until: at.Add(time.Hour)})
	require.NoError(t, err)
	const changes = 10_000
	for i := range changes {
		until := at.Add(time.Hour)
		if i%2 == 0 {
			until = at.Add(2 * time.Hour)
		}
		head, err := s.Revoke(t.Context(), authn.Revocation{Kind: authn.ChangedAccount, ID: "mallory", Until: until})
		require.NoError(t, err)
		require.EqualValues(t, i+2, head)
	}
	entries, head, err := s.Revocations(t.Context(), 0, 1000)
	require.NoError(t, err)
	assert.EqualValues(t, changes+1, head)
	assert.LessOrEqual(t, len(entries), 100)
	assert.Equal(t, authn.RevokedToken, entries[0].Kind)
	assert.EqualValues(t, changes+1, entries[len(entries)-1].Position)
	n, err := s.PruneRevocations(t.Context(), at.Add(90*time.Minute))
	require.NoError(t, err)
	assert.Less(t, n, len(entries)-1, "what is repeated is kept as long as the longest")
}

// Item 39 of the original: the table of addresses never shrank. A flood of names locks nobody out: counters that end first make room. Failures in a row (NIST-06) never do.
func TestCountersMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 100
	s, at := memstore.NewBounded(most), begin()
	key := func(kind string, i int) authn.CounterKey {
		return authn.CounterKey{Kind: authn.CounterKind(kind), ID: fmt.Sprint(i)}
	}
	kept := authn.Counter{Consecutive: 42}
	for i := range most / 2 {
		require.NoError(t, s.PutCounter(t.Context(), key("password", i), kept, 0))
	}
	for i := range 10 * most {
		require.NoError(t, s.PutCounter(t.Context(), key("name", i), authn.Counter{Failures: 1, Expires: at.Add(time.Duration(i) * time.Second)}, 0))
	}
	for i := range most / 2 {
		c, err := s.Counter(t.Context(), key("password", i))
		require.NoError(t, err)
		require.EqualValues(t, 42, c.Consecutive)
	}
	n, err := s.PruneCounters(t.Context(), at.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, most/2, n)
	for i := range most / 2 {
		require.NoError(t, s.PutCounter(t.Context(), key("totp", i), kept, 0))
	}
	require.ErrorIs(t, s.PutCounter(t.Context(), key("totp", most), kept, 0), memstore.ErrFull)
	require.NoError(t, s.PutCounter(t.Context(), key("totp", 0), authn.Counter{}, 1), "what is there can be changed")
}

// A counter that changes again and again takes no more memory for it.
func TestCounterChurnIsBounded(t *testing.T) {
	t.Parallel()
	s, at, k := memstore.NewBounded(100), begin(), authn.CounterKey{Kind: "password", ID: "ada"}
	for i := range int64(20_000) {
		c := authn.Counter{Expires: at.Add(-time.Duration(i) * time.Second)}
		if i%2 == 0 {
			c = authn.Counter{Consecutive: 1}
		}
		require.NoError(t, s.PutCounter(t.Context(), k, c, i))
	}
	assert.Less(t, s.Filed(), 1100)
}
