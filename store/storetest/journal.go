package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

// JournalStore tests a driver against the contract of [audit.JournalStore].
func JournalStore(t *testing.T, open func(t *testing.T) audit.JournalStore) {
	cases := []testCase[audit.JournalStore]{
		{"put and chain", journalChain},
		{"an event is stored once", journalOnce},
		{"batches continue the chain", journalBatches},
		{"an error of link changes nothing", journalRefused},
		{"queries", journalQueries},
		{"prune", journalPrune},
		{"an error of move changes nothing", journalPruneRefused},
		{"odd values", journalOddValues},
		{"a cancelled context changes nothing", journalCancelled},
	}
	cases = append(cases, raceCases("the chain never forks", journalRace)...)
	runCases(t, open, cases)
}

func newWaiting(id string, at time.Time) audit.Waiting {
	return audit.Waiting{ID: id, Tenant: "acme", Subject: "ada", Type: audit.UserRegistered, Time: at, Payload: []byte("of " + id)}
}

func numbered(from, to int) (list []audit.Waiting) {
	for i := from; i <= to; i++ {
		list = append(list, newWaiting(fmt.Sprintf("%03d", i), base().Add(time.Duration(i)*tick)))
	}
	return list
}

// chained is a link that needs no key: each hash names the one before.
func chained(h audit.Head, list []audit.Waiting) ([]audit.Entry, audit.Head, error) {
	var entries []audit.Entry
	for _, w := range list {
		e := audit.Entry{Seq: h.Seq + 1, Waiting: w, KeyID: "k", Prev: append([]byte{}, h.Hash...), Hash: []byte(w.ID + " after " + last(h.Hash))}
		h.Seq, h.Hash = e.Seq, e.Hash
		entries = append(entries, e)
	}
	h.KeyID, h.MAC = "k", []byte{0, 255}
	return entries, h, nil
}

func last(hash []byte) string {
	if len(hash) == 0 {
		return "nothing"
	}
	return string(hash[:3])
}

// moved refuses entries that do not follow one another: the journal must see each.
func moved(h audit.Head, dropped []audit.Entry) (audit.Head, error) {
	for _, e := range dropped {
		if e.Seq != h.DroppedSeq+1 {
			return audit.Head{}, fmt.Errorf("entry %d comes after %d", e.Seq, h.DroppedSeq)
		}
		h.DroppedSeq, h.DroppedHash = e.Seq, e.Hash
	}
	return h, nil
}

func putEvents(t *testing.T, ctx context.Context, s audit.JournalStore, list ...audit.Waiting) {
	t.Helper()
	require.NoError(t, s.PutEvents(ctx, list...))
}

func chainEvents(t *testing.T, ctx context.Context, s audit.JournalStore, limit, expected int) {
	t.Helper()
	n, err := s.ChainEvents(ctx, limit, chained)
	require.NoError(t, err)
	require.Equal(t, expected, n)
}

func wholeJournal(t *testing.T, ctx context.Context, s audit.JournalStore) []audit.Entry {
	t.Helper()
	return entriesOf(t, ctx, s, audit.Query{Limit: 10_000})
}

func entriesOf(t *testing.T, ctx context.Context, s audit.JournalStore, q audit.Query) []audit.Entry {
	t.Helper()
	list, err := s.Entries(ctx, q)
	require.NoError(t, err)
	for i := range list {
		inUTC(&list[i].Time)
		list[i].Prev = append([]byte{}, list[i].Prev...) // none is nil or empty
	}
	return list
}

func requireWaiting(t *testing.T, ctx context.Context, s audit.JournalStore, expected int) {
	t.Helper()
	n, err := s.WaitingEvents(ctx)
	require.NoError(t, err)
	require.Equal(t, expected, n, "events that wait")
}

func eventIDs(list []audit.Entry) []string {
	ids := []string{}
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func journalChain(t *testing.T, ctx context.Context, s audit.JournalStore) {
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.Zero(t, head.Seq)
	require.Empty(t, head.MAC)
	n, err := s.ChainEvents(ctx, 10, func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error) {
		t.Error("nothing waits")
		return nil, audit.Head{}, nil
	})
	require.NoError(t, err)
	require.Zero(t, n)
	list := numbered(1, 3)
	list[1].Time = list[1].Time.In(zone())
	putEvents(t, ctx, s, list...)
	putEvents(t, ctx, s)
	requireWaiting(t, ctx, s, 3)
	require.Empty(t, wholeJournal(t, ctx, s))
	chainEvents(t, ctx, s, 10, 3)
	requireWaiting(t, ctx, s, 0)
	got := wholeJournal(t, ctx, s)
	expected, next, err := chained(audit.Head{}, numbered(1, 3))
	require.NoError(t, err)
	require.Equal(t, expected, got)
	head, err = s.Head(ctx)
	require.NoError(t, err)
	head.DroppedHash = next.DroppedHash // none is nil or empty
	require.Equal(t, next, head)
}

