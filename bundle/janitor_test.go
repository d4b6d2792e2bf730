package bundle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// Items 13 and 26 of the original: revocations and ended sessions stayed for
// ever. The janitor drops them while the application runs, and ends with it.
func TestJanitorDropsWhatHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		use := func() *memstore.Store { return store }
		app := fx.New(fx.NopLogger, authmodule.Stub(),
			authmodule.UseSessionStore(use), authmodule.UseRevocationStore(use), authmodule.UseOneTimeStore(use), authmodule.UseAssignmentStore(use))
		require.NoError(t, app.Start(t.Context()))

		now, ada := time.Now(), authn.Subject{ID: "ada"}
		ctx := context.Background()
		_, err := store.Revoke(ctx, authn.Revocation{Kind: authn.RevokedToken, ID: "jti", Until: now.Add(time.Minute)})
		require.NoError(t, err)
		require.NoError(t, store.PutOneTime(ctx, authn.OneTime{ID: "once", SecretHash: []byte("hash"), Expires: now.Add(time.Minute)}))
		for role, ended := range map[string]time.Duration{"old": 24 * time.Hour, "seen": 24*time.Hour - 3*time.Minute} {
			_, err = store.Assign(ctx, ada, authz.Assignment{Role: role, Until: now.Add(-ended)})
			require.NoError(t, err)
		}
		_, err = store.CreateSession(ctx, session.Record{Subject: ada, ID: "sid", CreatedAt: now, IdleAt: now.Add(time.Minute), EndsAt: now.Add(time.Hour)}, session.Limit{})
		require.NoError(t, err)

		time.Sleep(2*time.Minute + time.Second) // REL-18: gone within a minute of their end
		synctest.Wait()
		dropped, err := store.PruneRevocations(ctx, time.Now())
		require.NoError(t, err)
		assert.Zero(t, dropped, "the janitor came first")
		dropped, err = store.PruneOneTime(ctx, time.Now())
		require.NoError(t, err)
		assert.Zero(t, dropped)
		_, err = store.Session(ctx, "", "sid")
		assert.ErrorIs(t, err, authn.ErrNotFound)
		list, err := store.Assignments(ctx, ada)
		require.NoError(t, err)
		require.Len(t, list, 1, "an assignment is kept for a day after its end")
		assert.Equal(t, "seen", list[0].Role)
		require.NoError(t, app.Stop(ctx)) // synctest fails the test if its goroutine stays
	})
}
