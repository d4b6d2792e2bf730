package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// The first microsecond of all time, which is cut to the zero time, is not never: a delegate would hand on for good what it has
// for an hour.
func TestEndIsNeverCutToNever(t *testing.T) {
	t.Parallel()
	b, lead, friend := setup(t, offices()), user("lead"), authn.Subject{ID: "friend"}
	require.NoError(t, b.service.AssignUntil(t.Context(), operator, lead.Subject, "lead", testNow.Add(time.Hour)))
	for _, after := range []time.Duration{1, time.Microsecond - 1, time.Microsecond} {
		first := time.Time{}.Add(after)
		require.ErrorIs(t, b.service.OnBehalfOf(lead).AssignUntil(t.Context(), friend.ID, "lead", first), authz.ErrEnded)
		require.ErrorIs(t, b.service.AssignUntil(t.Context(), operator, friend, "lead", first), authz.ErrEnded)
	}
	list, err := b.service.Assignments(t.Context(), friend)
	require.NoError(t, err)
	assert.Empty(t, list)
}
