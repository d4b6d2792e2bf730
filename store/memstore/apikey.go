package memstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

var errAPIKeyExists = errors.New("memstore: create API key: the ID exists already")

type apiKeyKey struct {
	tenant authn.Tenant
	id     string
}

type apiKeys struct {
	mu   sync.RWMutex
	byID map[apiKeyKey]*authn.APIKeyRecord
	// byOwner has each owner's records, the newest first.
	byOwner map[authn.Subject][]*authn.APIKeyRecord
	expiry  expiry[apiKeyKey]
}

func newAPIKeys() apiKeys {
	return apiKeys{byID: map[apiKeyKey]*authn.APIKeyRecord{}, byOwner: map[authn.Subject][]*authn.APIKeyRecord{}}
}

// CreateAPIKey implements [authn.APIKeyStore]. An ID that exists already is an error.
func (s *Store) CreateAPIKey(ctx context.Context, r authn.APIKeyRecord, limit int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rec := stampAPIKey(r)
	k := &s.apiKeys
	k.mu.Lock()
	defer k.mu.Unlock()
	at := apiKeyKey{rec.Owner.Tenant, rec.ID}
	if _, exists := k.byID[at]; exists {
		return errAPIKeyExists
	}
	if limit > 0 && k.live(rec.Owner, rec.CreatedAt) >= limit {
		return authn.ErrAPIKeyLimit
	}
	if len(k.byID) >= s.records {
		return ErrFull
	}
	k.byID[at] = &rec
	k.byOwner[rec.Owner] = append(k.byOwner[rec.Owner], &rec)
	slices.SortFunc(k.byOwner[rec.Owner], newestAPIKey)
	if !rec.Expires.IsZero() {
		k.expiry.add(rec.Expires, at, len(k.byID), k.end)
	}
	return nil
}

// APIKey implements [authn.APIKeyStore].
func (s *Store) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	if err := ctx.Err(); err != nil {
		return authn.APIKeyRecord{}, err
	}
	s.apiKeys.mu.RLock()
	defer s.apiKeys.mu.RUnlock()
	r, found := s.apiKeys.byID[apiKeyKey{t, id}]
	if !found {
		return authn.APIKeyRecord{}, authn.ErrNotFound
	}
	return r.Clone(), nil
}

// APIKeys implements [authn.APIKeyStore].
func (s *Store) APIKeys(ctx context.Context, owner authn.Subject) ([]authn.APIKeyRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.apiKeys.mu.RLock()
	defer s.apiKeys.mu.RUnlock()
	list := make([]authn.APIKeyRecord, 0, len(s.apiKeys.byOwner[owner]))
	for _, r := range s.apiKeys.byOwner[owner] {
		list = append(list, r.Clone())
	}
	return list, nil
}

// RotateAPIKey implements [authn.APIKeyStore].
func (s *Store) RotateAPIKey(ctx context.Context, n authn.APIKeyRotation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.apiKeys.mu.Lock()
	defer s.apiKeys.mu.Unlock()
	r, found := s.apiKeys.byID[apiKeyKey{n.Owner.Tenant, n.ID}]
	if !found || r.Owner != n.Owner || !r.Live(stamp(n.At)) || r.Generation != n.Generation ||
		subtle.ConstantTimeCompare(r.SecretHash, n.SecretHash) != 1 {
		return authn.ErrConflict
	}
	r.Generation++
	r.PreviousHash, r.SecretHash = r.SecretHash, bytes.Clone(n.NextHash)
	r.PreviousUntil, r.RotatedAt = stamp(n.PreviousUntil), stamp(n.At)
	return nil
}

// TouchAPIKey implements [authn.APIKeyStore].
func (s *Store) TouchAPIKey(ctx context.Context, t authn.Tenant, id string, at time.Time, every time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.apiKeys.mu.Lock()
	defer s.apiKeys.mu.Unlock()
	at = stamp(at)
	if r, found := s.apiKeys.byID[apiKeyKey{t, id}]; found && !r.LastUsedAt.After(at.Add(-every)) {
		r.LastUsedAt = at
	}
	return nil
}

// DeleteAPIKey implements [authn.APIKeyStore].
func (s *Store) DeleteAPIKey(ctx context.Context, owner authn.Subject, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.apiKeys.mu.Lock()
	defer s.apiKeys.mu.Unlock()
	at := apiKeyKey{owner.Tenant, id}
	if r, found := s.apiKeys.byID[at]; !found || r.Owner != owner {
		return authn.ErrNotFound
	}
	s.apiKeys.drop(at)
	return nil
}

// PruneAPIKeys implements [authn.APIKeyStore].
func (s *Store) PruneAPIKeys(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.apiKeys.mu.Lock()
	defer s.apiKeys.mu.Unlock()
	return s.apiKeys.expiry.prune(stamp(before), s.apiKeys.end, s.apiKeys.drop), nil
}

// live counts the owner's keys that are live at now.
func (k *apiKeys) live(owner authn.Subject, now time.Time) int {
	n := 0
	for _, r := range k.byOwner[owner] {
		if r.Live(now) {
			n++
		}
	}
	return n
}

func (k *apiKeys) end(at apiKeyKey) (time.Time, bool) {
	r, found := k.byID[at]
	if !found {
		return time.Time{}, false
	}
	return r.Expires, true
}

func (k *apiKeys) drop(at apiKeyKey) {
	r := k.byID[at]
	delete(k.byID, at)
	left := slices.DeleteFunc(k.byOwner[r.Owner], func(other *authn.APIKeyRecord) bool { return other == r })
	if len(left) == 0 {
		delete(k.byOwner, r.Owner)
		return
	}
	k.byOwner[r.Owner] = left
}

func newestAPIKey(a, b *authn.APIKeyRecord) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

func stampAPIKey(r authn.APIKeyRecord) authn.APIKeyRecord {
	r = r.Clone()
	for _, t := range []*time.Time{&r.CreatedAt, &r.RotatedAt, &r.LastUsedAt, &r.Expires, &r.PreviousUntil} {
		*t = stamp(*t)
	}
	return r
}
