package authz_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/store/memstore"
)

// halfLog takes the entry before each change, and none after it.
type halfLog struct {
	authn.RevocationStore
	entries int
}

func (l *halfLog) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	if l.entries++; l.entries%2 == 0 {
		return 0, errStore
	}
	return l.RevocationStore.Revoke(ctx, entries...)
}

// What was stored is in the audit log, also when the other nodes could not be told and the caller gets an error: called
// again, it finds nothing to do and tells of nothing.
func TestChangesThatOthersDoNotHearOfAreAudited(t *testing.T) {
	t.Parallel()
	store, events, quiet := memstore.New(), &recorder{}, slog.New(slog.DiscardHandler)
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: &halfLog{RevocationStore: store}, Log: quiet})
	require.NoError(t, err)
	bus := audit.NewBus(quiet, time.Now)
	bus.Subscribe(events)
	s, err := authz.New(authz.Config{Groups: map[string][]string{"viewer": {"staff"}}},
		authz.Deps{Rules: store, Assignments: store, Revocations: view, Events: bus, Log: quiet})
	require.NoError(t, err)
	mallory := authn.Subject{ID: "mallory"}
	for _, step := range []struct {
		event audit.Type
		do    func() error
	}{
		{audit.RoleDefined, func() error {
			return s.DefineRole(t.Context(), operator, "", authz.Role{Name: "root", Permissions: []string{"**"}})
		}},
		{audit.RoleAssigned, func() error { return s.Assign(t.Context(), operator, mallory, "root") }},
		{audit.RoleUnassigned, func() error { return s.Unassign(t.Context(), operator, mallory, "root") }},
		{audit.RoleAssigned, func() error {
			_, err := s.SyncGroups(t.Context(), mallory, "okta", []string{"staff"})
			return err
		}},
		{audit.RoleDeleted, func() error { return s.DeleteRole(t.Context(), operator, "", "root") }},
	} {
		require.ErrorIs(t, step.do(), errStore, step.event)
		told := events.take()
		require.Len(t, told, 1, step.event)
		assert.Equal(t, step.event, told[0].Type)
	}
}
