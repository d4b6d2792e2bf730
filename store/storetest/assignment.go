package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// AssignmentStore tests a driver of [authz.AssignmentStore]. The function open
// returns an empty store each time it is called.
func AssignmentStore(t *testing.T, open func(t *testing.T) authz.AssignmentStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authz.AssignmentStore]{
			{"assign and unassign", assignmentLife},
			{"absent", assignmentAbsent},
			{"holders in pages", assignmentHolders},
			{"tenants are apart (V8.4.1)", assignmentTenants},
			{"odd and long values", assignmentOddValues},
			{"aliasing", assignmentAliasing},
			{"cancelled context", assignmentCancelled},
		},
		raceCases("one role is new once", assignmentRaceAssign),
		raceCases("one role is taken once", assignmentRaceUnassign),
		raceCases("assigning different roles loses none", assignmentRaceMany),
	))
}

func assign(t *testing.T, ctx context.Context, s authz.AssignmentStore, expected bool, sub authn.Subject, role string) {
	t.Helper()
	isNew, err := s.Assign(ctx, sub, role)
	require.NoError(t, err)
	require.Equal(t, expected, isNew)
}

func unassign(t *testing.T, ctx context.Context, s authz.AssignmentStore, expected bool, sub authn.Subject, role string) {
	t.Helper()
	had, err := s.Unassign(ctx, sub, role)
	require.NoError(t, err)
	require.Equal(t, expected, had)
}

func requireAssigned(t *testing.T, ctx context.Context, s authz.AssignmentStore, sub authn.Subject, expected ...string) {
	t.Helper()
	got, err := s.Assignments(ctx, sub)
	require.NoError(t, err)
	require.Equal(t, full(expected), full(got))
}

func requireHolders(t *testing.T, ctx context.Context, s authz.AssignmentStore, tenant authn.Tenant, role string, expected ...string) {
	t.Helper()
	got, err := s.Holders(ctx, tenant, role, "", 1_000_000)
	require.NoError(t, err)
	require.Equal(t, full(expected), full(got))
}

func assignmentLife(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, bob := subject("", "ada"), subject("", "bob")
	assign(t, ctx, s, true, ada, "editor")
	assign(t, ctx, s, false, ada, "editor")
	assign(t, ctx, s, true, ada, "admin")
	assign(t, ctx, s, true, ada, "Zoo")
	assign(t, ctx, s, true, bob, "editor")
	requireAssigned(t, ctx, s, ada, "Zoo", "admin", "editor")
	requireHolders(t, ctx, s, "", "editor", "ada", "bob")
	unassign(t, ctx, s, true, ada, "editor")
	unassign(t, ctx, s, false, ada, "editor")
	requireAssigned(t, ctx, s, ada, "Zoo", "admin")
	requireAssigned(t, ctx, s, bob, "editor")
	requireHolders(t, ctx, s, "", "editor", "bob")
	assign(t, ctx, s, true, ada, "editor")
	requireHolders(t, ctx, s, "", "editor", "ada", "bob")
}

func assignmentAbsent(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	requireAssigned(t, ctx, s, subject("", "ada"))
	requireHolders(t, ctx, s, "", "editor")
	unassign(t, ctx, s, false, subject("", "ada"), "editor")
}

func assignmentHolders(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ids := []string{"c", "a", "B", "e", "b", "ä", "d", "10", "9"}
	for _, id := range ids {
		assign(t, ctx, s, true, subject("", id), "editor")
	}
	assign(t, ctx, s, true, subject("", "bb"), "admin")
	for _, limit := range []int{1, 2, 4, len(ids), 100} {
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			list, err := s.Holders(ctx, "", "editor", after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(list), limit)
			if len(list) == 0 {
				break
			}
			got = append(got, list...)
		}
		assert.Equal(t, sortedCopy(ids), got, "pages of %d, by ascending bytes", limit)
	}
	for _, limit := range []int{0, -1} {
		list, err := s.Holders(ctx, "", "editor", "", limit)
		assert.NoError(t, err)
		assert.Empty(t, list, "limit %d", limit)
	}
	list, err := s.Holders(ctx, "", "editor", "bb", 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"c"}, list, "after an ID that is absent")
}

