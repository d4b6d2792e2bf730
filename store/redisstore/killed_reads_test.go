package redisstore_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// killedReads has callers read sessions by their IDs while the server is killed, that often, and started again. Each
// answer is the session that was asked for, or an error.
func killedReads(t *testing.T, reads int64, callers, kills int) {
	t.Helper()
	server := redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{Timeout: 2 * time.Second}, server.Addr())
	var all []session.Record
	for i := range 200 {
		all = append(all, created(t, s, newRecord(t, authn.Subject{Tenant: "t", ID: strconv.Itoa(i)})))
	}
	var asked, answered, failed atomic.Int64
	var readers sync.WaitGroup
	for caller := range callers {
		readers.Go(func() {
			for i := caller; asked.Add(1) <= reads; i += 7 {
				want := all[i%len(all)]
				got, err := s.Session(context.Background(), "t", want.ID)
				if err == nil {
					answered.Add(1)
					if !assert.Equal(t, want, got, "another's session") {
						return
					}
					continue
				}
				failed.Add(1)
				assert.NotErrorIs(t, err, authn.ErrNotFound, "a session is lost")
				<-time.After(5 * time.Millisecond)
			}
		})
	}
	for kill := range kills {
		due := reads * int64(kill+1) / int64(kills+1)
		require.Eventually(t, func() bool { return asked.Load() >= due }, time.Minute, time.Millisecond)
		before := failed.Load()
		server.Kill()
		require.Eventually(t, func() bool { return failed.Load() > before || asked.Load() >= reads }, time.Minute, time.Millisecond)
		server.Restart(t)
	}
	readers.Wait()
	t.Logf("%d reads by %d callers, %d kills: %d answered, each with the session that was asked for; %d refused", reads, callers, kills, answered.Load(), failed.Load())
	assert.Positive(t, failed.Load())
}

// REL-14 in a form that every run has time for.
func TestREL14ReadsWhileKilled(t *testing.T) {
	t.Parallel()
	killedReads(t, 20_000, 50, 1)
}

// REL-14: a million reads, ten kills.
func TestSoakREL14ReadsWhileKilled(t *testing.T) {
	peer.Soak(t)
	killedReads(t, 1_000_000, 50, 10)
}