func journalOnce(t *testing.T, ctx context.Context, s audit.JournalStore) {
	putEvents(t, ctx, s, newWaiting("001", base()), newWaiting("001", base()))
	putEvents(t, ctx, s, newWaiting("001", base()), newWaiting("002", base()))
	requireWaiting(t, ctx, s, 2)
	chainEvents(t, ctx, s, 10, 2)
	putEvents(t, ctx, s, newWaiting("001", base()))
	_, err := s.ChainEvents(ctx, 10, chained)
	require.NoError(t, err)
	requireWaiting(t, ctx, s, 0)
	require.Equal(t, []string{"001", "002"}, eventIDs(wholeJournal(t, ctx, s)))
	putEvents(t, ctx, s, newWaiting("002", base()), newWaiting("003", base()))
	_, err = s.ChainEvents(ctx, 10, chained)
	require.NoError(t, err)
	list := wholeJournal(t, ctx, s)
	require.Equal(t, []string{"001", "002", "003"}, eventIDs(list))
	require.EqualValues(t, 3, list[2].Seq)
}

func journalBatches(t *testing.T, ctx context.Context, s audit.JournalStore) {
	putEvents(t, ctx, s, numbered(1, 7)...)
	chainEvents(t, ctx, s, 3, 3)
	putEvents(t, ctx, s, numbered(8, 9)...)
	chainEvents(t, ctx, s, 3, 3)
	chainEvents(t, ctx, s, 0, 0)
	chainEvents(t, ctx, s, 100, 3)
	expected, _, err := chained(audit.Head{}, numbered(1, 9))
	require.NoError(t, err)
	require.Equal(t, expected, wholeJournal(t, ctx, s))
}

func journalRefused(t *testing.T, ctx context.Context, s audit.JournalStore) {
	putEvents(t, ctx, s, numbered(1, 3)...)
	chainEvents(t, ctx, s, 1, 1)
	refused := errors.New("refused")
	n, err := s.ChainEvents(ctx, 10, func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error) {
		return nil, audit.Head{}, refused
	})
	require.ErrorIs(t, err, refused)
	require.Zero(t, n)
	requireWaiting(t, ctx, s, 2)
	chainEvents(t, ctx, s, 10, 2)
	expected, _, err := chained(audit.Head{}, numbered(1, 3))
	require.NoError(t, err)
	require.Equal(t, expected, wholeJournal(t, ctx, s))
}

func journalQueries(t *testing.T, ctx context.Context, s audit.JournalStore) {
	list := numbered(1, 6)
	list[1].Tenant, list[2].Tenant = "", ""
	list[3].Subject, list[4].Subject = "bob", ""
	list[5].Type = audit.UserDisabled
	putEvents(t, ctx, s, list...)
	chainEvents(t, ctx, s, 10, 6)
	acme, none, other := "acme", "", "other"
	for _, c := range []struct {
		name  string
		query audit.Query
		ids   []string
	}{
		{"all", audit.Query{Limit: 10}, []string{"001", "002", "003", "004", "005", "006"}},
		{"no limit", audit.Query{}, []string{}},
		{"a page", audit.Query{After: 2, Limit: 2}, []string{"003", "004"}},
		{"after the end", audit.Query{After: 6, Limit: 2}, []string{}},
		{"before the beginning", audit.Query{After: -1 << 62, Limit: 1}, []string{"001"}},
		{"a tenant", audit.Query{Tenant: &acme, Limit: 10}, []string{"001", "004", "005", "006"}},
		{"no tenant", audit.Query{Tenant: &none, Limit: 10}, []string{"002", "003"}},
		{"another tenant", audit.Query{Tenant: &other, Limit: 10}, []string{}},
		{"a subject", audit.Query{Subject: "bob", Limit: 10}, []string{"004"}},
		{"a type", audit.Query{Type: audit.UserDisabled, Limit: 10}, []string{"006"}},
		{"from", audit.Query{From: base().Add(4 * tick), Limit: 10}, []string{"004", "005", "006"}},
		{"to", audit.Query{To: base().Add(3 * tick), Limit: 10}, []string{"001", "002"}},
		{"all at once", audit.Query{Tenant: &acme, Subject: "ada", Type: audit.UserRegistered, From: base(), To: base().Add(time.Hour), After: 0, Limit: 10}, []string{"001"}},
	} {
		assert.Equal(t, c.ids, eventIDs(entriesOf(t, ctx, s, c.query)), c.name)
	}
}

