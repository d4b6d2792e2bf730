package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// FIX-01, REL-11: a login in the place of another account's session, of which one store call fails, hands out a cookie and
// has ended the old session, or does neither.
func TestFailuresOfALoginInPlace(t *testing.T) {
	t.Parallel()
	for _, h := range []harm{harmError, harmPanic} {
		turned := map[string]bool{}
		for n := 1; ; n++ {
			require.Less(t, n, 50)
			store := newFaulty()
			s := set(t, store, "cookie")
			bob := s.User()
			body := object(t, map[string]any{"email": bob.Email, "password": password, "mode": "cookie"})
			store.arm(n, h)
			w := s.Do(request("POST", "/auth/login", body, s.device.headers()...))
			failed := store.disarm()
			live, err := s.SessionManager.List(t.Context(), bob.Subject)
			require.NoError(t, err)
			if w.Code == http.StatusOK {
				assert.Len(t, live, 1)
				assert.False(t, s.device.lives(t, s.app), "call %d, %s", n, failed)
			} else {
				turned[failed] = true
				refused(t, outcome{w, failed, h})
				assert.Empty(t, live, "call %d, %s", n, failed)
				assert.True(t, s.device.lives(t, s.app), "call %d, %s", n, failed)
			}
			if failed == "" {
				break
			}
		}
		for _, call := range []string{"Session", "CreateSession", "EndSessions"} {
			assert.True(t, turned[call], call)
		}
	}
}

// A login in the place of the account's own session is refused where that cannot be ended.
func TestFailuresOfALoginInItsOwnPlace(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		require.Less(t, n, 50)
		store := newFaulty()
		s := set(t, store, "cookie")
		body := object(t, map[string]any{"email": s.user.Email, "password": password, "mode": string(authn.CarrierCookie)})
		store.arm(n, harmError)
		w := s.Do(request("POST", "/auth/login", body, s.device.headers()...))
		failed := store.disarm()
		live, err := s.SessionManager.List(t.Context(), s.user.Subject)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(live), 2, "the browser has one session, or none: call %d, %s", n, failed)
		if w.Code != http.StatusOK {
			refused(t, outcome{w, failed, harmError})
		}
		assert.True(t, s.other.lives(t, s.app), "another browser's stays")
		if failed == "" {
			require.Equal(t, http.StatusOK, w.Code)
			return
		}
	}
}
