package memstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// signingKeys is the one ring.
type signingKeys struct {
	mu      sync.RWMutex
	version int64
	keys    []authn.KeyRecord
}

// SigningKeys implements [authn.KeyStore].
func (s *Store) SigningKeys(ctx context.Context) (authn.StoredKeys, error) {
	if err := ctx.Err(); err != nil {
		return authn.StoredKeys{}, err
	}
	s.signingKeys.mu.RLock()
	defer s.signingKeys.mu.RUnlock()
	return authn.StoredKeys{Version: s.signingKeys.version, Keys: cloneKeys(s.signingKeys.keys)}, nil
}

// ReplaceSigningKeys implements [authn.KeyStore].
func (s *Store) ReplaceSigningKeys(ctx context.Context, version int64, next []authn.KeyRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	keys := cloneKeys(next)
	for i := range keys {
		stampKey(&keys[i])
	}
	slices.SortFunc(keys, func(a, b authn.KeyRecord) int { return cmp.Compare(a.ID, b.ID) })
	s.signingKeys.mu.Lock()
	defer s.signingKeys.mu.Unlock()
	if s.signingKeys.version != version {
		return authn.ErrConflict
	}
	for i := 1; i < len(keys); i++ {
		if keys[i].ID == keys[i-1].ID {
			return fmt.Errorf("memstore: replace signing keys: two keys have the ID %q", keys[i].ID)
		}
	}
	s.signingKeys.version++
	s.signingKeys.keys = keys
	return nil
}

func cloneKeys(list []authn.KeyRecord) []authn.KeyRecord {
	clones := make([]authn.KeyRecord, 0, len(list))
	for _, r := range list {
		clones = append(clones, r.Clone())
	}
	return clones
}

func stampKey(r *authn.KeyRecord) {
	for _, t := range []*time.Time{&r.CreatedAt, &r.SignsAt, &r.RetiredAt, &r.Expires} {
		*t = stamp(*t)
	}
}
