package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/session"
)

// REL-12: a login whose session was stored and evicted another, and whose answer was lost. Nobody has its secret,
// so it does not count; what was evicted is dead at once on all that remember it.
func TestLostAnswerOfALoginThatEvicts(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	app := startConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser = 1 }, store.option())
	user := app.User()
	first := login(t, app, user.Email, "token") // remembered now
	for n := 1; ; n++ {
		store.arm(n, harmLost)
		w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, password)))
		failed := store.disarm()
		if failed == "CreateSession" {
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			break
		}
		if !assert.NotEmpty(t, failed, "no session was created") {
			return
		}
	}
	assert.False(t, first.lives(t, app), "an evicted session works")
	records, err := store.Sessions(t.Context(), user.Subject, app.Now())
	assert.NoError(t, err)
	assert.Empty(t, records, "a session whose secret nobody has")
	assert.True(t, login(t, app, user.Email, "token").lives(t, app))
}

// With the limit that refuses, a lost answer keeps nobody out.
func TestLostAnswerOfALoginAtTheLimit(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	app := startConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Refuse }, store.option())
	user := app.User()
	for n, failed := 1, ""; failed != "CreateSession"; n++ {
		store.arm(n, harmLost)
		app.Do(request("POST", "/auth/login", credentials(t, user.Email, password)))
		if failed = store.disarm(); !assert.NotEmpty(t, failed) {
			return
		}
	}
	assert.True(t, login(t, app, user.Email, "token").lives(t, app))
}
