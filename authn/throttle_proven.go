package authn

import (
	"context"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/authmodule/authmodule/setting"
)

// mostProven is how many records a generation of [proven] has; there are two.
const mostProven = 1 << 15

// proven are records, such as sessions and API keys, whose secret this node has seen to be good, or has made. That lets the store be asked of one
// and proves nothing; so a stale one does no harm, and the oldest may be forgotten.
type proven struct {
	mu         sync.Mutex
	young, old map[uint64]struct{}
}

// holdsUp is [Throttle.Blocked] for a credential that names its record. Where this node has seen a good one of that record lately it goes on: what
// others send from the same network keeps nobody out who was in.
func (t *Throttle) holdsUp(f Factor, client Client, text setting.Secret) error {
	err := t.Blocked(f, client)
	if err == nil {
		return nil
	}
	key := t.record(f, recordOf(text))
	t.proven.mu.Lock()
	defer t.proven.mu.Unlock()
	if t.proven.has(key) {
		return nil
	}
	return err
}

// proved says that a good secret of the record was seen, or was made.
func (t *Throttle) proved(f Factor, id string) {
	if t == nil || id == "" {
		return
	}
	key := t.record(f, id)
	t.proven.mu.Lock()
	defer t.proven.mu.Unlock()
	if _, found := t.proven.young[key]; found {
		return
	}
	if t.proven.young == nil || len(t.proven.young) >= mostProven {
		t.proven.young, t.proven.old = map[uint64]struct{}{}, t.proven.young
	}
	t.proven.young[key] = struct{}{}
}

// refuted counts a failure of a client, for [Throttle.holdsUp]. The record that it names is no longer one that goes on.
func (t *Throttle) refuted(ctx context.Context, f Factor, client Client, text setting.Secret) {
	if t == nil {
		return
	}
	key := t.record(f, recordOf(text))
	t.proven.mu.Lock()
	delete(t.proven.young, key)
	delete(t.proven.old, key)
	t.proven.mu.Unlock()
	t.Failed(ctx, f, client)
}

func (p *proven) has(key uint64) bool {
	_, young := p.young[key]
	_, old := p.old[key]
	return young || old
}

func (t *Throttle) record(f Factor, id string) uint64 {
	return maphash.Comparable(t.seed, [2]string{string(f), id})
}

// recordOf is the public part of a credential, which names its record.
func recordOf(text setting.Secret) string {
	_, rest, _ := strings.Cut(text.Reveal(), "_")
	id, _, _ := strings.Cut(rest, "_")
	return id
}
