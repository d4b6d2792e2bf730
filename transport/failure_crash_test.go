package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/store/memstore"
)

// REL-13: the program is killed before and after each store call of a flow. What starts on the store that it
// left finds nothing half done: users log in, what was to end is ended when somebody asks again, and nothing works that must not.
func TestEveryCrashPoint(t *testing.T) {
	t.Parallel()
	for _, f := range writingFlows() {
		for when, h := range map[string]harm{"before": harmError, "after": harmLost} {
			t.Run(f.name+" "+when, func(t *testing.T) {
				t.Parallel()
				for n := 1; f.crashAt(t, n, h); n++ {
					require.Less(t, n, 50)
				}
			})
		}
	}
}

// crashAt reports whether there is an n-th call to be killed at.
func (f flow) crashAt(t *testing.T, n int, h harm) bool {
	t.Helper()
	base := memstore.New()
	store := &faulty{every: base, dies: true}
	s := set(t, store, f.mode)
	if strings.HasSuffix(f.name, "key") {
		s.keyID, s.keyHeader = s.key(t)
	}
	if f.prepare != nil {
		f.prepare(t, &s)
	}
	store.arm(n, h)
	w := s.Do(f.request(t, s))
	failed := store.disarm()
	if failed == "" {
		return false
	}
	t.Logf("killed at call %d, %s: %d", n, failed, w.Code)
	again := boot(t, &faulty{every: base})
	again.Advance(5 * time.Second)
	again.governed, again.reader = s.governed, s.reader
	again.user, again.device, again.other, again.keyID, again.keyHeader = s.user, s.device, s.other, s.keyID, s.keyHeader
	f.restarted(t, again, failed)
	return true
}

// restarted is what holds whatever the call was.
func (f flow) restarted(t *testing.T, s scene, failed string) {
	t.Helper()
	code := s.Do(f.request(t, s)).Code
	switch {
	case f.victim != nil:
		assert.Contains(t, []int{f.success, http.StatusUnauthorized, http.StatusNotFound}, code)
		bystander := s.other
		if f.victim(s) == s.other {
			bystander = s.device
		}
		assert.False(t, f.victim(s).lives(t, s.app), "what was to end lives")
		assert.True(t, bystander.lives(t, s.app), "a session that was not to end")
	case f.prepare != nil: // what is deleted already is not found
		assert.Contains(t, []int{f.success, http.StatusNotFound, http.StatusConflict}, code)
		assert.Equal(t, f.reads, s.status("GET", "/read", s.reader.headers()...))
	case f.name == "end all":
		assert.False(t, s.device.lives(t, s.app))
		assert.False(t, s.other.lives(t, s.app))
	case f.name == "register":
		assert.Contains(t, []int{f.success, http.StatusConflict}, code)
		answer(t, s.Do(request("POST", "/auth/login", credentials(t, "new@example.com", password))), http.StatusOK)
	case f.name == "refresh" && failed == "RotateSession":
		// Without a grace window a token whose exchange was stored counts as used: its session ends, and nobody else's.
		assert.Contains(t, []int{f.success, http.StatusUnauthorized}, code)
		assert.True(t, s.other.lives(t, s.app))
	case f.name == "refresh":
		assert.Equal(t, f.success, code)
	case f.name == "revoke key":
		assert.Contains(t, []int{f.success, http.StatusNotFound}, code)
		assert.Equal(t, http.StatusUnauthorized, s.status("GET", "/read", s.keyHeader...))
	default:
		assert.Equal(t, f.success, code)
		stillThere(t, s, outcome{})
	}
	login(t, s.app, s.user.Email, "token")
	login(t, s.app, s.user.Email, "cookie")
}
