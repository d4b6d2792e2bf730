package sqlstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// linkAll chains what waits, and dropTo notes what was dropped, without any hashes.
func linkAll(h audit.Head, waiting []audit.Waiting) (entries []audit.Entry, next audit.Head, err error) {
	for _, w := range waiting {
		h.Seq++
		entries = append(entries, audit.Entry{Seq: h.Seq, Waiting: w})
	}
	return entries, h, nil
}

func dropTo(h audit.Head, dropped []audit.Entry) (audit.Head, error) {
	h.DroppedSeq = dropped[len(dropped)-1].Seq
	return h, nil
}

// everyCall is a call of each method.
func everyCall(s *sqlstore.Store) map[string]func(ctx context.Context) error {
	who, bind := ada().Subject, session.Limit{Max: 3, Policy: session.EvictOldest}
	return map[string]func(ctx context.Context) error{
		"CreateUser":         func(ctx context.Context) error { return s.CreateUser(ctx, ada()) },
		"UserByID":           func(ctx context.Context) error { return errOf(s.UserByID(ctx, who)) },
		"UserByEmail":        func(ctx context.Context) error { return errOf(s.UserByEmail(ctx, "", "a")) },
		"UpdateUser":         func(ctx context.Context) error { return s.UpdateUser(ctx, ada()) },
		"Users":              func(ctx context.Context) error { return errOf(s.Users(ctx, "", "", 1)) },
		"PasswordHash":       func(ctx context.Context) error { return errOf(s.PasswordHash(ctx, who)) },
		"SetPasswordHash":    func(ctx context.Context) error { return s.SetPasswordHash(ctx, who, "x") },
		"DeletePasswordHash": func(ctx context.Context) error { return s.DeletePasswordHash(ctx, who) },
		"Revoke":             func(ctx context.Context) error { return errOf(s.Revoke(ctx, authn.Revocation{ID: "x"})) },
		"Revocations":        func(ctx context.Context) error { _, _, err := s.Revocations(ctx, 0, 1); return err },
		"PruneRevocations":   func(ctx context.Context) error { return errOf(s.PruneRevocations(ctx, t0)) },
		"PutOneTime":         func(ctx context.Context) error { return s.PutOneTime(ctx, authn.OneTime{ID: "x"}) },
		"ConsumeOneTime":     func(ctx context.Context) error { return errOf(s.ConsumeOneTime(ctx, "", "p", "x", nil, t0)) },
		"PruneOneTime":       func(ctx context.Context) error { return errOf(s.PruneOneTime(ctx, t0)) },
		"CreateAPIKey":       func(ctx context.Context) error { return s.CreateAPIKey(ctx, authn.APIKeyRecord{}, 1) },
		"APIKey":             func(ctx context.Context) error { return errOf(s.APIKey(ctx, "", "x")) },
		"APIKeys":            func(ctx context.Context) error { return errOf(s.APIKeys(ctx, who)) },
		"RotateAPIKey":       func(ctx context.Context) error { return s.RotateAPIKey(ctx, authn.APIKeyRotation{}) },
		"TouchAPIKey":        func(ctx context.Context) error { return s.TouchAPIKey(ctx, "", "x", t0, 0) },
		"DeleteAPIKey":       func(ctx context.Context) error { return s.DeleteAPIKey(ctx, who, "x") },
		"PruneAPIKeys":       func(ctx context.Context) error { return errOf(s.PruneAPIKeys(ctx, t0)) },
		"SigningKeys":        func(ctx context.Context) error { return errOf(s.SigningKeys(ctx)) },
		"ReplaceSigningKeys": func(ctx context.Context) error { return s.ReplaceSigningKeys(ctx, 0, nil) },
		"CreateSession": func(ctx context.Context) error {
			return errOf(s.CreateSession(ctx, session.Record{Subject: who}, bind))
		},
		"CreateSession alone": func(ctx context.Context) error {
			return errOf(s.CreateSession(ctx, session.Record{Subject: who}, session.Limit{}))
		},
		"Session": func(ctx context.Context) error { return errOf(s.Session(ctx, "", "x")) },
		"ProveSession": func(ctx context.Context) error {
			_, err := s.ProveSession(ctx, "", "s1", session.Proved{}, t0)
			return err
		},
		"RotateSession":      func(ctx context.Context) error { return s.RotateSession(ctx, session.Rotation{}) },
		"TouchSessions":      func(ctx context.Context) error { return s.TouchSessions(ctx, session.Touch{}) },
		"TouchSessions many": func(ctx context.Context) error { return s.TouchSessions(ctx, session.Touch{}, session.Touch{}) },
		"EndSessions":        func(ctx context.Context) error { return errOf(s.EndSessions(ctx, who, session.Selection{}, t0, "x")) },
		"Sessions":           func(ctx context.Context) error { return errOf(s.Sessions(ctx, who, t0)) },
		"TenantSessions":     func(ctx context.Context) error { return errOf(s.TenantSessions(ctx, "", t0, "", 1)) },
		"PruneSessions":      func(ctx context.Context) error { return errOf(s.PruneSessions(ctx, t0)) },
		"SeeDevice":          func(ctx context.Context) error { _, _, err := s.SeeDevice(ctx, session.Device{}, 1); return err },
		"RenameDevice":       func(ctx context.Context) error { return s.RenameDevice(ctx, who, "x", "y") },
		"Devices":            func(ctx context.Context) error { return errOf(s.Devices(ctx, who)) },
		"PruneDevices":       func(ctx context.Context) error { return errOf(s.PruneDevices(ctx, t0)) },
		"Rules":              func(ctx context.Context) error { return errOf(s.Rules(ctx, "")) },
		"ChangeRules":        func(ctx context.Context) error { return s.ChangeRules(ctx, "", 0, authz.RuleChange{}) },
		"Assignments":        func(ctx context.Context) error { return errOf(s.Assignments(ctx, who)) },
		"Assign":             func(ctx context.Context) error { return errOf(s.Assign(ctx, who, authz.Assignment{Role: "x"})) },
		"Unassign":           func(ctx context.Context) error { return errOf(s.Unassign(ctx, who, "x")) },
		"ReplaceAssignments": func(ctx context.Context) error { return errOf(s.ReplaceAssignments(ctx, who, "s", nil)) },
		"Holders":            func(ctx context.Context) error { return errOf(s.Holders(ctx, "", "x", t0, "", 1)) },
		"PruneAssignments":   func(ctx context.Context) error { return errOf(s.PruneAssignments(ctx, t0)) },
		"PutEvents":          func(ctx context.Context) error { return s.PutEvents(ctx, audit.Waiting{ID: "x"}) },
		"ChainEvents":        func(ctx context.Context) error { return errOf(s.ChainEvents(ctx, 1, linkAll)) },
		"WaitingEvents":      func(ctx context.Context) error { return errOf(s.WaitingEvents(ctx)) },
		"Entries":            func(ctx context.Context) error { return errOf(s.Entries(ctx, audit.Query{Limit: 1})) },
		"Head":               func(ctx context.Context) error { return errOf(s.Head(ctx)) },
		"PruneEntries":       func(ctx context.Context) error { return errOf(s.PruneEntries(ctx, t0, 1, dropTo)) },
		"Migrate":            func(ctx context.Context) error { return s.Migrate(ctx, sqlstore.MigrateAuto) },
	}
}

