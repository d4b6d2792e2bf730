package memstore

import (
	"bytes"
	"context"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type oneTimeKey struct {
	tenant      authn.Tenant
	purpose, id string
}

type oneTimes struct {
	mu      sync.Mutex
	records map[oneTimeKey]authn.OneTime
	expiry  expiry[oneTimeKey]
}

func newOneTimes() oneTimes {
	return oneTimes{records: map[oneTimeKey]authn.OneTime{}}
}

func (o *oneTimes) end(k oneTimeKey) (time.Time, bool) {
	r, found := o.records[k]
	return r.Expires, found
}

// PutOneTime implements [authn.OneTimeStore].
func (s *Store) PutOneTime(ctx context.Context, r authn.OneTime) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.SecretHash = bytes.Clone(r.SecretHash)
	r.Expires = stamp(r.Expires)
	k := oneTimeKey{r.Tenant, r.Purpose, r.ID}
	o := &s.oneTimes
	o.mu.Lock()
	defer o.mu.Unlock()
	old, found := o.records[k]
	if !found && len(o.records) >= s.records {
		return ErrFull
	}
	o.records[k] = r
	if !found || r.Expires.Before(old.Expires) {
		o.expiry.add(r.Expires, k, len(o.records), o.end)
	}
	return nil
}

// ConsumeOneTime implements [authn.OneTimeStore].
func (s *Store) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, secretHash []byte, now time.Time) (authn.OneTime, error) {
	if err := ctx.Err(); err != nil {
		return authn.OneTime{}, err
	}
	k := oneTimeKey{t, purpose, id}
	o := &s.oneTimes
	o.mu.Lock()
	defer o.mu.Unlock()
	r, found := o.records[k]
	if !found || !r.Expires.After(stamp(now)) || subtle.ConstantTimeCompare(r.SecretHash, secretHash) != 1 {
		return authn.OneTime{}, authn.ErrNotFound
	}
	delete(o.records, k)
	return r, nil
}

// PruneOneTime implements [authn.OneTimeStore].
func (s *Store) PruneOneTime(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	o := &s.oneTimes
	o.mu.Lock()
	defer o.mu.Unlock()
	drop := func(k oneTimeKey) { delete(o.records, k) }
	return o.expiry.prune(stamp(before), o.end, drop), nil
}
