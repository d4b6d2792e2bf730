package authz_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/store/memstore"
)

// onTwoNodes runs a test on two nodes with one store and one log. Both have decided before, for a caller of each tenant; the
// second follows the log, and remembers them.
func onTwoNodes(t *testing.T, test func(t *testing.T, store *fakeStore, log *sharedLog, here, there node, p authn.Principal)) {
	t.Helper()
	for _, tenant := range []authn.Tenant{"", "acme"} {
		t.Run("tenant "+string(tenant), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, log := newFakeStore(), newSharedLog()
				here, there := newNode(t, store, log), newNode(t, store, log)
				defer there.follow(t)()
				p := userOf(tenant, "reader").Remembering()
				require.True(t, here.reads(t, p))
				require.True(t, there.reads(t, p))
				require.True(t, there.Passes(&p, mayRead))
				test(t, store, log, here, there, p)
			})
		})
	}
}

// V8.3.2, TEN-01: a change counts at once on its own node and within a second on another, for its tenant alone.
func TestRulesReachOtherNodes(t *testing.T) {
	t.Parallel()
	onTwoNodes(t, func(t *testing.T, store *fakeStore, _ *sharedLog, here, there node, p authn.Principal) {
		stranger := userOf("globex", "reader").Remembering()
		require.True(t, there.reads(t, stranger))
		for i := range 10 {
			elapse(time.Duration(i) * 137 * time.Millisecond)
			r := authz.Role{Name: "reader"}
			if i%2 == 1 {
				r.Permissions = []string{"articles.*"}
			}
			require.NoError(t, here.DefineRole(t.Context(), operator, p.Subject.Tenant, r))
			require.Equal(t, i%2 == 1, here.reads(t, p), "at once")
			elapse(time.Second)
			require.Equal(t, i%2 == 1, there.reads(t, p))
			require.True(t, there.reads(t, stranger))
		}
		reads := store.reads
		elapse(time.Minute)
		for range 100 {
			there.reads(t, p)
		}
		assert.LessOrEqual(t, store.reads, reads+1, "what nobody changes is not read again and again")
	})
}

// A node ends between its announcement and its write, or between the write and the second announcement: the others
// read once more 10 seconds after they heard of it.
func TestRulesOfANodeThatEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	const again = 10 * time.Second
	onTwoNodes(t, func(t *testing.T, store *fakeStore, log *sharedLog, here, there node, p authn.Principal) {
		log.set(func(l *sharedLog) { l.writes = 1 })
		store.onWrite = func() {
			elapse(time.Second)
			require.True(t, there.reads(t, p), "it heard of it, and read what was there")
			elapse(4 * time.Second)
		}
		require.ErrorIs(t, here.take(t, p.Subject.Tenant), errLog)
		store.onWrite = nil
		require.False(t, here.reads(t, p), "here it counts although it was not acknowledged")
		assert.True(t, there.reads(t, p), "nobody told of the write")
		elapse(again - 5*time.Second + time.Second)
		assert.False(t, there.reads(t, p))

		log.set(func(l *sharedLog) { l.writes = 0 })
		require.ErrorIs(t, here.DefineRole(t.Context(), operator, p.Subject.Tenant, authz.Role{Name: "other"}), errLog)
		assert.Len(t, store.rules[p.Subject.Tenant].Roles, 1, "what cannot be announced is not written")
	})
}

// A write that the store finished long after its node had given up, and what is changed behind everybody's back, is found by Reread.
func TestRulesThatNobodyToldOf(t *testing.T) {
	t.Parallel()
	onTwoNodes(t, func(t *testing.T, store *fakeStore, _ *sharedLog, here, there node, p authn.Principal) {
		store.seed(p.Subject.Tenant, authz.Role{Name: "reader"})
		elapse(time.Hour)
		require.True(t, there.reads(t, p))
		there.Reread(t.Context())
		assert.False(t, there.Passes(&p, mayRead))
		assert.False(t, there.reads(t, p))
		reads := store.reads
		here.Reread(t.Context())
		assert.Equal(t, reads+1, store.reads, "tenants that are not in memory are not read")
		reads = store.reads
		for range 10 {
			there.Reread(t.Context())
			require.False(t, there.reads(t, p))
		}
		assert.Equal(t, reads+10, store.reads, "what did not change stays")

		store.set(func(f *fakeStore) { f.readErr = errStore })
		there.Reread(t.Context())
		_, err := there.Decide(t.Context(), &p, mayRead)
		assert.ErrorIs(t, err, errStore, "rules that cannot be compared are not used")
	})
}

// The log was lost, and the change with it: the rules are read again.
func TestRulesOfALostLog(t *testing.T) {
	t.Parallel()
	onTwoNodes(t, func(t *testing.T, store *fakeStore, log *sharedLog, here, there node, p authn.Principal) {
		require.NoError(t, here.DefineRole(t.Context(), operator, "another", authz.Role{Name: "x"}))
		elapse(time.Second)
		require.True(t, there.reads(t, p))
		store.seed(p.Subject.Tenant, authz.Role{Name: "reader"})
		log.set(func(l *sharedLog) { l.of = memstore.New() })
		elapse(time.Second)
		assert.False(t, there.reads(t, p))
	})
}

// A node that slept for so long that the change has left the log reads all rules again.
func TestRulesAfterALongSleep(t *testing.T) {
	t.Parallel()
	for _, asleep := range []time.Duration{6 * time.Minute, 11 * time.Minute, time.Hour} {
		t.Run(asleep.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, log := newFakeStore(), newSharedLog()
				here, there := newNode(t, store, log), newNode(t, store, log)
				p := user("reader").Remembering()
				require.True(t, there.reads(t, p))
				require.NoError(t, here.take(t, ""))
				elapse(asleep)
				_, err := log.PruneRevocations(t.Context(), time.Now())
				require.NoError(t, err)
				require.NoError(t, there.view.Ready(t.Context()))
				assert.False(t, there.reads(t, p))
			})
		})
	}
}

// While the log cannot be read for longer than a view may be old, rules are read from the store and not from memory.
func TestRulesWhileTheLogIsStale(t *testing.T) {
	t.Parallel()
	onTwoNodes(t, func(t *testing.T, store *fakeStore, log *sharedLog, _, there node, p authn.Principal) {
		log.set(func(l *sharedLog) { l.noReads = true })
		store.seed(p.Subject.Tenant, authz.Role{Name: "reader"})
		elapse(4 * time.Second)
		require.True(t, there.reads(t, p))
		elapse(2 * time.Second)
		require.ErrorIs(t, there.view.Ready(t.Context()), authn.ErrRevocationsStale)
		assert.False(t, there.reads(t, p))
		store.seed(p.Subject.Tenant, authz.Role{Name: "reader", Permissions: []string{"articles.read"}})
		elapse(time.Second)
		assert.True(t, there.reads(t, p))
	})
}

// What was read before a change, and arrives after it was heard of, is not kept.
func TestReadingThatAChangeOvertakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := &readStore{fakeStore: newFakeStore()}, newSharedLog()
		here, there := newNode(t, store.fakeStore, log), newNode(t, store, log)
		p := user("reader").Remembering()
		store.after = func() {
			assert.NoError(t, here.take(t, ""))
			_, err := there.view.Position(context.Background())
			assert.NoError(t, err)
		}
		require.True(t, there.reads(t, p), "it was asked before the change")
		assert.False(t, there.Passes(&p, mayRead))
		assert.False(t, there.reads(t, p))
	})
}
