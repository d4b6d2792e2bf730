package authmodule_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/store/memstore"
)

// lag asks with every carrier until the answer is the expected one, which it stays. It returns how long after the acknowledgement
// the last request began that got another answer.
func (g guest) lag(t *testing.T, app *fxtest.App, expected int, but []string, acknowledged time.Time) (last time.Duration) {
	t.Helper()
	for _, carrier := range carriers {
		for !slices.Contains(but, carrier) {
			began := time.Since(acknowledged)
			if g.ask(app, carrier) == expected {
				break
			}
			last = max(last, began)
			require.Less(t, began, 30*time.Second, "%s: never", carrier)
		}
	}
	for range 5 {
		g.requireAnswers(t, app, expected, but, "after")
	}
	return last
}

// follow makes the change and its opposite on one node and requires that the other follows within the time. It returns the longest that it took.
func (f freshness) follow(t *testing.T, g guest, here, there *fxtest.App, rounds int, within time.Duration) (slowest time.Duration) {
	t.Helper()
	var dead []string
	for range rounds {
		g.lag(t, there, http.StatusOK, dead, time.Now())
		settle(here, there)
		g.requireAnswers(t, there, http.StatusOK, dead, "before")
		require.NoError(t, f.refuse(t.Context(), here, g.Subject))
		acknowledged := time.Now()
		g.requireAnswers(t, here, f.code(), nil, "at once on its own node")
		slowest = max(slowest, g.lag(t, there, f.code(), nil, acknowledged))
		settle(here, there)
		require.NoError(t, f.restore(t.Context(), here, g.Subject))
		dead, acknowledged = f.dead, time.Now()
		slowest = max(slowest, g.lag(t, there, http.StatusOK, dead, acknowledged))
	}
	require.LessOrEqual(t, slowest, within)
	return slowest
}

func onRuleNodes(t *testing.T, which func(sharedPlace) []freshness, callers, rounds int, within time.Duration) {
	t.Helper()
	for _, place := range sharedPlaces(t) {
		t.Run(place.name, func(t *testing.T) {
			here, there := place.boot(t), place.boot(t)
			bystander := newGuest(t, here, "globex", "bystander@example.com")
			took := map[string]time.Duration{}
			for i, f := range which(place) {
				g := newGuest(t, here, authn.Tenant(fmt.Sprint("t", i)), "guest@example.com")
				require.NoError(t, all(f.prepare)(t.Context(), here, g.Subject), f.name)
				func() {
					defer underLoad(t, callers, g, bystander, here, there)()
					took[f.name] = f.follow(t, g, here, there, rounds, within)
				}()
			}
			slowest := slices.Max(slices.Collect(maps.Values(took)))
			t.Logf("%d changes and back, %d times, under load: the other node followed within %v: %v", len(took), rounds, slowest.Round(time.Millisecond), took)
		})
	}
}

// V8.3.2: what is changed on one node counts on another, under load, for tokens, cookies and API keys. The machine may be busy.
func TestV832ChangesReachAnotherNode(t *testing.T) {
	t.Parallel()
	onRuleNodes(t, sharedPlace.ordinary, 2, 1, 5*time.Second)
}

// V8.3.2: all of them, 3 times each with 8 callers, within a second.
func TestSoakV832ChangesReachAnotherNode(t *testing.T) {
	peer.Soak(t)
	onRuleNodes(t, everyFreshness, 8, 3, time.Second)
}

// V8.3.2: no request that begins a second after the acknowledgement gets the old answer, where the store tells nobody of its log.
func TestV832ChangesReachAnotherNodeWithinASecond(t *testing.T) {
	t.Parallel()
	for i, f := range freshnesses() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			place := sharedPlace{store: storeOf(t, "sqlite"), options: fx.Options()}
			if i%2 == 0 {
				store := memstore.New()
				place = sharedPlace{options: inMemoryBut(store, quiet{store}, store)}
			}
			synctest.Test(t, func(t *testing.T) { f.requireWithinASecond(t, place) })
		})
	}
}

func (f freshness) requireWithinASecond(t *testing.T, place sharedPlace) {
	t.Helper()
	ticking := func(c *authmodule.Config) { c.Now = time.Now }
	here, there := place.boot(t, ticking), place.boot(t, ticking)
	g := newGuest(t, here, "acme", "guest@example.com")
	require.NoError(t, all(f.prepare)(t.Context(), here, g.Subject))
	elapse(11 * time.Second)
	var dead []string
	for range 2 {
		g.requireAnswers(t, there, http.StatusOK, dead, "before")
		changed := g.whileAsked(there, func() {
			elapse(300 * time.Millisecond)
			require.NoError(t, f.refuse(t.Context(), here, g.Subject))
		})
		g.requireAnswers(t, here, f.code(), nil, "at once on its own node")
		elapse(time.Until(changed.Add(time.Second)))
		g.requireAnswers(t, there, f.code(), nil, "within a second")
		elapse(11 * time.Second)
		g.requireAnswers(t, there, f.code(), nil, "later")
		require.NoError(t, f.restore(t.Context(), here, g.Subject))
		dead = f.dead
		elapse(time.Second)
		g.requireAnswers(t, there, http.StatusOK, dead, "restored within a second")
		elapse(11 * time.Second)
	}
}

