package memstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

type factorKey struct {
	owner authn.Subject
	id    string
}

type factors struct {
	mu      sync.Mutex
	byOwner map[authn.Subject]map[string]*mfa.Record
	// n counts them.
	n      int
	expiry expiry[factorKey]
}

func newFactors() factors { return factors{byOwner: map[authn.Subject]map[string]*mfa.Record{}} }

var errFactorExists = errors.New("memstore: create factor: the ID exists already")

// CreateFactor implements [mfa.FactorStore].
func (s *Store) CreateFactor(ctx context.Context, r mfa.Record, limit int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r = stampedFactor(r)
	t := &s.factors
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.byOwner[r.Subject][r.ID] != nil:
		return errFactorExists
	case t.n >= s.records:
		return ErrFull
	}
	others := slices.DeleteFunc(t.list(r.Subject), func(old mfa.Record) bool { return old.Kind != r.Kind })
	for _, old := range others[:max(0, len(others)-max(limit, 1)+1)] {
		t.drop(factorKey{old.Subject, old.ID})
	}
	t.put(&r)
	return nil
}

func (t *factors) put(r *mfa.Record) {
	if t.byOwner[r.Subject] == nil {
		t.byOwner[r.Subject] = map[string]*mfa.Record{}
	}
	t.byOwner[r.Subject][r.ID] = r
	t.n++
	t.file(r)
}

// file notes when the record may be dropped.
func (t *factors) file(r *mfa.Record) {
	if !r.Expires.IsZero() {
		t.expiry.add(r.Expires, factorKey{r.Subject, r.ID}, t.n, t.end)
	}
}

// Factors implements [mfa.FactorStore].
func (s *Store) Factors(ctx context.Context, owner authn.Subject) ([]mfa.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.factors.mu.Lock()
	defer s.factors.mu.Unlock()
	return s.factors.list(owner), nil
}

// UpdateFactor implements [mfa.FactorStore].
func (s *Store) UpdateFactor(ctx context.Context, r mfa.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r = stampedFactor(r)
	t := &s.factors
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.byOwner[r.Subject][r.ID]
	switch {
	case old == nil:
		return authn.ErrNotFound
	case old.Version != r.Version:
		return authn.ErrConflict
	}
	r.CreatedAt = old.CreatedAt
	r.Version++
	t.byOwner[r.Subject][r.ID] = &r
	if !r.Expires.Equal(old.Expires) {
		t.file(&r)
	}
	return nil
}

// DeleteFactor implements [mfa.FactorStore].
func (s *Store) DeleteFactor(ctx context.Context, owner authn.Subject, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.factors.mu.Lock()
	defer s.factors.mu.Unlock()
	if s.factors.byOwner[owner][id] == nil {
		return authn.ErrNotFound
	}
	s.factors.drop(factorKey{owner, id})
	return nil
}

// PruneFactors implements [mfa.FactorStore].
func (s *Store) PruneFactors(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.factors.mu.Lock()
	defer s.factors.mu.Unlock()
	return s.factors.expiry.prune(stamp(before), s.factors.end, s.factors.drop), nil
}

// list returns copies, the first created first.
func (t *factors) list(owner authn.Subject) []mfa.Record {
	list := make([]mfa.Record, 0, len(t.byOwner[owner]))
	for _, r := range t.byOwner[owner] {
		list = append(list, r.Clone())
	}
	slices.SortFunc(list, func(a, b mfa.Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (t *factors) end(k factorKey) (time.Time, bool) {
	r := t.byOwner[k.owner][k.id]
	if r == nil || r.Expires.IsZero() {
		return time.Time{}, false
	}
	return r.Expires, true
}

func (t *factors) drop(k factorKey) {
	delete(t.byOwner[k.owner], k.id)
	t.n--
	if len(t.byOwner[k.owner]) == 0 {
		delete(t.byOwner, k.owner)
	}
}

func stampedFactor(r mfa.Record) mfa.Record {
	r = r.Clone()
	r.CreatedAt = stamp(r.CreatedAt)
	if !r.LastUsedAt.IsZero() {
		r.LastUsedAt = stamp(r.LastUsedAt)
	}
	if !r.Expires.IsZero() {
		r.Expires = stamp(r.Expires)
	}
	return r
}
