package authmodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
)

// underLoad has that many callers make requests of the guest, and of one of another tenant whom nothing may concern, until the function is called.
func underLoad(t *testing.T, callers int, g, bystander guest, nodes ...*fxtest.App) (stop func()) {
	t.Helper()
	var running sync.WaitGroup
	over := make(chan struct{})
	for i := range callers {
		running.Go(func() {
			for n := i; !ended(over); n++ {
				node, carrier := nodes[n%len(nodes)], carriers[n%len(carriers)]
				if !assert.Contains(t, []int{http.StatusOK, http.StatusUnauthorized, http.StatusForbidden}, g.ask(node, carrier)) {
					return // a failure is kept in memory: one of each caller is enough
				}
				if !assert.Equal(t, http.StatusOK, bystander.ask(node, carrier), "another tenant's %s", carrier) {
					return
				}
			}
		})
	}
	return func() {
		close(over)
		running.Wait()
	}
}

// requireAnswers requires that answer of every carrier but those.
func (g guest) requireAnswers(t *testing.T, app *fxtest.App, expected int, but []string, when string) {
	t.Helper()
	for _, carrier := range carriers {
		if !slices.Contains(but, carrier) {
			require.Equal(t, expected, g.ask(app, carrier), "%s: %s", carrier, when)
		}
	}
}

// V8.3.2, POL-04, TEN-01, item 18 of the original: whatever changes what somebody may do counts for the very next request
// after the call returned, of tokens, cookies and API keys, while others ask all the time; and nobody of another tenant notices.
func TestV832ChangesCountForTheNextRequest(t *testing.T) {
	t.Parallel()
	onFreshPlaces(t, sharedPlace.ordinary, 1)
}

// V8.3.2: all of them on every store, 5 times each.
func TestSoakV832ChangesCountForTheNextRequest(t *testing.T) {
	peer.Soak(t)
	onFreshPlaces(t, everyFreshness, 5)
}

func everyFreshness(sharedPlace) []freshness { return freshnesses() }

func onFreshPlaces(t *testing.T, which func(sharedPlace) []freshness, rounds int) {
	t.Helper()
	for _, place := range sharedPlaces(t) {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			app := place.boot(t)
			bystander := newGuest(t, app, "globex", "bystander@example.com")
			for i, f := range which(place) {
				t.Run(f.name, func(t *testing.T) {
					g := newGuest(t, app, authn.Tenant(fmt.Sprint("t", i)), "guest@example.com")
					require.NoError(t, all(f.prepare)(t.Context(), app, g.Subject))
					defer underLoad(t, 8, g, bystander, app)()
					f.require(t, g, app, rounds)
				})
			}
		})
	}
}

func (f freshness) require(t *testing.T, g guest, app *fxtest.App, rounds int) {
	t.Helper()
	var dead []string
	for range rounds {
		settle(app)
		g.requireAnswers(t, app, http.StatusOK, dead, "before")
		require.NoError(t, f.refuse(t.Context(), app, g.Subject))
		g.requireAnswers(t, app, f.code(), nil, "at once")
		settle(app)
		g.requireAnswers(t, app, f.code(), nil, "later")
		require.NoError(t, f.restore(t.Context(), app, g.Subject))
		dead = f.dead
		g.requireAnswers(t, app, http.StatusOK, dead, "restored")
	}
}

// V8.3.2: what an assignment gave ends with it, for the very next request after that.
func TestV832AssignmentEndsOnTime(t *testing.T) {
	t.Parallel()
	for _, place := range sharedPlaces(t) {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			app := place.boot(t)
			bystander, g := newGuest(t, app, "globex", "bystander@example.com"), newGuest(t, app, "acme", "guest@example.com")
			defer underLoad(t, 8, g, bystander, app)()
			for range 3 {
				require.NoError(t, givesForAWhile(t.Context(), app, g.Subject))
				settle(app)
				g.requireAnswers(t, app, http.StatusOK, nil, "before")
				app.Advance(19*time.Second - time.Microsecond)
				g.requireAnswers(t, app, http.StatusOK, nil, "a moment before the end")
				app.Advance(time.Microsecond)
				g.requireAnswers(t, app, http.StatusForbidden, nil, "at the end")
			}
		})
	}
}
