package authz_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

// counting counts what it is told of.
type counting struct{ n int }

func (c *counting) RecordDecision(context.Context, authz.Record) { c.n++ }

// A guard asks Passes first, and Decide when that is false: with a recorder every decision gets there, so that a dry run sees
// what roles alone granted.
func TestGuardsDecisionsAreRecorded(t *testing.T) {
	t.Parallel()
	store, told := newFakeStore(), &counting{}
	s, err := authz.New(newsroom(), authz.Deps{Rules: store, Assignments: store, Recorder: told})
	require.NoError(t, err)
	viewer, required := user("viewer").Remembering(), authz.RequirePermissions("articles.read")
	for range 3 {
		if !s.Passes(&viewer, required) {
			d, err := s.Decide(t.Context(), &viewer, required)
			require.NoError(t, err)
			require.True(t, d.Allowed)
		}
	}
	assert.Equal(t, 3, told.n)
}
