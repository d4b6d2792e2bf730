package audit_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

// tampered is a store that somebody has changed behind the journal's back.
type tampered struct {
	audit.JournalStore
	entries []audit.Entry
	head    audit.Head
}

// tamper copies a store's chain.
func tamper(t *testing.T, store audit.JournalStore) *tampered {
	t.Helper()
	entries, err := store.Entries(t.Context(), audit.Query{Limit: 100_000})
	require.NoError(t, err)
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	return &tampered{store, entries, head}
}

func (s *tampered) Entries(_ context.Context, q audit.Query) ([]audit.Entry, error) {
	var list []audit.Entry
	for _, e := range s.entries {
		if e.Seq > q.After && len(list) < q.Limit {
			list = append(list, e)
		}
	}
	return list, nil
}

func (s *tampered) Head(context.Context) (audit.Head, error) { return s.head, nil }

func (s *tampered) at(seq int64) *audit.Entry {
	return &s.entries[slices.IndexFunc(s.entries, func(e audit.Entry) bool { return e.Seq == seq })]
}

func (s *tampered) drop(seqs ...int64) {
	s.entries = slices.DeleteFunc(s.entries, func(e audit.Entry) bool { return slices.Contains(seqs, e.Seq) })
}

func (s *tampered) swap(a, b int64) {
	x, y := s.at(a), s.at(b)
	*x, *y = *y, *x
	x.Seq, y.Seq = a, b
}

// put adds an entry and keeps the order.
func (s *tampered) put(e audit.Entry) {
	s.entries = append(s.entries, e)
	slices.SortStableFunc(s.entries, func(a, b audit.Entry) int { return int(a.Seq - b.Seq) })
}

func one(kind audit.FaultKind, seq int64) []audit.Fault { return between(kind, seq, seq) }

func between(kind audit.FaultKind, seq, last int64) []audit.Fault {
	return []audit.Fault{{Kind: kind, Seq: seq, Last: last}}
}

const chainLength = 1203 // of three pages

// Every change of the chain is found, and where it was made. The other drivers' matrix is in store/sqlstore.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	kit := newKit(t, func(d *audit.JournalDeps) { d.Keep = time.Hour })
	kit.fill(t, chainLength-1)
	earlier := tamper(t, kit.store) // the whole database, before the last entry
	kit.fill(t, 1)
	kept := kit.sound(t).Checkpoint
	for name, c := range map[string]struct {
		do     func(s *tampered)
		faults []audit.Fault
	}{
		"nothing": {func(*tampered) {}, nil},
		"payload": {func(s *tampered) {
			s.at(700).Payload = bytes.Replace(s.at(700).Payload, []byte("u700"), []byte("u701"), 1)
		}, one(audit.Altered, 700)},
		"payload of the first":        {func(s *tampered) { s.at(1).Payload = append(s.at(1).Payload, ' ') }, one(audit.Altered, 1)},
		"payload of the last":         {func(s *tampered) { s.at(chainLength).Payload = []byte("{}") }, one(audit.Altered, chainLength)},
		"hash":                        {func(s *tampered) { s.at(700).Hash = bytes.Repeat([]byte{1}, 32) }, one(audit.Altered, 700)},
		"no hash":                     {func(s *tampered) { s.at(700).Hash = nil }, one(audit.Altered, 700)},
		"hash of the last":            {func(s *tampered) { s.at(chainLength).Hash = nil }, append(one(audit.Altered, chainLength), one(audit.RolledBack, chainLength)...)},
		"column id":                   {func(s *tampered) { s.at(700).ID = "x" }, one(audit.Altered, 700)},
		"column tenant":               {func(s *tampered) { s.at(700).Tenant = "acme" }, one(audit.Altered, 700)},
		"column subject":              {func(s *tampered) { s.at(700).Subject = "u701" }, one(audit.Altered, 700)},
		"column type":                 {func(s *tampered) { s.at(700).Type = audit.UserDisabled }, one(audit.Altered, 700)},
		"column time":                 {func(s *tampered) { s.at(700).Time = epoch.Add(time.Microsecond) }, one(audit.Altered, 700)},
		"unknown key":                 {func(s *tampered) { s.at(700).KeyID = "0123456789abcdef" }, one(audit.UnknownKey, 700)},
		"first removed":               {func(s *tampered) { s.drop(1) }, one(audit.Missing, 1)},
		"middle removed":              {func(s *tampered) { s.drop(700) }, one(audit.Missing, 700)},
		"last removed":                {func(s *tampered) { s.drop(chainLength) }, append(one(audit.Missing, chainLength), one(audit.RolledBack, chainLength)...)},
		"many removed":                {func(s *tampered) { s.drop(500, 501, 502, 900) }, append(between(audit.Missing, 500, 502), one(audit.Missing, 900)...)},
		"two exchanged":               {func(s *tampered) { s.swap(700, 900) }, append(one(audit.Altered, 700), one(audit.Altered, 900)...)},
		"neighbours exchanged":        {func(s *tampered) { s.swap(700, 701) }, append(one(audit.Altered, 700), one(audit.Altered, 701)...)},
		"copied over another":         {func(s *tampered) { e := *s.at(700); e.Seq = 900; *s.at(900) = e }, one(audit.Altered, 900)},
		"copied to the end":           {func(s *tampered) { e := *s.at(700); e.Seq = chainLength + 1; s.put(e) }, one(audit.Inserted, chainLength+1)},
		"copied beyond the end":       {func(s *tampered) { e := *s.at(700); e.Seq = chainLength + 50; s.put(e) }, one(audit.Inserted, chainLength+50)},
		"copied before the beginning": {func(s *tampered) { e := *s.at(700); e.Seq = 0; s.put(e) }, one(audit.Inserted, 0)},
		"copied far before":           {func(s *tampered) { e := *s.at(700); e.Seq = -1 << 62; s.put(e) }, one(audit.Inserted, -1<<62)},
		"doubled":                     {func(s *tampered) { s.put(*s.at(700)) }, one(audit.Inserted, 700)},
		"renumbered after a removal": {func(s *tampered) {
			s.drop(1202)
			s.at(1203).Seq = 1202
		}, append(append(one(audit.Altered, 1202), one(audit.Missing, 1203)...), one(audit.RolledBack, 1203)...)},
		"head":         {func(s *tampered) { s.head.MAC = bytes.Repeat([]byte{1}, 32) }, one(audit.BadHead, chainLength)},
		"head's key":   {func(s *tampered) { s.head.KeyID = "0123456789abcdef" }, one(audit.BadHead, chainLength)},
		"head removed": {func(s *tampered) { s.head = audit.Head{} }, one(audit.BadHead, 0)},
		"end cut off and the head with it": {func(s *tampered) {
			s.drop(chainLength)
			s.head.Seq, s.head.Hash = chainLength-1, s.at(chainLength-1).Hash
		}, append(one(audit.BadHead, chainLength-1), one(audit.RolledBack, chainLength)...)},
		"beginning cut off and the head with it": {func(s *tampered) {
			s.head.DroppedSeq, s.head.DroppedHash = 1, s.at(1).Hash
			s.drop(1)
		}, one(audit.BadHead, chainLength)},
		"entries removed": {func(s *tampered) { s.entries = nil }, append(between(audit.Missing, 1, chainLength), one(audit.RolledBack, chainLength)...)},
		"all removed":     {func(s *tampered) { s.entries, s.head = nil, audit.Head{} }, one(audit.RolledBack, chainLength)},
		"rolled back":     {func(s *tampered) { s.entries, s.head = earlier.entries, earlier.head }, one(audit.RolledBack, chainLength)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tamper(t, kit.store)
			c.do(s)
			found := newKit(t, func(d *audit.JournalDeps) { d.Store = s })
			report, err := found.Verify(t.Context(), kept)
			require.NoError(t, err)
			assert.ElementsMatch(t, c.faults, report.Faults)
			assert.Equal(t, len(c.faults) == 0, report.OK())
			assert.False(t, report.More)
		})
	}
}

