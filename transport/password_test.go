package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

// A login for which there is neither a worker nor a place in the queue is answered at once, with when to come back.
func TestSurplusLoginsAreOverloaded(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		c.Password.MemoryKiB, c.Password.Iterations, c.Password.Workers, c.Password.Queue = 32<<10, 4, 1, 1
	})
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, "ada@example.com", password))), http.StatusCreated)
	answers := make([]*httptest.ResponseRecorder, 24)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range answers {
		email := "ada@example.com"
		if i%2 == 1 {
			email = fmt.Sprint("nobody", i, "@example.com")
		}
		r := request("POST", "/auth/login", credentials(t, email, password))
		all.Go(func() { <-start; answers[i] = app.Do(r) })
	}
	close(start)
	all.Wait()
	surplus := 0
	for i, w := range answers {
		if w.Code != http.StatusServiceUnavailable {
			assert.Equal(t, []int{http.StatusOK, http.StatusUnauthorized}[i%2], w.Code)
			continue
		}
		surplus++
		assert.Equal(t, "overloaded", problem(t, w).Code)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
	}
	require.NotZero(t, surplus, "the pool took all of them")
	require.Less(t, surplus, len(answers), "the pool took none")
}

// V6.2.12: without an answer about breaches, a new password waits; logging in does not ask.
func TestBreachOutageIs503(t *testing.T) {
	t.Parallel()
	outage := checkFunc(func(_ context.Context, n authn.NewPassword) error {
		if n.Email == "ada@example.com" {
			return nil
		}
		return fmt.Errorf("%w: %w", authn.ErrBreachUnavailable, assert.AnError)
	})
	app := start(t, authmodule.AddPasswordCheck(func() authn.PasswordCheck { return outage }))
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, "ada@example.com", password))), http.StatusCreated)
	w := app.Do(request("POST", "/auth/register", credentials(t, "bob@example.com", password)))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "unavailable", problem(t, w).Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.NotContains(t, w.Body.String(), assert.AnError.Error())
	answer(t, app.Do(request("POST", "/auth/login", credentials(t, "ada@example.com", password))), http.StatusOK)
}

// NIST-04: the reason of a refusal is told, each with its code.
func TestNIST04ReasonsAreTold(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.Password.Composition.Digits, c.Password.Composition.Upper = 1, 1 })
	w := app.Do(request("POST", "/auth/register", credentials(t, "ada@example.com", "password")))
	require.Equal(t, http.StatusBadRequest, w.Code)
	var codes []string
	for _, fault := range problem(t, w).Errors {
		assert.Equal(t, "password", fault.Field)
		assert.NotEmpty(t, fault.Detail)
		codes = append(codes, fault.Code)
	}
	assert.ElementsMatch(t, []string{"too_short", "no_upper", "no_digit", "common"}, codes)
}

type checkFunc func(context.Context, authn.NewPassword) error

func (f checkFunc) CheckPassword(ctx context.Context, n authn.NewPassword) error { return f(ctx, n) }
