package sqlstore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

type journal struct{ *audit.Journal }

func newJournal(t *testing.T, s audit.JournalStore) journal {
	t.Helper()
	j, err := audit.NewJournal(audit.JournalDeps{Store: s, Key: []byte("a key of at least thirty-two bytes")})
	require.NoError(t, err)
	return journal{j}
}

func (j journal) subscribe(bus *audit.Bus) { j.Subscribe(bus) }

func (j journal) chain(t *testing.T) {
	t.Helper()
	_, err := j.Chain(t.Context())
	require.NoError(t, err)
}

func (j journal) fill(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		j.On(t.Context(), audit.Event{Type: audit.UserRegistered, Subject: fmt.Sprint("u", i), Time: time.Unix(int64(i), 0)})
	}
	j.chain(t)
}

func (j journal) sound(t *testing.T) audit.Report {
	t.Helper()
	report, err := j.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	return report
}

func fault(kind audit.FaultKind, seq, last int64) audit.Fault {
	return audit.Fault{Kind: kind, Seq: seq, Last: last}
}

// Every change of the tables is found, and where it was made.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	const table, all = `authmodule_audit`, `id, tenant, subject_id, type, at, payload, key_id, prev, hash`
	exchange := func(column string) string {
		return `UPDATE authmodule_audit SET ` + column + ` = (SELECT o.` + column + ` FROM authmodule_audit_copy o WHERE o.seq = 11 - authmodule_audit.seq) WHERE seq IN (4, 7)`
	}
	rolledBack := fault(audit.RolledBack, 10, 10)
	for _, c := range []struct {
		name, do string
		faults   []audit.Fault
	}{
		{"nothing", `SELECT 1`, nil},
		{"payload", `UPDATE authmodule_audit SET payload = (SELECT payload FROM authmodule_audit_copy WHERE seq = 6) WHERE seq = 5`, []audit.Fault{fault(audit.Altered, 5, 5)}},
		{"hash", `UPDATE authmodule_audit SET hash = prev WHERE seq = 5`, []audit.Fault{fault(audit.Altered, 5, 5)}},
		{"link", `UPDATE authmodule_audit SET prev = hash WHERE seq = 5`, []audit.Fault{fault(audit.Altered, 5, 5)}},
		{"column", `UPDATE authmodule_audit SET subject_id = 'eve' WHERE seq = 5`, []audit.Fault{fault(audit.Altered, 5, 5)}},
		{"time", `UPDATE authmodule_audit SET at = at + 1 WHERE seq = 5`, []audit.Fault{fault(audit.Altered, 5, 5)}},
		{"first removed", `DELETE FROM authmodule_audit WHERE seq = 1`, []audit.Fault{fault(audit.Missing, 1, 1)}},
		{"middle removed", `DELETE FROM authmodule_audit WHERE seq IN (5, 6)`, []audit.Fault{fault(audit.Missing, 5, 6)}},
		{"last removed", `DELETE FROM authmodule_audit WHERE seq = 10`, []audit.Fault{fault(audit.Missing, 10, 10), rolledBack}},
		{
			"two exchanged", `DELETE FROM authmodule_audit WHERE seq IN (4, 7); INSERT INTO authmodule_audit SELECT 11 - seq, ` + all + ` FROM authmodule_audit_copy WHERE seq IN (4, 7)`,
			[]audit.Fault{fault(audit.Altered, 4, 4), fault(audit.Altered, 7, 7)},
		},
		{"payloads exchanged", exchange("payload"), []audit.Fault{fault(audit.Altered, 4, 4), fault(audit.Altered, 7, 7)}},
		{
			"a copy added", `INSERT INTO authmodule_audit SELECT 11, 'copy', tenant, subject_id, type, at, payload, key_id, prev, hash FROM authmodule_audit_copy WHERE seq = 10`,
			[]audit.Fault{fault(audit.Inserted, 11, 11)},
		},
		{
			"a copy before the first", `INSERT INTO authmodule_audit SELECT 0, 'copy', tenant, subject_id, type, at, payload, key_id, prev, hash FROM authmodule_audit_copy WHERE seq = 10`,
			[]audit.Fault{fault(audit.Inserted, 0, 0)},
		},
		{"unknown key", `UPDATE authmodule_audit SET key_id = '0123456789abcdef' WHERE seq = 5`, []audit.Fault{fault(audit.UnknownKey, 5, 5)}},
		{"head", `UPDATE authmodule_audit_head SET seq = 9`, []audit.Fault{fault(audit.BadHead, 9, 9)}},
		{"head removed", `DELETE FROM authmodule_audit_head`, []audit.Fault{fault(audit.BadHead, 0, 0)}},
		{"all entries removed", `DELETE FROM authmodule_audit`, []audit.Fault{fault(audit.Missing, 1, 10), rolledBack}},
		{"all removed", `DELETE FROM authmodule_audit; DELETE FROM authmodule_audit_head`, []audit.Fault{rolledBack}},
		{
			"set back to an earlier state",
			`DELETE FROM authmodule_audit WHERE seq > 8; DELETE FROM authmodule_audit_head; INSERT INTO authmodule_audit_head SELECT * FROM authmodule_audit_head_copy`,
			[]audit.Fault{rolledBack},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, d database) {
				s := d.open(t)
				j := newJournal(t, s)
				j.fill(t, 1, 8)
				d.exec(t, `CREATE TABLE authmodule_audit_head_copy AS SELECT * FROM authmodule_audit_head`)
				j.fill(t, 9, 10)
				kept := j.sound(t).Checkpoint
				d.exec(t, `CREATE TABLE authmodule_audit_copy AS SELECT * FROM `+table)
				for statement := range strings.SplitSeq(c.do, "; ") {
					d.exec(t, statement)
				}
				report, err := j.Verify(t.Context(), kept)
				require.NoError(t, err)
				assert.ElementsMatch(t, c.faults, report.Faults)
			})
		})
	}
}

