package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

func assignmentHolders(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ids := []string{"c", "a", "B", "e", "b", "ä", "d", "10", "9"}
	for _, id := range ids {
		assign(t, ctx, s, true, subject("", id), byHand("editor"))
		assign(t, ctx, s, true, subject("", id), authz.Assignment{Role: "editor", Source: "corp"})
	}
	assign(t, ctx, s, true, subject("", "bb"), byHand("admin"))
	for _, limit := range []int{1, 2, 4, len(ids), 100} {
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			list, err := s.Holders(ctx, "", "editor", base(), after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(list), limit)
			if len(list) == 0 {
				break
			}
			got = append(got, list...)
		}
		assert.Equal(t, sortedCopy(ids), got, "pages of %d, by ascending bytes, each once", limit)
	}
	for _, limit := range []int{0, -1} {
		list, err := s.Holders(ctx, "", "editor", base(), "", limit)
		assert.NoError(t, err)
		assert.Empty(t, list, "limit %d", limit)
	}
	list, err := s.Holders(ctx, "", "editor", base(), "bb", 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"c"}, list, "after an ID that is absent")
}

func assignmentOddValues(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	odd := append(oddStrings(), longID())
	sorted := sortedCopy(odd)
	eve := subject("", "eve")
	for _, v := range odd {
		assign(t, ctx, s, true, subject("", v), byHand("editor"))
		assign(t, ctx, s, true, subject("", "ada"), byHand(v))
		assign(t, ctx, s, true, subject(v, "ada"), byHand(v))
		replace(t, ctx, s, true, eve, v, listOf(v, base(), "editor", v)...)
	}
	for _, v := range odd {
		requireAssigned(t, ctx, s, subject(v, "ada"), byHand(v))
		requireHolders(t, ctx, s, authn.Tenant(v), v, "ada")
		replace(t, ctx, s, false, eve, v, listOf(v, base(), "editor", v)...)
	}
	requireAssigned(t, ctx, s, subject("", "ada"), byHands(sorted...)...)
	requireHolders(t, ctx, s, "", "editor", sorted...)

	bob := subject("", "bob")
	for _, v := range oddBytes() {
		assign(t, ctx, s, true, subject(v, "bob"), byHand("b"))
		assign(t, ctx, s, true, subject("", v), byHand("b"))
		assign(t, ctx, s, true, bob, authz.Assignment{Role: v, Source: v})
		replace(t, ctx, s, false, bob, v, listOf(v, time.Time{}, v)...)
	}
	for _, v := range oddBytes() {
		requireAssigned(t, ctx, s, subject(v, "bob"), byHand("b"))
		requireAssigned(t, ctx, s, subject("", v), byHand("b"))
		requireHolders(t, ctx, s, "", v, "bob")
	}
	list, err := s.Assignments(ctx, bob)
	require.NoError(t, err)
	var expected []authz.Assignment
	for _, v := range oddBytes() {
		expected = append(expected, authz.Assignment{Role: v, Source: v})
	}
	assert.ElementsMatch(t, expected, plainAssignments(list))
}

func assignmentAliasing(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, passed := subject("", "ada"), listOf("corp", base(), "editor", "viewer")
	assign(t, ctx, s, true, ada, byHand("editor"))
	replace(t, ctx, s, true, ada, "corp", passed...)
	passed[0].Role, passed[1].Until = "admin", time.Time{}
	list, err := s.Assignments(ctx, ada)
	require.NoError(t, err)
	ids, err := s.Holders(ctx, "", "editor", base(), "", 10)
	require.NoError(t, err)
	list[0].Role, list[1].Until, ids[0] = "admin", time.Time{}, "bob"
	requireAssigned(t, ctx, s, ada, append([]authz.Assignment{byHand("editor")}, listOf("corp", base(), "editor", "viewer")...)...)
	requireHolders(t, ctx, s, "", "editor", "ada")
}

func assignmentCancelled(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, ended := subject("", "ada"), base().Add(-time.Hour)
	assign(t, ctx, s, true, ada, byHand("editor"))
	replace(t, ctx, s, true, ada, "corp", listOf("corp", ended, "viewer")...)
	snapshot := func() any {
		list, err := s.Assignments(ctx, ada)
		require.NoError(t, err)
		return plainAssignments(list)
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"Assignments", func(ctx context.Context) error { return errOf(s.Assignments(ctx, ada)) }},
		{"Assign", func(ctx context.Context) error { return errOf(s.Assign(ctx, ada, byHand("admin"))) }},
		{"Unassign", func(ctx context.Context) error { return errOf(s.Unassign(ctx, ada, "editor")) }},
		{"ReplaceAssignments", func(ctx context.Context) error { return errOf(s.ReplaceAssignments(ctx, ada, "corp", nil)) }},
		{"ReplaceAssignments as they are", func(ctx context.Context) error {
			return errOf(s.ReplaceAssignments(ctx, ada, "corp", listOf("corp", ended, "viewer")))
		}},
		{"Holders", func(ctx context.Context) error { return errOf(s.Holders(ctx, "", "editor", base(), "", 10)) }},
		{"PruneAssignments", func(ctx context.Context) error { return errOf(s.PruneAssignments(ctx, base())) }},
	})
}