// What goes on after a rollback is another chain, which the checkpoint does not fit.
func TestChainThatWentOnAfterARollback(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, 3)
	state := tamper(t, kit.store)
	kit.fill(t, 2)
	kept := kit.sound(t).Checkpoint
	other := newKit(t)
	require.NoError(t, other.store.PutEvents(t.Context(), waitings(state.entries)...))
	other.fill(t, 4)
	assert.Equal(t, 7, other.sound(t).Entries)
	report, err := other.Verify(t.Context(), kept)
	require.NoError(t, err)
	assert.Equal(t, one(audit.RolledBack, 5), report.Faults)
}

func waitings(entries []audit.Entry) (list []audit.Waiting) {
	for _, e := range entries {
		list = append(list, e.Waiting)
	}
	return list
}

// A chain whose end was changed is not continued: that would cover it up.
func TestBrokenChainIsNotContinued(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, 3)
	require.NoError(t, kit.store.PutEvents(t.Context(), audit.Waiting{ID: "x", Time: epoch}))
	_, err := kit.store.ChainEvents(t.Context(), 1, func(h audit.Head, list []audit.Waiting) ([]audit.Entry, audit.Head, error) {
		h.Seq++ // somebody without the key
		return []audit.Entry{{Seq: h.Seq, Waiting: list[0], KeyID: h.KeyID, Hash: []byte("?")}}, h, nil
	})
	require.NoError(t, err)
	kit.bus.Emit(t.Context(), audit.Event{Type: audit.UserDisabled})
	require.ErrorIs(t, kit.Flush(t.Context()), audit.ErrJournalBroken)
	n, err := kit.store.WaitingEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	report, err := kit.Verify(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, append(one(audit.BadHead, 4), one(audit.Altered, 4)...), dedupe(report.Faults))
	assert.Equal(t, 1, report.Waiting)
}

func dedupe(faults []audit.Fault) []audit.Fault {
	slices.SortFunc(faults, func(a, b audit.Fault) int { return bytes.Compare([]byte(a.Kind), []byte(b.Kind)) })
	return slices.Compact(faults)
}

// A report of a chain that somebody made from nothing is bounded.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, chainLength)
	s := tamper(t, kit.store)
	for i := range s.entries {
		s.entries[i].Hash = nil
	}
	report, err := newKit(t, func(d *audit.JournalDeps) { d.Store = s }).Verify(t.Context())
	require.NoError(t, err)
	assert.Len(t, report.Faults, audit.MaxFaults)
	assert.True(t, report.More)
	assert.Equal(t, "altered: 1", report.Faults[0].String())
	assert.Equal(t, "missing: 1 to 3", audit.Fault{Kind: audit.Missing, Seq: 1, Last: 3}.String())
}

func TestVerifyOfAStoreThatFails(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := kit.Verify(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, report.Faults)
	assert.Zero(t, report.Entries)
}
