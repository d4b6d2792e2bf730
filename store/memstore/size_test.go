package memstore_test

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// realistic is a session as a login makes it; nothing in it is shared with another.
func realistic(i int, at time.Time) session.Record {
	r := record(i, at.Add(time.Duration(i)*time.Millisecond))
	r.Subject.ID, r.ID = rand.Text()+"-accounts", rand.Text()+"-session"
	r.SecretHash, r.PreviousHash = []byte(rand.Text() + "......")[:32], []byte(rand.Text() + "......")[:32]
	r.Methods = []string{"pwd"}
	r.IP, r.Device = fmt.Sprintf("192.0.2.%d", i%250), strings.Clone("Firefox on Linux")
	r.UserAgent = fmt.Sprint("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 ", i)
	r.DeviceID = rand.Text()
	return r
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill stores so many sessions and returns what each takes, and how long the last tenth of them took for each.
func fill(t *testing.T, n int) (bytes uint64, first, last time.Duration) {
	t.Helper()
	s, at := memstore.New(), begin()
	before, began := heap(), time.Now()
	for i := range n {
		_, err := s.CreateSession(t.Context(), realistic(i, at), session.Limit{Max: 5, Policy: session.EvictOldest})
		require.NoError(t, err)
		switch i {
		case n / 10:
			first = time.Since(began) / time.Duration(n/10)
		case n - n/10:
			began = time.Now()
		}
	}
	last = time.Since(began) / time.Duration(n/10)
	bytes = (heap() - before) / uint64(n)
	dropped, err := s.PruneSessions(t.Context(), at.Add(48*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, n, dropped)
	assert.Less(t, heap(), before+uint64(n)*16, "what was dropped is given back") // it may be less than before: tests of before left garbage
	runtime.KeepAlive(s)
	return bytes, first, last
}

// REL-18: a session takes at most 1 KiB. It does not run beside other tests, which allocate as well.
func TestSessionSize(t *testing.T) { //nolint:paralleltest // it measures the heap
	bytes, _, _ := fill(t, 50_000)
	t.Logf("%d bytes a session", bytes)
	assert.LessOrEqual(t, bytes, uint64(1024))
}

// The same with a million; and making one costs no more beside a million others.
func TestSoakMillionSessions(t *testing.T) {
	peer.Soak(t)
	bytes, first, last := fill(t, 1_000_000)
	t.Logf("%d bytes a session; %v each at first, %v at the end", bytes, first, last)
	assert.LessOrEqual(t, bytes, uint64(1024))
	assert.Less(t, last, 4*first+5*time.Microsecond)
}

// Item 30: making a session allocates the same beside 20,000 others as beside none: it looks at its own account's alone.
func TestCreationDoesNotLookAtAll(t *testing.T) { //nolint:paralleltest // AllocsPerRun wants to be alone
	s, at := memstore.New(), begin()
	n := 0
	create := func() {
		n++
		_, err := s.CreateSession(t.Context(), realistic(n, at), session.Limit{Max: 5, Policy: session.EvictOldest})
		require.NoError(t, err)
	}
	few := testing.AllocsPerRun(500, create)
	for n < 20_000 {
		create()
	}
	many := testing.AllocsPerRun(500, create)
	assert.InDelta(t, few, many, 3)
	live, err := s.Sessions(t.Context(), authn.Subject{ID: "nobody"}, at)
	require.NoError(t, err)
	assert.Empty(t, live)
}
