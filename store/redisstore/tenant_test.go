package redisstore_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// Thousands of sessions that idled out cost a call no more than its share: the page is short and says where to go on.
func TestTenantListPassesDeadSessions(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		s := open(t)
		const dead, alive = 1700, 3
		expected := map[string]bool{}
		for i := range dead + alive {
			r := newRecord(t, authn.Subject{Tenant: "acme", ID: strconv.Itoa(i)})
			if i < dead {
				r.IdleAt = at.Add(-time.Minute)
			} else {
				expected[r.ID] = true
			}
			created(t, s, r)
		}
		got, calls, after := map[string]bool{}, 0, ""
		for more := true; more; calls++ {
			page, err := s.TenantSessions(t.Context(), "acme", at, after, 50)
			require.NoError(t, err)
			for _, r := range page.Records {
				require.False(t, got[r.ID])
				got[r.ID] = true
			}
			more, after = page.Next != "", page.Next
		}
		assert.Equal(t, expected, got)
		assert.Equal(t, 1+(dead+alive)/500, calls)
	})
}

// The last page that is full may have an empty one after it, and none is skipped where a page is cut.
func TestTenantListCutsPages(t *testing.T) {
	t.Parallel()
	s := single(t)
	for i := range 40 {
		created(t, s, newRecord(t, authn.Subject{Tenant: "acme", ID: strconv.Itoa(i)}))
	}
	for _, limit := range []int{1, 7, 16, 20, 39, 40, 41, 1000} {
		var all []session.Record
		after := ""
		for more := true; more; {
			page, err := s.TenantSessions(t.Context(), "acme", at, after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Records), limit)
			all = append(all, page.Records...)
			more, after = page.Next != "", page.Next
		}
		require.Len(t, all, 40)
		for i := 1; i < len(all); i++ {
			require.Less(t, all[i-1].ID, all[i].ID)
		}
	}
}