// whileAsked has the guest ask a node every 20 milliseconds while something is done, and returns when that was.
func (g guest) whileAsked(app *fxtest.App, do func()) time.Time {
	over := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for !ended(over) {
			for _, carrier := range carriers {
				g.ask(app, carrier)
			}
			elapse(20 * time.Millisecond)
		}
	})
	do()
	done := time.Now()
	close(over)
	asking.Wait()
	return done
}

// A node whose log takes the announcement of a change and nothing after it, as if it had ended there: the change is made and
// not acknowledged. Others follow a change of rules within 11 seconds, and one of an account within a second.
func TestV832NodeThatEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, f := range freshnesses() {
		within := time.Second
		if slices.Contains([]string{"role redefined", "role with a negative grant", "policy defined", "policy changed", "policy deleted", "inherited role redefined", "role of configuration redefined"}, f.name) {
			within = 11 * time.Second
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				log := &fading{RevocationStore: store}
				ticking := func(c *authmodule.Config) { c.Now = time.Now }
				here := sharedPlace{options: inMemoryBut(store, log, slowRules{store})}.boot(t, ticking)
				there := sharedPlace{options: inMemoryBut(store, quiet{store}, store)}.boot(t, ticking)
				g := newGuest(t, here, "acme", "guest@example.com")
				require.NoError(t, all(f.prepare)(t.Context(), here, g.Subject))
				elapse(11 * time.Second)
				g.requireAnswers(t, there, http.StatusOK, nil, "before")
				log.last(1)
				g.whileAsked(there, func() { require.ErrorIs(t, f.refuse(t.Context(), here, g.Subject), errOutage) })
				log.last(-1)
				elapse(within)
				for _, node := range []*fxtest.App{here, there} {
					g.requireAnswers(t, node, f.code(), nil, "after")
				}
			})
		})
	}
}

// No rules are read from memory when a change was acknowledged: while they cannot be read, nobody is let in.
func TestV832RulesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, f := range freshnesses() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			o, app := newRuleOutage(t)
			g := newGuest(t, app, "acme", "guest@example.com")
			require.NoError(t, all(f.prepare)(t.Context(), app, g.Subject))
			settle(app)
			g.requireAnswers(t, app, http.StatusOK, nil, "before")
			o.fail("Rules")
			g.requireAnswers(t, app, http.StatusOK, nil, "nothing has changed")
			o.fail("")
			require.NoError(t, f.refuse(t.Context(), app, g.Subject))
			for _, port := range []string{"Rules", "Assignments", "UserByID"} {
				o.fail(port)
				for _, carrier := range carriers {
					assert.Contains(t, []int{f.code(), http.StatusServiceUnavailable}, g.ask(app, carrier), "%s without %s", carrier, port)
				}
			}
			o.fail("")
			g.requireAnswers(t, app, f.code(), nil, "after")
		})
	}
}

// REL-04: nobody is let in by what is remembered, or by rules in memory, when the log could not be read for longer than
// revocation.max_stale_seconds; a caller who is not remembered is not either.
func TestV832LogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	o, app := newRuleOutage(t)
	known, fresh := newGuest(t, app, "acme", "known@example.com"), newGuest(t, app, "acme", "fresh@example.com")
	settle(app)
	known.requireAnswers(t, app, http.StatusOK, nil, "before")
	o.fail("Revocations")
	app.Advance(4 * time.Second)
	known.requireAnswers(t, app, http.StatusOK, nil, "a view of 5 seconds is good")
	app.Advance(2 * time.Second)
	for _, g := range []guest{known, fresh} {
		g.requireAnswers(t, app, http.StatusServiceUnavailable, nil, "an older one is not")
	}
	o.fail("")
	known.requireAnswers(t, app, http.StatusOK, nil, "after")
	fresh.requireAnswers(t, app, http.StatusOK, nil, "after")
}

// A change that nobody was told of, such as one that the store made long after its caller had given up, is found within a minute.
func TestV832RulesThatNobodyToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		app := sharedPlace{options: inMemory(store)}.boot(t, func(c *authmodule.Config) { c.Now = time.Now })
		g := newGuest(t, app, "acme", "guest@example.com")
		g.requireAnswers(t, app, http.StatusOK, nil, "before")
		require.NoError(t, store.ChangeRules(t.Context(), "acme", 0, writerWithout))
		elapse(time.Minute + time.Second)
		g.requireAnswers(t, app, http.StatusForbidden, nil, "after a minute")
	})
}