// Retention is no way to have entries removed: what the columns say of their age is not believed, and nothing is dropped from a chain that somebody has changed.
func TestRetentionLaundersNothing(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]string{
		"made older":              `UPDATE authmodule_audit SET at = 1`,
		"made older up to an old": `UPDATE authmodule_audit SET at = 1 WHERE seq < 8`,
		"removed before":          `DELETE FROM authmodule_audit WHERE seq < 3; UPDATE authmodule_audit SET at = 1 WHERE seq = 3`,
		"the head removed":        `DELETE FROM authmodule_audit_head`,
		"altered":                 `UPDATE authmodule_audit SET subject_id = 'eve' WHERE seq = 1`,
		"exchanged":               `UPDATE authmodule_audit SET payload = (SELECT o.payload FROM authmodule_audit o WHERE o.seq = 2) WHERE seq = 1`,
		"numbered anew":           `DELETE FROM authmodule_audit WHERE seq = 1; UPDATE authmodule_audit SET seq = 1, at = 1 WHERE seq = 2`,
		"put before":              `UPDATE authmodule_audit SET seq = 0 WHERE seq = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, d database) {
				s := d.open(t)
				old, now := time.Unix(1, 0), time.Now()
				j, err := audit.NewJournal(audit.JournalDeps{Store: s, Key: []byte("a key of at least thirty-two bytes"), Keep: time.Hour})
				require.NoError(t, err)
				for i := range 10 {
					at := now
					if i == 0 || i == 7 { // the later one is somebody's, put where events wait
						at = old
					}
					j.On(t.Context(), audit.Event{Type: audit.UserRegistered, Subject: fmt.Sprint("u", i), Time: at})
				}
				require.NoError(t, j.Flush(t.Context()))
				for statement := range strings.SplitSeq(do, "; ") {
					d.exec(t, statement)
				}
				before, err := j.Entries(t.Context(), audit.Query{After: -10, Limit: 100})
				require.NoError(t, err)
				n, err := j.Prune(t.Context())
				require.ErrorIs(t, err, audit.ErrJournalBroken)
				assert.Zero(t, n)
				after, err := j.Entries(t.Context(), audit.Query{After: -10, Limit: 100})
				require.NoError(t, err)
				assert.Equal(t, before, after)
				report, err := j.Verify(t.Context())
				require.NoError(t, err)
				assert.NotEmpty(t, report.Faults)
			})
		})
	}
}

// No event is too long for an index: one that cannot be chained would keep all others out.
func TestLongestEventIsChained(t *testing.T) {
	t.Parallel()
	text := func(i int) string { // of what is escaped or replaced, and of what cannot be compressed
		var plain, odd strings.Builder
		for n := range 16 {
			sum := sha512.Sum512([]byte{byte(i), byte(n)})
			plain.WriteString(base64.StdEncoding.EncodeToString(sum[:]))
		}
		if i%2 == 0 {
			return "\x00" + plain.String()
		}
		for _, b := range []byte(plain.String()) {
			odd.Write([]byte{b, 0xff})
		}
		return odd.String()
	}
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		j := newJournal(t, s)
		for i := range 4 {
			j.On(t.Context(), audit.Event{ID: text(i), Type: audit.Type(text(i + 10)), Tenant: text(i + 20), Subject: text(i + 30), Time: time.Unix(1, 0)})
		}
		j.chain(t)
		assert.Equal(t, 4, j.sound(t).Entries)
	})
}

// Whatever the clock says, what is chained is not taken for changed afterwards: a clock that begins at 1970, which SQL stores take for no time, and years that
// a payload cannot hold.
func TestOddTimesAreChained(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		j := newJournal(t, d.open(t))
		times := []time.Time{
			time.Unix(0, 0), time.Unix(0, 999), time.Unix(-1, 0), time.Time{}.Add(1), time.Time{}.Add(-time.Hour), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -3600)), time.Date(12_345, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		for i, at := range times {
			j.On(t.Context(), audit.Event{ID: fmt.Sprint(i), Type: audit.UserRegistered, Time: at})
		}
		j.chain(t)
		assert.Equal(t, len(times), j.sound(t).Entries)
	})
}

// A chain whose end was removed is not begun anew: neither by a program that runs, nor, while there are entries, by another one.
func TestChainWithoutAHeadIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		running := newJournal(t, s)
		running.fill(t, 1, 3)
		d.exec(t, `DELETE FROM authmodule_audit_head`)
		d.exec(t, `DELETE FROM authmodule_audit WHERE seq = 1`) // its number is free
		event := audit.Event{Type: audit.UserDisabled, Time: time.Unix(1, 0)}
		running.On(t.Context(), event)
		another := newJournal(t, s)
		for _, j := range []journal{running, another} {
			_, err := j.Chain(t.Context())
			require.ErrorIs(t, err, audit.ErrJournalBroken)
			require.ErrorContains(t, err, "the record of its ends was removed")
		}
		d.exec(t, `DELETE FROM authmodule_audit`)
		_, err := running.Chain(t.Context())
		require.ErrorIs(t, err, audit.ErrJournalBroken, "it has seen more")
		another.chain(t)
		assert.Equal(t, 1, another.sound(t).Entries, "what waited is at the beginning of another chain")
	})
}

// A program that runs says so when the chain is set back behind it.
func TestChainThatWasSetBackIsHeardOf(t *testing.T) {
	t.Parallel()
	d := sqliteDatabase(t)
	s := d.open(t)
	var log bytes.Buffer
	inner, err := audit.NewJournal(audit.JournalDeps{Store: s, Key: []byte("a key of at least thirty-two bytes"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	j, bus := journal{inner}, newBus()
	j.subscribe(bus)
	var told []map[string]string
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) { told = append(told, e.Detail) }))
	j.fill(t, 1, 3)
	d.exec(t, `CREATE TABLE authmodule_audit_head_copy AS SELECT * FROM authmodule_audit_head`)
	j.fill(t, 4, 5)
	assert.NotContains(t, log.String(), "level=ERROR")
	seen := j.sound(t).Checkpoint
	d.exec(t, `DELETE FROM authmodule_audit WHERE seq > 3`)
	d.exec(t, `DELETE FROM authmodule_audit_head`)
	d.exec(t, `INSERT INTO authmodule_audit_head SELECT * FROM authmodule_audit_head_copy`)
	j.fill(t, 6, 6)
	assert.Contains(t, log.String(), `level=ERROR msg="the audit journal was set back: entries that this program had chained are gone" chained=`+seen.String()+" found=3")
	assert.Contains(t, log.String(), "checkpoint=4:")
	report, err := j.Verify(t.Context(), seen)
	require.NoError(t, err)
	assert.Equal(t, []audit.Fault{fault(audit.RolledBack, 5, 5)}, report.Faults)
	j.fill(t, 7, 7)
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "once")
	assert.Equal(t, []map[string]string{{"count": "1", "first": "rolled_back: 5"}}, told)
}

// Three nodes write and chain at once: each event is chained once, and there is one chain.
func TestManyNodesMakeOneChain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		const nodes, writers, each = 3, 8, 25
		var all sync.WaitGroup
		errs := make(chan error, nodes*writers*each*2)
		for n := range nodes {
			s := d.open(t)
			s.KeepOutbox(true)
			j, bus := newJournal(t, s), newBus()
			j.subscribe(bus)
			for w := range writers {
				all.Go(func() {
					for i := range each {
						name := fmt.Sprintf("n%dw%di%d", n, w, i)
						act := registered(bus, name)
						err := s.CreateUser(act.In(context.Background()), account(name))
						act.Tell(context.Background())
						_, errChain := j.Chain(context.Background())
						errs <- errors.Join(err, errChain)
					}
				})
			}
		}
		all.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		s := d.open(t)
		found := chained(t, s)
		assert.Len(t, found, nodes*writers*each)
		for what, n := range found {
			assert.Equal(t, 1, n, what)
		}
		assert.Equal(t, nodes*writers*each, newJournal(t, s).sound(t).Entries)
	})
}

// TestChildActs creates accounts with their events, and chains them, until it is killed.
func TestChildActs(t *testing.T) {
	s, bus := parents(t).open(t), newBus()
	s.KeepOutbox(true)
	j := newJournal(t, s)
	j.subscribe(bus)
	go j.Run(t.Context())
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 100_000 {
				name := fmt.Sprintf("w%di%d", w, i)
				act := registered(bus, name)
				if s.CreateUser(act.In(context.Background()), account(name)) != nil {
					return
				}
				fmt.Println("acknowledged", name)
				act.Tell(context.Background())
				if i%20 == 0 {
					_, _ = j.Chain(context.Background())
				}
			}
		})
	}
	all.Wait()
}

// Killing the process leaves no acknowledged act without its event, no event without its act, and no broken chain.
func TestKilledProcessKeepsTheJournal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s, own, db := d.open(t), d, d.pool(t)
		if d.dialect == sqlstore.Postgres {
			own.dsn += "&application_name=killed"
		}
		for round := range 3 {
			cmd := child(t, "TestChildActs", own)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			var acknowledged []string
			for lines := bufio.NewScanner(out); lines.Scan(); {
				var id string
				if n, _ := fmt.Sscanf(lines.Text(), "acknowledged %s", &id); n == 1 {
					acknowledged = append(acknowledged, id)
				}
				if len(acknowledged) == 100+37*round {
					require.NoError(t, cmd.Process.Kill())
				}
			}
			assert.Error(t, cmd.Wait())
			if d.dialect == sqlstore.Postgres { // the server may still be at what it was asked for
				const left = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'killed'`
				require.Eventually(t, func() bool {
					n := -1
					return db.QueryRowContext(t.Context(), left).Scan(&n) == nil && n == 0
				}, time.Minute, 10*time.Millisecond)
			}
			found := chained(t, s)
			for _, id := range acknowledged {
				assert.Equal(t, 1, found["user.registered "+id], id)
			}
			users, err := s.Users(t.Context(), "", "", 1_000_000)
			require.NoError(t, err)
			assert.Len(t, found, len(users), "events and acts")
			for _, u := range users {
				assert.Equal(t, 1, found["user.registered "+u.Subject.ID], u.Subject.ID)
			}
			newJournal(t, s).sound(t)
			d.exec(t, `DELETE FROM authmodule_users`)
			d.exec(t, `DELETE FROM authmodule_audit`)
			d.exec(t, `DELETE FROM authmodule_audit_head`)
		}
	})
}

// BenchmarkCreateUser shows what an event in the transaction of its act costs.
func BenchmarkCreateUser(b *testing.B) {
	for _, d := range []database{
		{sqlstore.SQLite, "sqlite", b.TempDir() + "/auth.db"}, {sqlstore.Postgres, "pgx", sqlstore.PostgresDSN(b)},
	} {
		for _, outbox := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/outbox=%t", d.dialect, outbox), func(b *testing.B) {
				s, err := sqlstore.Open(b.Context(), d.options())
				require.NoError(b, err)
				defer s.Close()
				require.NoError(b, s.Migrate(b.Context(), sqlstore.MigrateAuto))
				s.KeepOutbox(outbox)
				bus := newBus()
				for i := 0; b.Loop(); i++ {
					name := fmt.Sprintf("%t%d-%d", outbox, b.N, i)
					ctx := registered(bus, name+fmt.Sprint(time.Now().UnixNano())).In(b.Context())
					u := account(name + fmt.Sprint(time.Now().UnixNano()))
					require.NoError(b, s.CreateUser(ctx, authn.User{Subject: u.Subject, Email: u.Email, CreatedAt: u.CreatedAt, CredentialVersion: 1, Version: 1}))
				}
			})
		}
	}
}
