package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authz"
)

// A grant costs no allocation once its path was asked for. Not parallel, as it counts.
func TestGrantDoesNotAllocate(t *testing.T) {
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "clerk", Inherits: []string{"viewer"}})
	b := setupOn(t, store, newsroom())
	p, ctx := userOf("acme", "ghost", "clerk"), t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		_, _ = b.service.Authorize(ctx, p, "articles.read")
	})
	assert.Zero(t, allocations)
}
