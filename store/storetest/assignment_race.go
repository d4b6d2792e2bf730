package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

// answer is what a change of assignments returns.
type answer struct {
	yes bool
	err error
}

func answered(yes bool, err error) answer { return answer{yes, err} }

func requireOneYes(t *testing.T, answers []answer) {
	t.Helper()
	yes := 0
	for _, a := range answers {
		require.NoError(t, a.err)
		if a.yes {
			yes++
		}
	}
	require.Equal(t, 1, yes)
}

func assignmentRaceAssign(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada, a := subject("", "ada"), authz.Assignment{Role: "editor", Source: "corp", Until: base().Add(time.Hour)}
	requireOneYes(t, race(n, func(int) answer { return answered(s.Assign(ctx, ada, a)) }))
	requireAssigned(t, ctx, s, ada, a)
	requireHolders(t, ctx, s, "", "editor", "ada")
}

func assignmentRaceUnassign(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada := subject("", "ada")
	for _, source := range []string{"", "corp", "other"} {
		assign(t, ctx, s, true, ada, authz.Assignment{Role: "editor", Source: source})
	}
	requireOneYes(t, race(n, func(int) answer { return answered(s.Unassign(ctx, ada, "editor")) }))
	requireAssigned(t, ctx, s, ada)
	requireHolders(t, ctx, s, "", "editor")
}

func assignmentRaceMany(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada, expected := subject("", "ada"), []authz.Assignment{}
	for i, err := range race(n, func(i int) error { return errOf(s.Assign(ctx, ada, byHand(numberedName(i)))) }) {
		require.NoError(t, err)
		expected = append(expected, byHand(numberedName(i)))
	}
	requireAssigned(t, ctx, s, ada, expected...)
}

// listNumbered is a list that has one role of its own and one that all have, which ends when the list says.
func listNumbered(i int) []authz.Assignment {
	return listOf("corp", base().Add(time.Duration(i)*tick), "all", fmt.Sprintf("one-%04d", i), fmt.Sprintf("two-%04d", i))
}

// numberOf is the number of the whole list that these assignments are, or an error.
func numberOf(got []authz.Assignment) (int, error) {
	if len(got) != 3 {
		return 0, fmt.Errorf("no whole list is left: %v", got)
	}
	i := int(got[0].Until.Sub(base()) / tick)
	for j, a := range listNumbered(i) {
		if got[j].Role != a.Role || got[j].Source != a.Source || !got[j].Until.Equal(a.Until) {
			return 0, fmt.Errorf("lists are mixed: %v", got)
		}
	}
	return i, nil
}

func assignmentRaceReplace(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada := subject("", "ada")
	for _, a := range race(n, func(i int) answer { return answered(s.ReplaceAssignments(ctx, ada, "corp", listNumbered(i))) }) {
		require.NoError(t, a.err)
		require.True(t, a.yes, "each list is another")
	}
	got, err := s.Assignments(ctx, ada)
	require.NoError(t, err)
	left, err := numberOf(got)
	require.NoError(t, err)
	for i := range n {
		var holders []string
		if i == left {
			holders = []string{"ada"}
		}
		requireHoldersAt(t, ctx, s, "", fmt.Sprintf("one-%04d", i), base().Add(-time.Hour), holders...)
	}
}

func assignmentRaceSame(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada := subject("", "ada")
	replace(t, ctx, s, true, ada, "corp", listNumbered(2)...)
	requireOneYes(t, race(n, func(int) answer { return answered(s.ReplaceAssignments(ctx, ada, "corp", listNumbered(1))) }))
	requireAssigned(t, ctx, s, ada, listNumbered(1)...)
}

func assignmentRaceRead(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada := subject("", "ada")
	replace(t, ctx, s, true, ada, "corp", listNumbered(0)...)
	for _, err := range race(n, func(i int) error {
		if i%4 == 0 {
			return errOf(s.ReplaceAssignments(ctx, ada, "corp", listNumbered(i)))
		}
		got, err := s.Assignments(ctx, ada)
		if err == nil {
			_, err = numberOf(got)
		}
		return err
	}) {
		require.NoError(t, err)
	}
}

// Of each four callers one assigns a role by hand, one takes another, and two replace lists of a source each.
func assignmentRaceSources(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada, until := subject("", "ada"), base().Add(time.Hour)
	for i := range n {
		if i%4 == 1 {
			assign(t, ctx, s, true, ada, byHand("gone-"+numberedName(i)))
		}
	}
	for _, err := range race(n, func(i int) error {
		switch i % 4 {
		case 0:
			return errOf(s.Assign(ctx, ada, byHand(numberedName(i))))
		case 1:
			return errOf(s.Unassign(ctx, ada, "gone-"+numberedName(i)))
		default:
			source := fmt.Sprint("s", i%4)
			return errOf(s.ReplaceAssignments(ctx, ada, source, listOf(source, until, "x", "y")))
		}
	}) {
		require.NoError(t, err)
	}
	var expected []authz.Assignment
	for i := 0; i < n; i += 4 {
		expected = append(expected, byHand(numberedName(i)))
	}
	for _, role := range []string{"x", "y"} {
		expected = append(expected, listOf("s2", until, role)...)
		expected = append(expected, listOf("s3", until, role)...)
	}
	requireAssigned(t, ctx, s, ada, expected...)
}

func assignmentRacePrune(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	ada, ended, until := subject("", "ada"), base().Add(-time.Hour), base().Add(time.Hour)
	assign(t, ctx, s, true, ada, authz.Assignment{Role: "editor", Until: ended})
	replace(t, ctx, s, true, ada, "corp", listOf("corp", ended, "editor", "old")...)
	for _, err := range race(n, func(i int) error {
		switch i % 4 {
		case 0:
			return errOf(s.Assign(ctx, ada, authz.Assignment{Role: "editor", Until: until}))
		case 1:
			return errOf(s.ReplaceAssignments(ctx, ada, "corp", listOf("corp", until, "editor", "new")))
		default:
			return errOf(s.PruneAssignments(ctx, base()))
		}
	}) {
		require.NoError(t, err)
	}
	requireAssigned(t, ctx, s, ada, authz.Assignment{Role: "editor", Until: until}, authz.Assignment{Role: "editor", Source: "corp", Until: until},
		authz.Assignment{Role: "new", Source: "corp", Until: until})
}
