package memstore

import (
	"context"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authn"
)

// history has the hashes of each subject, the last pushed first.
type history struct {
	mu     sync.Mutex
	hashes map[authn.Subject][]string
	// n counts them.
	n int
}

func newHistory() history { return history{hashes: map[authn.Subject][]string{}} }

// PushPasswordHash implements [authn.PasswordHistoryStore].
func (s *Store) PushPasswordHash(ctx context.Context, sub authn.Subject, hash string, keep int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h := &s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []string{hash}
	for _, old := range h.hashes[sub] {
		if old != hash && len(list) < keep {
			list = append(list, old)
		}
	}
	n := h.n - len(h.hashes[sub]) + len(list)
	if n > h.n && n > s.records {
		return ErrFull
	}
	h.hashes[sub], h.n = list, n
	return nil
}

// PasswordHistory implements [authn.PasswordHistoryStore].
func (s *Store) PasswordHistory(ctx context.Context, sub authn.Subject) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return slices.Clone(s.history.hashes[sub]), nil
}

// DeletePasswordHistory implements [authn.PasswordHistoryStore].
func (s *Store) DeletePasswordHistory(ctx context.Context, sub authn.Subject) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	s.history.n -= len(s.history.hashes[sub])
	delete(s.history.hashes, sub)
	return nil
}
