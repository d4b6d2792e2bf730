package transport_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/store/memstore"
)

// REL-11: every call of the store takes ten seconds. Each request is refused within the deadline of two
// seconds, and does its work when the store is well again; nothing must be restarted.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	for _, f := range append(sessionFlows(), keyFlows()...) {
		for _, deaf := range []bool{false, true} {
			name := f.name
			if deaf {
				name += ", deaf"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { f.slowly(t, deaf) })
			})
		}
	}
}

func (f flow) slowly(t *testing.T, deaf bool) {
	store := &faulty{every: memstore.New()}
	s := set(t, store, f.mode)
	if strings.HasSuffix(f.name, "key") {
		s.keyID, s.keyHeader = s.key(t)
	}
	store.slowDown(10*time.Second, deaf)
	began := time.Now()
	w := s.Do(f.request(t, s))
	assert.LessOrEqual(t, time.Since(began), 2250*time.Millisecond, "a quarter of a second may go to a fresher view of revocations")
	refused(t, outcome{ResponseRecorder: w})
	assert.False(t, *s.reached)
	store.slowDown(0, false)
	<-time.After(time.Minute) // what was left behind ends
	assert.Equal(t, f.success, s.Do(f.request(t, s)).Code)
}
