package authn_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// A session opened on another node a moment ago, at a position that this node has not read yet, is alive.
func TestSessionOpenedAheadOfThisNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newPolled()
		here, there := newView(t, store, ""), newView(t, store, "")
		require.False(t, revoked(t, here, "jti"))
		require.NoError(t, there.RevokeToken(t.Context(), "", "jti", time.Now().Add(time.Hour)))
		at, err := there.Position(t.Context())
		require.NoError(t, err)
		reads := store.reads.Load()
		for range 3 {
			ended, err := here.EndedSince(t.Context(), authn.Subject{ID: "ada"}, at)
			require.NoError(t, err)
			require.False(t, ended)
		}
		assert.Equal(t, reads+1, store.reads.Load(), "it is read once more, and no more")
	})
}

// REL-10: a session opened at a position that the log does not reach is ended: the log lost entries, and who knows which.
func TestSessionOfALostLogIsEnded(t *testing.T) {
	t.Parallel()
	for _, mode := range []authn.RevocationMode{authn.RevocationBounded, authn.RevocationStrict} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newPolled()
				view := newView(t, store, mode)
				for range 3 {
					require.NoError(t, view.RevokeToken(t.Context(), "", "jti", time.Now().Add(time.Hour)))
				}
				at, err := view.Position(t.Context())
				require.NoError(t, err)
				ended := func(position int64) bool {
					is, err := view.EndedSince(t.Context(), authn.Subject{ID: "ada"}, position)
					require.NoError(t, err)
					return is
				}
				require.False(t, ended(at))
				store.RevocationStore = memstore.New()
				time.Sleep(time.Second)
				assert.True(t, ended(at))
				assert.False(t, ended(0), "what was opened before any entry is not")
			})
		})
	}
}

// While the log cannot be read, a session from ahead of this node is refused with the error, whatever the view still knows.
func TestSessionAheadOfAnUnreadableLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newPolled()
		view := newView(t, store, "")
		require.False(t, revoked(t, view, "jti"))
		store.fail(errors.New("the disk is gone"))
		ended, err := view.EndedSince(t.Context(), authn.Subject{ID: "ada"}, 1)
		require.ErrorContains(t, err, "the disk is gone")
		assert.True(t, ended)
	})
}