func assignmentTenants(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	a, b := subject("a", "ada"), subject("b", "ada")
	assign(t, ctx, s, true, a, "editor")
	requireAssigned(t, ctx, s, b)
	requireHolders(t, ctx, s, "b", "editor")
	requireHolders(t, ctx, s, "", "editor")
	unassign(t, ctx, s, false, b, "editor")
	assign(t, ctx, s, true, b, "editor")
	assign(t, ctx, s, true, b, "admin")
	unassign(t, ctx, s, true, b, "editor")
	requireAssigned(t, ctx, s, a, "editor")
	requireHolders(t, ctx, s, "a", "editor", "ada")
}

func assignmentOddValues(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	odd := append(oddStrings(), longID())
	sorted := sortedCopy(odd)
	for _, v := range odd {
		assign(t, ctx, s, true, subject("", v), "editor")
		assign(t, ctx, s, true, subject("", "ada"), v)
		assign(t, ctx, s, true, subject(v, "ada"), v)
	}
	for _, v := range odd {
		requireAssigned(t, ctx, s, subject(v, "ada"), v)
		requireHolders(t, ctx, s, authn.Tenant(v), v, "ada")
	}
	requireAssigned(t, ctx, s, subject("", "ada"), sorted...)
	requireHolders(t, ctx, s, "", "editor", sorted...)

	bob := subject("", "bob")
	for _, v := range oddBytes() {
		assign(t, ctx, s, true, subject(v, "bob"), "b")
		assign(t, ctx, s, true, subject("", v), "b")
		assign(t, ctx, s, true, bob, v)
	}
	for _, v := range oddBytes() {
		requireAssigned(t, ctx, s, subject(v, "bob"), "b")
		requireAssigned(t, ctx, s, subject("", v), "b")
		requireHolders(t, ctx, s, "", v, "bob")
	}
	roles, err := s.Assignments(ctx, bob)
	require.NoError(t, err)
	assert.ElementsMatch(t, oddBytes(), roles)
}

func assignmentAliasing(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada := subject("", "ada")
	assign(t, ctx, s, true, ada, "editor")
	roles, err := s.Assignments(ctx, ada)
	require.NoError(t, err)
	ids, err := s.Holders(ctx, "", "editor", "", 10)
	require.NoError(t, err)
	roles[0], ids[0] = "admin", "bob"
	requireAssigned(t, ctx, s, ada, "editor")
	requireHolders(t, ctx, s, "", "editor", "ada")
}

func assignmentCancelled(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada := subject("", "ada")
	assign(t, ctx, s, true, ada, "editor")
	snapshot := func() any {
		roles, err := s.Assignments(ctx, ada)
		require.NoError(t, err)
		return roles
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"Assignments", func(ctx context.Context) error { return errOf(s.Assignments(ctx, ada)) }},
		{"Assign", func(ctx context.Context) error { return errOf(s.Assign(ctx, ada, "admin")) }},
		{"Unassign", func(ctx context.Context) error { return errOf(s.Unassign(ctx, ada, "editor")) }},
		{"Holders", func(ctx context.Context) error { return errOf(s.Holders(ctx, "", "editor", "", 10)) }},
	})
}

// answer is what Assign and Unassign return.
type answer struct {
	yes bool
	err error
}

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
	requireOneYes(t, race(n, func(int) (a answer) {
		a.yes, a.err = s.Assign(ctx, subject("", "ada"), "editor")
		return a
	}))
	requireAssigned(t, ctx, s, subject("", "ada"), "editor")
	requireHolders(t, ctx, s, "", "editor", "ada")
}

func assignmentRaceUnassign(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	assign(t, ctx, s, true, subject("", "ada"), "editor")
	requireOneYes(t, race(n, func(int) (a answer) {
		a.yes, a.err = s.Unassign(ctx, subject("", "ada"), "editor")
		return a
	}))
	requireAssigned(t, ctx, s, subject("", "ada"))
}

func assignmentRaceMany(t *testing.T, ctx context.Context, s authz.AssignmentStore, n int) {
	role := func(i int) string { return fmt.Sprintf("role-%04d", i) }
	for _, err := range race(n, func(i int) error { return errOf(s.Assign(ctx, subject("", "ada"), role(i))) }) {
		require.NoError(t, err)
	}
	roles, err := s.Assignments(ctx, subject("", "ada"))
	require.NoError(t, err)
	assert.Len(t, roles, n)
	assert.True(t, slices.IsSorted(roles))
}
