package redisstore_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// REL-14: whoever gives up in the middle, nobody gets the answer to another's question.
func TestAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		s := open(t)
		var all []session.Record
		for i := range 64 {
			all = append(all, created(t, s, newRecord(t, authn.Subject{Tenant: "t", ID: strconv.Itoa(i)})))
		}
		var callers sync.WaitGroup
		for caller := range 32 {
			callers.Go(func() {
				for i := range 200 {
					r := all[(caller*7+i)%len(all)]
					patience := time.Duration(i%20) * 20 * time.Microsecond
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					got, err := s.Session(ctx, "t", r.ID)
					cancel()
					if err == nil {
						assert.Equal(t, r, got)
					} else {
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					}
					list, err := s.Sessions(context.Background(), r.Subject, at)
					assert.NoError(t, err)
					assert.Equal(t, []session.Record{r}, list)
				}
			})
		}
		callers.Wait()
	})
}

// What sessions and entries of the log take, with all keys and indexes.
func TestMemory(t *testing.T) {
	t.Parallel()
	server := shared.Server(t)
	prefix := shared.Prefix()
	s := open(t, redisstore.Options{Prefix: prefix}, server.Addr())
	const n = 2000
	var entries []authn.Revocation
	var records []session.Record
	for i := range n {
		r := newRecord(t, authn.Subject{Tenant: "acme", ID: "subject " + strconv.Itoa(i)})
		records = append(records, created(t, s, r))
		entries = append(entries, authn.Revocation{Kind: authn.RevokedSession, Tenant: "acme", ID: r.ID, Until: at.Add(time.Duration(i) * time.Second)})
	}
	_, err := s.Revoke(t.Context(), entries...)
	require.NoError(t, err)
	usage := func(key string) int {
		b, err := strconv.Atoi(server.MustCLI(t, "memory", "usage", key, "samples", "0"))
		require.NoError(t, err, key)
		return b
	}
	own := 0
	for _, kind := range []string{":{*}:s:*" + records[0].ID, ":{*}:u:acme:subject%200"} {
		own += usage(server.MustCLI(t, "--raw", "keys", prefix+kind))
	}
	indexes := usage(prefix + ":n:acme")
	for i := range 16 {
		indexes += usage(prefix + ":d:" + strconv.Itoa(i))
	}
	session := own + indexes/n
	entry := (usage(prefix+":{log}:stream") + usage(prefix+":{log}:ends")) / n
	t.Logf("a session takes %d bytes, %d of them in common indexes; an entry of the log %d", session, indexes/n, entry)
	assert.LessOrEqual(t, session, 1300)
	assert.LessOrEqual(t, entry, 220)
}
