package transport_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
)

func startHealth(t *testing.T, store *faulty) (app, *authmodule.Health) {
	t.Helper()
	var service *authmodule.Health
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.Health = true }, store.option(), fx.Populate(&service))
	return app, service
}

func TestHealthRoutes(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	app, service := startHealth(t, store)
	assert.Equal(t, map[string]any{"status": "ok"}, answer(t, app.Do(request("GET", "/auth/livez", "")), http.StatusOK))
	w := app.Do(request("GET", "/auth/readyz", "", bearer("forged")...))
	assert.Equal(t, map[string]any{"status": "ok"}, answer(t, w, http.StatusOK), "a bad credential does not matter")
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var names []string
	for _, row := range service.Check(t.Context()).Rows {
		names = append(names, row.Name)
	}
	assert.Equal(t, []string{
		"users", "passwords", "sessions", "devices", "revocations", "one_time", "counters", "rules", "assignments", "api_keys", "revocation_view", "key_ring",
	}, names)

	app.Advance(5 * time.Second)
	store.arm(1, harmError)
	w = app.Do(request("GET", "/auth/readyz", ""))
	failed := store.disarm()
	require.NotEmpty(t, failed)
	failing := answer(t, w, http.StatusServiceUnavailable)
	assert.Equal(t, "failing", failing["status"])
	require.Len(t, failing["failing"], 1)
	row := failing["failing"].([]any)[0].(map[string]any)
	assert.Equal(t, "error", row["class"])
	assert.Equal(t, "*transport_test.faulty", row["driver"])
	assert.NotContains(t, w.Body.String(), "canary")
	assert.Equal(t, http.StatusOK, app.status("GET", "/auth/livez"), "a restart mends no store")
	app.Advance(5 * time.Second)
	assert.Equal(t, http.StatusOK, app.status("GET", "/auth/readyz"), "it recovers by itself")
}

func TestHealthRoutesAreOffByDefault(t *testing.T) {
	t.Parallel()
	app := start(t)
	for _, path := range []string{"/auth/livez", "/auth/readyz"} {
		assert.Equal(t, http.StatusNotFound, app.status("GET", path))
	}
}

// A flood of probes makes one look: with a clock that stands, each store is asked once.
func TestFloodOfReadinessProbes(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	app, _ := startHealth(t, store)
	store.arm(1_000_000, harmError)
	var flood sync.WaitGroup
	for range 200 {
		flood.Go(func() { app.status("GET", "/auth/readyz") })
	}
	flood.Wait()
	store.mu.Lock()
	defer store.mu.Unlock()
	assert.Less(t, 1_000_000-store.left, 20)
}

// The view of revocations and the keys are rows of their own.
func TestHealthOfTheNode(t *testing.T) {
	t.Parallel()
	store := newOld()
	var service *authmodule.Health
	app := startConfigured(t, func(*authmodule.Config) {}, authmodule.UseRevocationStore(func() *old { return store }), fx.Populate(&service))
	require.True(t, service.Check(t.Context()).Ready)
	store.fail()
	app.Advance(time.Minute)
	classes := map[string]string{}
	for _, row := range service.Check(t.Context()).Failing() {
		classes[row.Name] = row.Class
	}
	assert.Equal(t, map[string]string{"revocations": "error", "revocation_view": "stale"}, classes)
}
