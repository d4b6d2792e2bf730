package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/authmodule/authmodule/authz"
)

func assignmentSources(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada := subject("", "ada")
	from := func(role, source string) authz.Assignment { return authz.Assignment{Role: role, Source: source} }
	for _, a := range []authz.Assignment{from("editor", "corp"), from("editor", ""), from("admin", "corp"), from("editor", "Zoo"), from("editor", "b")} {
		assign(t, ctx, s, true, ada, a)
		assign(t, ctx, s, false, ada, a)
	}
	requireAssigned(t, ctx, s, ada, from("admin", "corp"), from("editor", ""), from("editor", "Zoo"), from("editor", "b"), from("editor", "corp"))
	requireHolders(t, ctx, s, "", "editor", "ada")
	unassign(t, ctx, s, true, ada, "editor")
	unassign(t, ctx, s, false, ada, "editor")
	requireAssigned(t, ctx, s, ada, from("admin", "corp"))
	requireHolders(t, ctx, s, "", "editor")
}

func assignmentReplace(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, bob, until := subject("", "ada"), subject("", "bob"), base().Add(time.Hour)
	assign(t, ctx, s, true, ada, byHand("editor"))
	replace(t, ctx, s, true, bob, "corp", listOf("corp", until, "editor")...)
	replace(t, ctx, s, true, ada, "other", listOf("other", time.Time{}, "editor")...)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", until, "viewer", "editor", "author")...)
	at := func(role, source string, until time.Time) authz.Assignment {
		return authz.Assignment{Role: role, Source: source, Until: until}
	}
	requireAssigned(t, ctx, s, ada, at("author", "corp", until), byHand("editor"), at("editor", "corp", until), at("editor", "other", time.Time{}), at("viewer", "corp", until))
	replace(t, ctx, s, true, ada, "corp", at("editor", "corp", until.Add(tick)), at("zoo", "corp", time.Time{}))
	requireAssigned(t, ctx, s, ada, byHand("editor"), at("editor", "corp", until.Add(tick)), at("editor", "other", time.Time{}), at("zoo", "corp", time.Time{}))
	requireHolders(t, ctx, s, "", "viewer")
	requireHolders(t, ctx, s, "", "zoo", "ada")
	replace(t, ctx, s, true, ada, "corp")
	requireAssigned(t, ctx, s, ada, byHand("editor"), at("editor", "other", time.Time{}))
	requireHolders(t, ctx, s, "", "zoo")
	requireHolders(t, ctx, s, "", "editor", "ada", "bob")
	replace(t, ctx, s, true, ada, "", byHands("a", "b")...)
	requireAssigned(t, ctx, s, ada, byHand("a"), byHand("b"), at("editor", "other", time.Time{}))
	requireAssigned(t, ctx, s, bob, at("editor", "corp", until))
}

func assignmentReplaceUnchanged(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, until := subject("", "ada"), base().Add(time.Hour)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", until, "a", "b")...)
	replace(t, ctx, s, false, ada, "corp", listOf("corp", until.In(zone()).Add(1), "b", "a")...)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", until, "a")...)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", until, "b")...)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", until.Add(-tick), "b")...)
	replace(t, ctx, s, true, ada, "corp", listOf("corp", time.Time{}, "b")...)
	replace(t, ctx, s, false, ada, "corp", listOf("corp", time.Time{}, "b")...)
	replace(t, ctx, s, false, ada, "other")
	requireAssigned(t, ctx, s, ada, listOf("corp", time.Time{}, "b")...)
	replace(t, ctx, s, true, ada, "corp")
	replace(t, ctx, s, false, ada, "corp")
	requireAssigned(t, ctx, s, ada)
}
