package sqlstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

func newBus() *audit.Bus { return audit.NewBus(nil, nil, audit.WithIDs(rand.Reader)) }

// chained are the events that the store has, those that wait included, by type and what they are about.
func chained(t *testing.T, s *sqlstore.Store) map[string]int {
	t.Helper()
	newJournal(t, s).chain(t)
	list, err := s.Entries(t.Context(), audit.Query{Limit: 100_000})
	require.NoError(t, err)
	found := map[string]int{}
	for _, entry := range list {
		e, err := entry.Event()
		require.NoError(t, err)
		found[string(e.Type)+" "+e.Subject+e.SessionID]++
	}
	return found
}

func account(name string) authn.User {
	u := ada()
	u.Subject.ID, u.Email = name, name+"@example.com"
	return u
}

func registered(bus *audit.Bus, name string) *audit.Act {
	return bus.Act(audit.Event{Type: audit.UserRegistered, Subject: name})
}

func endedAct(bus *audit.Bus) *audit.Act {
	return bus.ActOf(func(outcome any) (events []audit.Event) {
		records, _ := outcome.([]session.Record)
		for _, r := range records {
			events = append(events, audit.Event{Type: audit.SessionEnded, SessionID: r.ID})
		}
		return events
	})
}

func record(owner, id string, at time.Time) session.Record {
	return session.Record{Subject: authn.Subject{ID: owner}, ID: id, CreatedAt: at, LastUsedAt: at, IdleAt: at.Add(time.Hour), EndsAt: at.Add(time.Hour)}
}

func TestActsBringTheirEventsAlong(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s, bus := d.open(t), newBus()
		s.KeepOutbox(true)
		told := 0
		newJournal(t, s).subscribe(bus)
		bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { told++ }))
		act := registered(bus, "u1")
		require.NoError(t, s.CreateUser(act.In(t.Context()), account("u1")))
		assert.Equal(t, 1, chained(t, s)["user.registered u1"], "before it is told")
		act.Tell(t.Context())
		assert.Equal(t, 1, told)
		assert.ErrorIs(t, s.CreateUser(registered(bus, "u2").In(t.Context()), account("u1")), authn.ErrEmailTaken)
		stale := account("u1")
		stale.Version = 9
		assert.ErrorIs(t, s.UpdateUser(registered(bus, "u3").In(t.Context()), stale), authn.ErrConflict)
		_, err := s.UserByID(registered(bus, "u4").In(t.Context()), account("u1").Subject)
		require.NoError(t, err)
		now := time.Now()
		limit := session.Limit{Max: 2, Policy: session.EvictOldest}
		for i := range 3 {
			r := record("u1", fmt.Sprint("s", i), now.Add(time.Duration(i)*time.Second))
			ended, opened := endedAct(bus), bus.Act(audit.Event{Type: audit.LoginSucceeded, SessionID: r.ID})
			evicted, err := s.CreateSession(opened.In(ended.In(t.Context())), r, limit)
			require.NoError(t, err)
			ended.TellOf(t.Context(), evicted)
			opened.Tell(t.Context())
		}
		limit.Policy = session.Refuse
		_, err = s.CreateSession(bus.Act(audit.Event{Type: audit.LoginSucceeded, SessionID: "refused"}).In(t.Context()), record("u1", "refused", now.Add(4*time.Second)), limit)
		require.ErrorIs(t, err, session.ErrLimit)
		_, err = s.CreateSession(bus.Act(audit.Event{Type: audit.LoginSucceeded, SessionID: "free"}).In(t.Context()), record("u1", "free", now.Add(4*time.Second)), session.Limit{})
		require.NoError(t, err)
		ended := endedAct(bus)
		list, err := s.EndSessions(ended.In(t.Context()), account("u1").Subject, session.Selection{Except: "s2"}, now.Add(5*time.Second), authn.EndRevoked)
		require.NoError(t, err)
		require.Len(t, list, 2)
		ended.TellOf(t.Context(), list)
		assert.Equal(t, map[string]int{
			"user.registered u1": 1, "login.succeeded s0": 1, "login.succeeded s1": 1, "login.succeeded s2": 1, "login.succeeded free": 1,
			"session.ended s0": 1, "session.ended s1": 1, "session.ended free": 1,
		}, chained(t, s), "each once, and none of what was refused")
		assert.Equal(t, 7, told, "one was never told of")
	})
}

// A store that does not keep the journal does not look at acts.
func TestActsOfAnotherStore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s, bus := d.open(t), newBus()
		newJournal(t, s).subscribe(bus)
		act := registered(bus, "u1")
		require.NoError(t, s.CreateUser(act.In(t.Context()), account("u1")))
		assert.Empty(t, chained(t, s))
		act.Tell(t.Context())
		assert.Equal(t, map[string]int{"user.registered u1": 1}, chained(t, s), "the journal writes what is told")
	})
}

// Whichever step of the database fails, also the answer to a commit, no event is there without its act and no act without its event.
func TestEveryStepMayFail(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s, f := d.openFaulty(t)
		s.KeepOutbox(true)
		bus, look := newBus(), d.open(t)
		now := time.Now()
		const enough = 40
		lost := 0
		for n := 1; n < enough; n++ {
			name := fmt.Sprint("n", n)
			limit := session.Limit{Max: 1, Policy: session.EvictOldest}
			for i, id := range []string{"old", "new"} {
				r := record(name, name+id, now.Add(time.Duration(i)*time.Second))
				ended, opened := endedAct(bus), bus.Act(audit.Event{Type: audit.LoginSucceeded, SessionID: r.ID})
				f.arm(n * i) // the second one fails
				_, err := s.CreateSession(opened.In(ended.In(t.Context())), r, limit)
				if f.disarm() {
					assert.ErrorIs(t, err, errFault)
				} else {
					assert.NoError(t, err)
				}
			}
			f.arm(n)
			err := s.CreateUser(registered(bus, name).In(t.Context()), account(name))
			if f.disarm() && err != nil {
				if _, err := look.UserByID(t.Context(), account(name).Subject); err == nil {
					lost++
				}
			}
			f.arm(n)
			_, _ = s.EndSessions(endedAct(bus).In(t.Context()), account(name).Subject, session.Selection{}, now.Add(2*time.Second), authn.EndRevoked)
			f.disarm()
		}
		assert.Equal(t, 1, lost, "the answer to one commit was lost")
		found := chained(t, look)
		for n := 1; n < enough; n++ {
			name := fmt.Sprint("n", n)
			_, err := look.UserByID(t.Context(), account(name).Subject)
			assert.Equal(t, count(err == nil), found["user.registered "+name], "registered %d", n)
			for _, id := range []string{name + "old", name + "new"} {
				r, err := look.Session(t.Context(), "", id)
				assert.Equal(t, count(err == nil), found["login.succeeded "+id], "opened %s", id)
				assert.Equal(t, count(!r.EndedAt.IsZero()), found["session.ended "+id], "ended %s", id)
			}
		}
	})
}

func count(there bool) int {
	if there {
		return 1
	}
	return 0
}
