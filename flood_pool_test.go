package authmodule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/store/memstore"
)

// heldPasswords gives no hash before it is told to.
type heldPasswords struct {
	*countingPasswords
	open chan struct{}
}

func (h *heldPasswords) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	select {
	case <-h.open:
		return h.countingPasswords.PasswordHash(ctx, s)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// THR-03: of fifty logins at once, a pool of one worker and a queue of two takes three. The others are told so at once, with when to come
// again; no password of theirs is looked up, let alone hashed, and no failure is counted.
func TestFloodFillsThePoolAndNoMore(t *testing.T) {
	t.Parallel()
	const logins, places = 50, 3
	hashes := &countingPasswords{PasswordStore: memstore.New()}
	held := &heldPasswords{countingPasswords: hashes, open: make(chan struct{})}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Password.Workers, c.Password.Queue, c.Store.TimeoutSeconds = 1, 2, authmodule.LongestStoreTimeoutSeconds
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount), authmodule.UsePasswordStore(func() authn.PasswordStore { return held }))
	var users []authn.User
	for range logins {
		users = append(users, app.User())
	}
	answers := make(chan *httptest.ResponseRecorder, logins)
	for _, user := range users {
		go func() {
			answers <- app.Do(webtest.Request("POST", "/auth/login", credentialsOf(user.Email, fxtest.Password)))
		}()
	}
	for range logins - places {
		w := <-answers
		require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
		assert.Contains(t, w.Body.String(), `"code":"overloaded"`)
	}
	close(held.open)
	for range places {
		w := <-answers
		require.Equal(t, http.StatusOK, w.Code, w.Body)
	}
	assert.EqualValues(t, places, hashes.reads.Load())
	for _, user := range users {
		c, err := app.Throttle.Counter(t.Context(), user.Subject, authn.FactorPassword)
		require.NoError(t, err)
		assert.Zero(t, c.Consecutive)
	}
	for i := range 4 {
		w := app.Do(webtest.Request("POST", "/auth/login", credentialsOf(users[i].Email, fxtest.Password)))
		assert.Equal(t, http.StatusOK, w.Code, fmt.Sprint(i, w.Body))
	}
}