// everyError makes each call at once, with as much time, and returns their errors.
func everyError(t *testing.T, s *sqlstore.Store, timeout time.Duration) map[string]error {
	t.Helper()
	calls := everyCall(s)
	errs := make(map[string]error, len(calls))
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, call := range calls {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			err := call(ctx)
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	all.Wait()
	return errs
}

// requireOutage requires that no error looks like an answer.
func requireOutage(t *testing.T, errs map[string]error) {
	t.Helper()
	for name, err := range errs {
		require.ErrorContains(t, err, "sqlstore: ", name)
		for _, answer := range []error{
			authn.ErrNotFound, authn.ErrConflict, authn.ErrEmailTaken, authn.ErrAPIKeyLimit, session.ErrLimit,
			sqlstore.ErrMigrationsPending, sqlstore.ErrMigrationChanged, sqlstore.ErrDatabaseNewer,
		} {
			require.NotErrorIs(t, err, answer, name)
		}
	}
}

func requireRecovery(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	require.Eventually(t, func() bool { return errOf(s.Users(t.Context(), "", "", 1)) == nil }, 20*time.Second, 10*time.Millisecond)
}

// A server that was killed fails every call at once, loses nothing that was acknowledged, and is found again (REL-10).
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Durable)
	s := openPostgres(t, server.Schema(t))
	for i := range 3 {
		require.NoError(t, s.CreateUser(t.Context(), numbered(i)))
		server.Kill()
		requireOutage(t, everyError(t, s, 20*time.Second))
		require.NoError(t, server.Restart())
		requireRecovery(t, s)
		for j := range i + 1 {
			require.NoError(t, errOf(s.UserByID(t.Context(), numbered(j).Subject)))
		}
	}
}

// A server that does not answer holds no call longer than its context.
func TestServerPaused(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Fast)
	s := openPostgres(t, server.Schema(t))
	require.NoError(t, s.CreateUser(t.Context(), numbered(0)))
	server.Pause()
	began := time.Now()
	errs := everyError(t, s, 300*time.Millisecond)
	assert.Less(t, time.Since(began), 10*time.Second)
	requireOutage(t, errs)
	for name, err := range errs {
		assert.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
	server.Resume()
	requireRecovery(t, s)
	assert.NoError(t, errOf(s.UserByID(t.Context(), numbered(0).Subject)))
}

func TestOpenWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Fast)
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := sqlstore.Open(ctx, sqlstore.Options{Dialect: sqlstore.Postgres, DSN: server.DSN()})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	server.Kill()
	_, err = sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: server.DSN()})
	require.ErrorContains(t, err, "sqlstore: open: ")
}

func numbered(i int) authn.User {
	u := ada()
	u.Subject.ID, u.Email = fmt.Sprint("u", i), fmt.Sprint(i, "@example.com")
	return u
}
