package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// changing is one way to change a store.
type changing struct {
	// method is the store's, with a remark after a space where there are several ways.
	method string
	// before makes what is changed. It may be nil.
	before func(ctx context.Context, s *sqlstore.Store) error
	do     func(ctx context.Context, s *sqlstore.Store) error
	// again says that doing it once more changes something once more.
	again bool
}

// changes are all ways to change what the store keeps, each of something of its own.
func changes() []changing {
	now := time.Now().UTC().Truncate(time.Microsecond)
	of := func(id string) authn.Subject { return authn.Subject{ID: id} }
	key := func(id string) authn.APIKeyRecord {
		return authn.APIKeyRecord{APIKey: authn.APIKey{ID: id, Owner: of(id), CreatedAt: now}, SecretHash: []byte("1"), Generation: 1}
	}
	makeKey := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return s.CreateAPIKey(ctx, key(id), 1) }
	}
	assignment := authz.Assignment{Role: "admin"}
	makeAssignment := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return second(s.Assign(ctx, of(id), assignment)) }
	}
	counter := func(id string) authn.CounterKey { return authn.CounterKey{Kind: "account", ID: id} }
	makeCounter := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error {
			return s.PutCounter(ctx, counter(id), authn.Counter{Failures: 1, Last: now}, 0)
		}
	}
	device := func(id string) session.Device {
		return session.Device{Subject: of(id), ID: id, FirstSeenAt: now, LastSeenAt: now}
	}
	makeDevice := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error {
			_, _, err := s.SeeDevice(ctx, device(id), 3)
			return err
		}
	}
	factor := func(id string) mfa.Record {
		return mfa.Record{Subject: of(id), ID: id, Kind: "totp", CreatedAt: now, Version: 1}
	}
	makeFactor := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return s.CreateFactor(ctx, factor(id), 1) }
	}
	oneTime := func(id string) authn.OneTime {
		return authn.OneTime{Purpose: "reset", ID: id, SecretHash: []byte("1"), Value: id, Expires: now.Add(time.Hour)}
	}
	setPassword := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return s.SetPasswordHash(ctx, of(id), "1") }
	}
	pushPassword := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return s.PushPasswordHash(ctx, of(id), "1", 3) }
	}
	openSession := func(id string, limit session.Limit) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error {
			r := record(id, id, now)
			r.SecretHash, r.Generation = []byte("1"), 1
			return second(s.CreateSession(ctx, r, limit))
		}
	}
	use := session.Use{At: now.Add(time.Second), IdleAt: now.Add(time.Hour)}
	rotation := func(id string) session.Rotation {
		return session.Rotation{ID: id, Generation: 1, SecretHash: []byte("1"), NextHash: []byte("2"), Use: use}
	}
	proved := session.Proved{Methods: []string{"otp"}, AuthTime: now.Add(time.Second), MFATime: now.Add(time.Second)}
	end := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error {
			return second(s.EndSessions(ctx, of(id), session.Selection{}, use.At, authn.EndRevoked))
		}
	}
	entry := func(id string) authn.Revocation {
		return authn.Revocation{Kind: authn.RevokedToken, ID: id, Until: now.Add(time.Hour)}
	}
	makeUser := func(id string) func(context.Context, *sqlstore.Store) error {
		return func(ctx context.Context, s *sqlstore.Store) error { return s.CreateUser(ctx, account(id)) }
	}
	return []changing{
		{method: "CreateUser", do: makeUser("user")},
		{method: "UpdateUser", before: makeUser("edited"), do: func(ctx context.Context, s *sqlstore.Store) error {
			u := account("edited")
			u.DisabledAt = now
			return s.UpdateUser(ctx, u)
		}},
		{method: "SetPasswordHash", do: setPassword("set"), again: true},
		{method: "ReplacePasswordHash", before: setPassword("replaced"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.ReplacePasswordHash(ctx, of("replaced"), "1", "2")
		}},
		{method: "DeletePasswordHash", before: setPassword("dropped"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.DeletePasswordHash(ctx, of("dropped"))
		}},
		{method: "PushPasswordHash", do: pushPassword("history"), again: true},
		{method: "DeletePasswordHistory", before: pushPassword("forgotten"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.DeletePasswordHistory(ctx, of("forgotten"))
		}},
		{method: "PutOneTime", again: true, do: func(ctx context.Context, s *sqlstore.Store) error { return s.PutOneTime(ctx, oneTime("put")) }},
		{
			method: "ConsumeOneTime", before: func(ctx context.Context, s *sqlstore.Store) error { return s.PutOneTime(ctx, oneTime("used")) },
			do: func(ctx context.Context, s *sqlstore.Store) error {
				return second(s.ConsumeOneTime(ctx, "", "reset", "used", []byte("1"), now))
			},
		},
		{method: "Revoke", again: true, do: func(ctx context.Context, s *sqlstore.Store) error {
			return second(s.Revoke(ctx, entry("token"), entry("another")))
		}},
		{method: "CreateSession", do: openSession("opened", session.Limit{})},
		{method: "CreateSession under a limit", do: openSession("limited", session.Limit{Max: 3})},
		{method: "RotateSession", before: openSession("rotated", session.Limit{}), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.RotateSession(ctx, rotation("rotated"))
		}},
		{method: "RotateSession with a proof", before: openSession("stepped", session.Limit{}), do: func(ctx context.Context, s *sqlstore.Store) error {
			r := rotation("stepped")
			r.Proved = &proved
			return s.RotateSession(ctx, r)
		}},
		{method: "ProveSession", again: true, before: openSession("proved", session.Limit{}), do: func(ctx context.Context, s *sqlstore.Store) error {
			return second(s.ProveSession(ctx, "", "proved", proved, use.At))
		}},
		{method: "EndSessions", before: openSession("ended", session.Limit{}), do: end("ended")},
		{method: "TouchSessions", again: true, before: openSession("touched", session.Limit{}), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.TouchSessions(ctx, session.Touch{ID: "touched", Use: use})
		}},
		{method: "SeeDevice", again: true, do: makeDevice("seen")},
		{method: "RenameDevice", again: true, before: makeDevice("named"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.RenameDevice(ctx, of("named"), "named", "phone")
		}},
		{method: "DeleteDevices", before: makeDevice("lost"), do: func(ctx context.Context, s *sqlstore.Store) error { return s.DeleteDevices(ctx, of("lost"), "") }},
		{method: "CreateFactor", do: makeFactor("factor")},
		{method: "UpdateFactor", before: makeFactor("counted"), do: func(ctx context.Context, s *sqlstore.Store) error {
			r := factor("counted")
			r.Counter = 7
			return s.UpdateFactor(ctx, r)
		}},
		{method: "DeleteFactor", before: makeFactor("removed"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.DeleteFactor(ctx, of("removed"), "removed")
		}},
		{method: "CreateAPIKey", do: makeKey("key")},
		{method: "RotateAPIKey", before: makeKey("turned"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.RotateAPIKey(ctx, authn.APIKeyRotation{Owner: of("turned"), ID: "turned", Generation: 1, SecretHash: []byte("1"), NextHash: []byte("2"), At: now})
		}},
		{method: "TouchAPIKey", before: makeKey("used"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.TouchAPIKey(ctx, "", "used", now, time.Minute)
		}},
		{method: "DeleteAPIKey", before: makeKey("revoked"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.DeleteAPIKey(ctx, of("revoked"), "revoked")
		}},
		{method: "Assign", do: makeAssignment("given")},
		{method: "Unassign", before: makeAssignment("taken"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return second(s.Unassign(ctx, of("taken"), assignment.Role))
		}},
		{method: "ReplaceAssignments", do: func(ctx context.Context, s *sqlstore.Store) error {
			return second(s.ReplaceAssignments(ctx, of("mapped"), "groups", []authz.Assignment{{Role: "admin"}, {Role: "author"}}))
		}},
		{method: "PutCounter", do: makeCounter("guessed")},
		{method: "DeleteCounter", before: makeCounter("opened"), do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.DeleteCounter(ctx, counter("opened"))
		}},
		{method: "ChangeRules", do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.ChangeRules(ctx, "", 0, authz.RuleChange{PutRoles: []authz.Role{{Name: "author"}}, PutPolicies: []authz.PolicyText{{Name: "all"}}})
		}},
		{method: "ReplaceSigningKeys", do: func(ctx context.Context, s *sqlstore.Store) error {
			return s.ReplaceSigningKeys(ctx, 0, []authn.KeyRecord{{ManagedKey: authn.ManagedKey{ID: "k", Algorithm: "ES256", State: authn.KeySigning, CreatedAt: now}}})
		}},
	}
}

