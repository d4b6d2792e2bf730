package authz_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// start runs n functions at once and waits for them.
func start(n int, do func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-gate
			do(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

func TestConcurrentDefinesLoseNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	const n = 50
	start(n, func(i int) {
		r := authz.Role{Name: fmt.Sprintf("r%d", i), Permissions: []string{fmt.Sprintf("things.do%d", i)}}
		assert.NoError(t, b.service.DefineRole(context.Background(), operator, "acme", r))
		assert.True(t, b.service.Can(context.Background(), userOf("acme", r.Name), r.Permissions[0], none), "at once")
	})
	for i := range n {
		assert.True(t, b.service.Can(t.Context(), userOf("acme", fmt.Sprintf("r%d", i)), fmt.Sprintf("things.do%d", i), none))
	}
	assert.Len(t, b.events.take(), n)
}

// Of two roles that would close a circle together, one is refused.
func TestConcurrentDefinesCannotCloseACircle(t *testing.T) {
	t.Parallel()
	for range 50 {
		store := newFakeStore()
		store.seed("", authz.Role{Name: "a"}, authz.Role{Name: "b"})
		b := setupOn(t, store, newsroom())
		var refusals atomic.Int32
		start(2, func(i int) {
			r := []authz.Role{{Name: "a", Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"a"}}}[i]
			if err := b.service.DefineRole(context.Background(), operator, "", r); err != nil {
				assert.ErrorIs(t, err, authz.ErrRoleCycle)
				refusals.Add(1)
			}
		})
		require.EqualValues(t, 1, refusals.Load())
		require.NoError(t, b.service.Reload(t.Context(), ""))
	}
}

// A reader sees the role before a change or after it, never a part of one: each definition
// grants exactly one of two permissions.
func TestReadersSeeWholeSnapshots(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "shift", Inherits: []string{"day"}})
	b := setupOn(t, store, roles(map[string]authz.RoleConfig{
		"day": holding("door.day", "gate.day"), "night": holding("door.night", "gate.night"),
	}))
	ctx := context.Background()
	eitherShift := authz.RequireRoles("day", "night")
	const writers, readers, rounds = 2, 6, 200
	start(writers+readers, func(i int) {
		for n := range rounds {
			switch {
			case i >= writers:
				held, err := b.service.Permissions(ctx, userOf("acme", "shift"))
				assert.NoError(t, err)
				assert.Contains(t, [][]string{{"door.day", "gate.day"}, {"door.night", "gate.night"}}, held)
				decision, err := b.service.AuthorizeRoles(ctx, userOf("acme", "shift"), "day", "night")
				assert.NoError(t, err)
				assert.True(t, decision.Allowed)
				assert.False(t, b.service.Can(ctx, userOf(authn.Tenant(fmt.Sprint(n)), "shift"), "door.day", none))
				shift := userOf("acme", "shift")
				decision, err = b.service.Decide(ctx, &shift, eitherShift)
				assert.NoError(t, err)
				assert.True(t, decision.Allowed)
				assert.True(t, b.service.Passes(&shift, eitherShift))
			case n%10 == 9:
				assert.NoError(t, b.service.Reload(ctx, "acme"))
			default:
				parent := []string{"day", "night"}[(n+i)%2]
				assert.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "shift", Inherits: []string{parent}}))
			}
		}
	})
}

// Whatever a requirement was asked before: once a definition has returned, only that one counts. Each tenant has
// one writer, which knows what must hold at once, and readers that ask for the same all the time.
func TestDecisionsAreNeverStale(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := context.Background()
	pay, clerk := authz.RequirePermissions("bills.pay"), authz.RequireRoles("payer")
	tenants := []authn.Tenant{"", "acme", "other"}
	const readers, rounds = 2, 100
	start(len(tenants)*(1+readers), func(i int) {
		p := userOf(tenants[i%len(tenants)], "clerk")
		for n := range rounds {
			if i >= len(tenants) {
				_, err := b.service.Decide(ctx, &p, pay)
				assert.NoError(t, err)
				b.service.Passes(&p, clerk)
				continue
			}
			r, may := authz.Role{Name: "clerk", Permissions: []string{"bills.list"}}, n%2 == 0
			if may {
				r.Permissions, r.Inherits = []string{"bills.*"}, []string{"payer"}
			}
			assert.NoError(t, b.service.DefineRole(ctx, operator, p.Subject.Tenant, authz.Role{Name: "payer"}))
			assert.NoError(t, b.service.DefineRole(ctx, operator, p.Subject.Tenant, r))
			for _, required := range []authz.Requirement{pay, clerk} {
				decision, err := b.service.Decide(ctx, &p, required)
				assert.NoError(t, err)
				assert.Equal(t, may, decision.Allowed)
				assert.Equal(t, may, b.service.Passes(&p, required))
			}
		}
	})
}

// A slow first reading must not put the roles from before a change back.
func TestFirstUseDoesNotOvertakeAChange(t *testing.T) {
	t.Parallel()
	for range 100 {
		b := setup(t, newsroom())
		start(4, func(i int) {
			if i == 0 {
				assert.NoError(t, b.service.DefineRole(context.Background(), operator, "", authz.Role{Name: "viewer"}))
				return
			}
			b.service.Can(context.Background(), user("viewer"), "articles.read", none)
		})
		require.False(t, b.service.Can(t.Context(), user("viewer"), "articles.read", none))
	}
}

// However many ask first, the store is asked once.
func TestFirstUseReadsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	start(50, func(int) { assert.True(t, b.service.Can(context.Background(), user("viewer"), "articles.read", none)) })
	assert.Equal(t, 1, b.store.reads)
}

func TestConcurrentAssignIsOneEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	start(20, func(int) { assert.NoError(t, b.service.Assign(context.Background(), operator, ada, "editor")) })
	assert.Len(t, b.events.take(), 1)
	start(20, func(int) { assert.NoError(t, b.service.Unassign(context.Background(), operator, ada, "editor")) })
	assert.Len(t, b.events.take(), 1)
}
