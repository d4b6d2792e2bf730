package memstore

import (
	"bytes"
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/authmodule/authmodule/audit"
)

type journal struct {
	mu      sync.RWMutex
	known   map[string]struct{}
	waiting []audit.Waiting
	// chain is in the order of Seq.
	chain []audit.Entry
	head  audit.Head
}

func newJournal() journal { return journal{known: map[string]struct{}{}} }

// PutEvents implements [audit.JournalStore]. Those that wait and the chain together are one kind of records.
func (s *Store) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	var fresh []audit.Waiting
	ids := map[string]struct{}{}
	for _, w := range events {
		_, known := j.known[w.ID]
		_, twice := ids[w.ID]
		if !known && !twice {
			ids[w.ID] = struct{}{}
			fresh = append(fresh, cloneWaiting(w))
		}
	}
	if len(j.known)+len(fresh) > s.records {
		return ErrFull
	}
	for _, w := range fresh {
		j.known[w.ID] = struct{}{}
	}
	j.waiting = append(j.waiting, fresh...)
	return nil
}

// ChainEvents implements [audit.JournalStore].
func (s *Store) ChainEvents(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(max(limit, 0), len(j.waiting))
	if n == 0 {
		return 0, nil
	}
	entries, head, err := link(cloneHead(j.head), cloneAll(j.waiting[:n], cloneWaiting))
	if err != nil {
		return 0, err
	}
	j.chain = append(j.chain, cloneAll(entries, cloneEntry)...)
	j.waiting, j.head = slices.Clone(j.waiting[n:]), cloneHead(head)
	return n, nil
}

// WaitingEvents implements [audit.JournalStore].
func (s *Store) WaitingEvents(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.journal.mu.RLock()
	defer s.journal.mu.RUnlock()
	return len(s.journal.waiting), nil
}

// Entries implements [audit.JournalStore].
func (s *Store) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.journal.mu.RLock()
	defer s.journal.mu.RUnlock()
	chain := s.journal.chain
	first := sort.Search(len(chain), func(i int) bool { return chain[i].Seq > q.After })
	list := []audit.Entry{}
	for _, e := range chain[first:] {
		if len(list) >= q.Limit {
			break
		}
		if chosen(q, e) {
			list = append(list, cloneEntry(e))
		}
	}
	return list, nil
}

func chosen(q audit.Query, e audit.Entry) bool {
	return (q.Tenant == nil || *q.Tenant == e.Tenant) && (q.Subject == "" || q.Subject == e.Subject) && (q.Type == "" || q.Type == e.Type) &&
		(q.From.IsZero() || !e.Time.Before(stamp(q.From))) && (q.To.IsZero() || e.Time.Before(stamp(q.To)))
}

// Head implements [audit.JournalStore].
func (s *Store) Head(ctx context.Context) (audit.Head, error) {
	if err := ctx.Err(); err != nil {
		return audit.Head{}, err
	}
	s.journal.mu.RLock()
	defer s.journal.mu.RUnlock()
	return cloneHead(s.journal.head), nil
}

// PruneEntries implements [audit.JournalStore].
func (s *Store) PruneEntries(ctx context.Context, before time.Time, limit int, move func(audit.Head, []audit.Entry) (audit.Head, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	j := &s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for n < min(max(limit, 0), len(j.chain)) && j.chain[n].Time.Before(stamp(before)) {
		n++
	}
	if n == 0 {
		return 0, nil
	}
	head, err := move(cloneHead(j.head), cloneAll(j.chain[:n], cloneEntry))
	if err != nil {
		return 0, err
	}
	for _, e := range j.chain[:n] {
		delete(j.known, e.ID)
	}
	j.chain, j.head = slices.Clone(j.chain[n:]), cloneHead(head)
	return n, nil
}

func cloneWaiting(w audit.Waiting) audit.Waiting {
	w.Time, w.Payload = stamp(w.Time), bytes.Clone(w.Payload)
	return w
}

func cloneEntry(e audit.Entry) audit.Entry {
	e.Waiting, e.Prev, e.Hash = cloneWaiting(e.Waiting), bytes.Clone(e.Prev), bytes.Clone(e.Hash)
	return e
}

func cloneHead(h audit.Head) audit.Head {
	h.Hash, h.DroppedHash, h.MAC = bytes.Clone(h.Hash), bytes.Clone(h.DroppedHash), bytes.Clone(h.MAC)
	return h
}

func cloneAll[T any](list []T, clone func(T) T) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		out = append(out, clone(v))
	}
	return out
}
