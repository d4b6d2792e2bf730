package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/audit"
)

type journal struct {
	g *Guard
	s audit.JournalStore
}

var _ audit.JournalStore = journal{}

// Journal guards the audit journal.
func (g *Guard) Journal(s audit.JournalStore) audit.JournalStore { return journal{g, s} }

// PutEvents implements [audit.JournalStore].
func (p journal) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	return do(ctx, p.g, "PutEvents", func(ctx context.Context) error { return p.s.PutEvents(ctx, events...) })
}

// ChainEvents implements [audit.JournalStore].
func (p journal) ChainEvents(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (int, error) {
	return sweep(ctx, p.g, "ChainEvents", func(ctx context.Context) (int, error) { return p.s.ChainEvents(ctx, limit, link) })
}

// WaitingEvents implements [audit.JournalStore].
func (p journal) WaitingEvents(ctx context.Context) (int, error) {
	return read(ctx, p.g, "WaitingEvents", func(ctx context.Context) (int, error) { return p.s.WaitingEvents(ctx) })
}

// Entries implements [audit.JournalStore].
func (p journal) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return read(ctx, p.g, "Entries", func(ctx context.Context) ([]audit.Entry, error) { return p.s.Entries(ctx, q) })
}

// Head implements [audit.JournalStore].
func (p journal) Head(ctx context.Context) (audit.Head, error) {
	return read(ctx, p.g, "Head", func(ctx context.Context) (audit.Head, error) { return p.s.Head(ctx) })
}

// PruneEntries implements [audit.JournalStore].
func (p journal) PruneEntries(ctx context.Context, before time.Time, limit int, move func(audit.Head, []audit.Entry) (audit.Head, error)) (int, error) {
	return sweep(ctx, p.g, "PruneEntries", func(ctx context.Context) (int, error) { return p.s.PruneEntries(ctx, before, limit, move) })
}
