package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

func assignmentEnds(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, until := subject("", "ada"), base().Add(time.Hour)
	ending := func(at time.Time) authz.Assignment { return authz.Assignment{Role: "editor", Until: at} }
	assign(t, ctx, s, true, ada, ending(until.Add(999*time.Nanosecond).In(zone())))
	requireAssigned(t, ctx, s, ada, ending(until))
	got, err := s.Assignments(ctx, ada)
	require.NoError(t, err)
	requireUTC(t, got[0].Until)
	assign(t, ctx, s, false, ada, ending(until))
	assign(t, ctx, s, false, ada, ending(until.Add(1)))
	assign(t, ctx, s, true, ada, ending(until.Add(tick)))
	assign(t, ctx, s, true, ada, ending(until.Add(-tick)))
	requireAssigned(t, ctx, s, ada, ending(until.Add(-tick)))
	assign(t, ctx, s, true, ada, ending(time.Time{}))
	assign(t, ctx, s, false, ada, ending(time.Time{}))
	requireAssigned(t, ctx, s, ada, byHand("editor"))
	got, err = s.Assignments(ctx, ada)
	require.NoError(t, err)
	assert.True(t, got[0].Until.IsZero())
	assign(t, ctx, s, true, ada, ending(base().Add(-time.Hour)))
	requireAssigned(t, ctx, s, ada, ending(base().Add(-time.Hour)))
	unassign(t, ctx, s, true, ada, "editor")
}

// A driver that stores zero for never must not take the epoch for it.
func assignmentEpoch(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada := subject("", "ada")
	replace(t, ctx, s, true, ada, "corp", listOf("corp", time.Unix(0, 0), "admin")...)
	assign(t, ctx, s, true, ada, authz.Assignment{Role: "editor", Until: time.Unix(0, 999)})
	assign(t, ctx, s, true, ada, authz.Assignment{Role: "author", Until: time.Unix(-1e9, 0)})
	got, err := s.Assignments(ctx, ada)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, a := range got {
		assert.False(t, a.Until.IsZero(), a.Role)
		assert.True(t, a.Until.Before(time.Unix(1, 0)), a.Role)
		requireHolders(t, ctx, s, "", a.Role)
	}
	assign(t, ctx, s, false, ada, authz.Assignment{Role: "editor", Until: time.Unix(0, 0)})
	n, err := s.PruneAssignments(ctx, base())
	require.NoError(t, err)
	assert.Equal(t, 3, n)
}

func assignmentHoldersAt(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	until := base().Add(time.Hour)
	for _, id := range []string{"ada", "bob", "eve"} {
		assign(t, ctx, s, true, subject("", id), authz.Assignment{Role: "editor", Until: until})
	}
	assign(t, ctx, s, true, subject("", "bob"), authz.Assignment{Role: "editor", Source: "corp", Until: until.Add(time.Hour)})
	assign(t, ctx, s, true, subject("", "eve"), authz.Assignment{Role: "editor", Source: "corp"})
	assign(t, ctx, s, true, subject("", "dan"), authz.Assignment{Role: "editor", Until: base()})
	requireHoldersAt(t, ctx, s, "", "editor", base().Add(-tick), "ada", "bob", "dan", "eve")
	requireHoldersAt(t, ctx, s, "", "editor", base(), "ada", "bob", "eve")
	requireHoldersAt(t, ctx, s, "", "editor", until.Add(-tick).In(zone()), "ada", "bob", "eve")
	requireHoldersAt(t, ctx, s, "", "editor", until, "bob", "eve")
	requireHoldersAt(t, ctx, s, "", "editor", until.Add(time.Hour), "eve")
	for _, tc := range []struct {
		after    string
		limit    int
		expected []string
	}{{"", 1, []string{"bob"}}, {"ada", 1, []string{"bob"}}, {"bob", 1, []string{"eve"}}, {"bob", 9, []string{"eve"}}, {"eve", 9, nil}} {
		got, err := s.Holders(ctx, "", "editor", until, tc.after, tc.limit)
		require.NoError(t, err)
		assert.Equal(t, full(tc.expected), full(got), "what has ended takes no place in a page")
	}
}

func assignmentPrune(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, bob, before := subject("", "ada"), subject("t", "bob"), base()
	at := func(role, source string, until time.Time) authz.Assignment {
		return authz.Assignment{Role: role, Source: source, Until: until}
	}
	for _, a := range []authz.Assignment{
		at("editor", "", before.Add(-tick)), at("editor", "corp", before), at("author", "", before.Add(-time.Hour)),
		at("viewer", "", before.Add(tick)), at("admin", "", time.Time{}), at("again", "", before.Add(-time.Hour)), at("kept", "", before.Add(-time.Hour)),
	} {
		assign(t, ctx, s, true, ada, a)
	}
	assign(t, ctx, s, true, bob, at("editor", "", before.Add(-tick)))
	assign(t, ctx, s, true, ada, at("again", "", before.Add(time.Hour)))
	assign(t, ctx, s, true, ada, byHand("kept"))
	prune := func(expected int) {
		n, err := s.PruneAssignments(ctx, before)
		require.NoError(t, err)
		require.Equal(t, expected, n)
	}
	prune(3)
	left := []authz.Assignment{
		at("admin", "", time.Time{}), at("again", "", before.Add(time.Hour)), at("editor", "corp", before),
		at("kept", "", time.Time{}), at("viewer", "", before.Add(tick)),
	}
	requireAssigned(t, ctx, s, ada, left...)
	requireAssigned(t, ctx, s, bob)
	requireHoldersAt(t, ctx, s, "", "editor", before.Add(-tick), "ada")
	requireHoldersAt(t, ctx, s, "t", "editor", before.Add(-time.Hour))
	prune(0)
	assign(t, ctx, s, true, ada, at("again", "", before.Add(-tick)))
	assign(t, ctx, s, true, bob, at("editor", "", before.Add(-tick)))
	prune(2)
	requireAssigned(t, ctx, s, ada, left[0], left[2], left[3], left[4])
}