func second[T any](_ T, err error) error { return err }

// changesNothing reports the methods that no act is done by: those that read, that drop what has expired, and that keep the journal itself.
func changesNothing(method string) bool {
	return strings.HasPrefix(method, "Prune") || slices.Contains([]string{
		"APIKey", "APIKeys", "Assignments", "Holders", "Counter", "Devices", "Factors", "PasswordHash", "PasswordHistory", "Revocations", "Rules", "Session", "Sessions",
		"TenantSessions", "SigningKeys", "UserByID", "UserByEmail", "Users", "Head", "Entries", "WaitingEvents", "PutEvents", "ChainEvents", "KeepOutbox", "Migrate",
		"DriverName", "Close",
	}, method)
}

// For every method that changes something, on both databases: an act whose event cannot be written is not done, be it for the event's sake or the
// database's; one that is done has its event; and one that is refused, or has nothing to do, has none.
func TestEveryActHasItsEventOrIsNotDone(t *testing.T) {
	t.Parallel()
	all := changes()
	for method := range reflect.TypeFor[*sqlstore.Store]().Methods() {
		known := slices.ContainsFunc(all, func(c changing) bool { return strings.Fields(c.method)[0] == method.Name })
		assert.NotEqual(t, changesNothing(method.Name), known, "%s must be among the changes, or be known to change nothing", method.Name)
	}
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		s.KeepOutbox(true)
		db := d.pool(t)
		for _, c := range changes() {
			bus, mute := newBus(), audit.NewBus(nil, nil) // a mute one gives no IDs, and an event without one cannot be written
			if c.before != nil {
				require.NoError(t, c.before(t.Context(), s), c.method)
			}
			before := d.contents(t, db)
			require.ErrorContains(t, c.do(registered(mute, "u").In(t.Context()), s), "without an ID", c.method)
			require.Equal(t, before, d.contents(t, db), "%s without its event", c.method)

			d.run(t, db, `ALTER TABLE authmodule_audit_waiting RENAME TO authmodule_audit_away`)
			require.ErrorContains(t, c.do(registered(bus, "u").In(t.Context()), s), "authmodule_audit_waiting", c.method)
			d.run(t, db, `ALTER TABLE authmodule_audit_away RENAME TO authmodule_audit_waiting`)
			require.Equal(t, before, d.contents(t, db), "%s without a table of events", c.method)
			require.Zero(t, d.number(t, `SELECT count(*) FROM authmodule_audit_waiting`), c.method)

			require.NoError(t, c.do(registered(bus, "u").In(t.Context()), s), c.method)
			done := d.contents(t, db)
			require.NotEqual(t, before, done, "%s changes something", c.method)
			require.EqualValues(t, 1, d.number(t, `SELECT count(*) FROM authmodule_audit_waiting`), c.method)

			err := c.do(registered(bus, "u").In(t.Context()), s)
			events := d.number(t, `SELECT count(*) FROM authmodule_audit_waiting`) - 1
			if c.again {
				require.NoError(t, err, c.method)
				require.EqualValues(t, 1, events, "%s once more", c.method)
			} else {
				require.Equal(t, done, d.contents(t, db), "%s once more", c.method)
				require.Zero(t, events, "%s once more", c.method)
			}
			d.run(t, db, `DELETE FROM authmodule_audit_waiting`)
		}
	})
}

func (d database) run(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

// contents are the rows of all tables but those of the journal.
func (d database) contents(t *testing.T, db *sql.DB) (rows []string) {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'authmodule_%' ORDER BY name`
	if d.dialect == sqlstore.Postgres {
		tables = `SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY tablename`
	}
	for _, name := range d.rows(t, db, tables) {
		if name = strings.Trim(name, "[]"); !strings.HasPrefix(name, "authmodule_audit") {
			for _, row := range d.rows(t, db, `SELECT * FROM `+name) {
				rows = append(rows, name+row)
			}
		}
	}
	slices.Sort(rows)
	return rows
}

func (d database) rows(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		require.NoError(t, rows.Scan(places...))
		list = append(list, fmt.Sprint(values))
	}
	require.NoError(t, rows.Err())
	return list
}