func journalPrune(t *testing.T, ctx context.Context, s audit.JournalStore) {
	list := numbered(1, 5)
	list[3].Time = base() // the fourth is older than the third
	putEvents(t, ctx, s, list...)
	putEvents(t, ctx, s, numbered(8, 8)...)
	chainEvents(t, ctx, s, 5, 5)
	n, err := s.PruneEntries(ctx, base().Add(tick), 10, moved)
	require.NoError(t, err)
	require.Zero(t, n, "the first has that very time")
	n, err = s.PruneEntries(ctx, base().Add(3*tick), 1, moved)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = s.PruneEntries(ctx, base().Add(3*tick), 10, moved)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the third stays, and what comes after it")
	require.Equal(t, []string{"003", "004", "005"}, eventIDs(wholeJournal(t, ctx, s)))
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, head.DroppedSeq)
	require.Equal(t, "002 after 001", string(head.DroppedHash))
	require.EqualValues(t, 5, head.Seq)
	n, err = s.PruneEntries(ctx, base().Add(time.Hour), 10, moved)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	requireWaiting(t, ctx, s, 1)
	chainEvents(t, ctx, s, 10, 1)
	list2 := wholeJournal(t, ctx, s)
	require.Len(t, list2, 1)
	require.EqualValues(t, 6, list2[0].Seq, "the chain goes on")
	require.Equal(t, "008 after 005", string(list2[0].Hash))
}

func journalPruneRefused(t *testing.T, ctx context.Context, s audit.JournalStore) {
	putEvents(t, ctx, s, numbered(1, 3)...)
	chainEvents(t, ctx, s, 10, 3)
	refused := errors.New("refused")
	n, err := s.PruneEntries(ctx, base().Add(time.Hour), 10, func(audit.Head, []audit.Entry) (audit.Head, error) { return audit.Head{}, refused })
	require.ErrorIs(t, err, refused)
	require.Zero(t, n)
	require.Len(t, wholeJournal(t, ctx, s), 3)
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 3, head.Seq)
	require.Zero(t, head.DroppedSeq)
}

func journalOddValues(t *testing.T, ctx context.Context, s audit.JournalStore) {
	var list []audit.Waiting
	for i, odd := range oddTexts() {
		w := newWaiting(fmt.Sprintf("%03d", i), base())
		w.Tenant, w.Subject, w.Type, w.Payload = odd, odd, audit.Type(odd), []byte(odd)
		list = append(list, w)
	}
	long := newWaiting("long", base())
	long.Payload = []byte(longText())
	list = append(list, long)
	putEvents(t, ctx, s, list...)
	chainEvents(t, ctx, s, 1000, len(list))
	got := wholeJournal(t, ctx, s)
	require.Len(t, got, len(list))
	for i, w := range list {
		require.Equal(t, w, got[i].Waiting)
		tenant := w.Tenant
		require.Contains(t, eventIDs(entriesOf(t, ctx, s, audit.Query{Tenant: &tenant, Subject: w.Subject, Type: w.Type, Limit: 10})), w.ID)
	}
}

func journalCancelled(t *testing.T, ctx context.Context, s audit.JournalStore) {
	putEvents(t, ctx, s, numbered(1, 2)...)
	chainEvents(t, ctx, s, 1, 1)
	snapshot := func() any {
		n, err := s.WaitingEvents(ctx)
		require.NoError(t, err)
		return []any{n, wholeJournal(t, ctx, s)}
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"PutEvents", func(ctx context.Context) error { return s.PutEvents(ctx, newWaiting("003", base())) }},
		{"ChainEvents", func(ctx context.Context) error { return errOf(s.ChainEvents(ctx, 10, chained)) }},
		{"WaitingEvents", func(ctx context.Context) error { return errOf(s.WaitingEvents(ctx)) }},
		{"Entries", func(ctx context.Context) error { return errOf(s.Entries(ctx, audit.Query{Limit: 1})) }},
		{"Head", func(ctx context.Context) error { return errOf(s.Head(ctx)) }},
		{"PruneEntries", func(ctx context.Context) error {
			return errOf(s.PruneEntries(ctx, base().Add(time.Hour), 10, moved))
		}},
	})
}

// journalRace has each caller put an event of its own and one that all put, and chain what it finds.
func journalRace(t *testing.T, ctx context.Context, s audit.JournalStore, n int) {
	for _, err := range race(n, func(i int) error {
		err := s.PutEvents(ctx, newWaiting(fmt.Sprintf("%03d", i), base()), newWaiting("all", base()))
		_, errChain := s.ChainEvents(ctx, 7, chained)
		return errors.Join(err, errChain)
	}) {
		require.NoError(t, err)
	}
	for {
		moved, err := s.ChainEvents(ctx, 1000, chained)
		require.NoError(t, err)
		if moved == 0 {
			break
		}
	}
	list := wholeJournal(t, ctx, s)
	require.Len(t, list, n+1, "each event once")
	ids, hash := map[string]bool{}, []byte(nil)
	for i, e := range list {
		require.EqualValues(t, i+1, e.Seq)
		require.Equal(t, e.ID+" after "+last(hash), string(e.Hash), "no fork")
		require.False(t, ids[e.ID])
		ids[e.ID], hash = true, e.Hash
	}
}
