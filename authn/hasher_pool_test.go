package authn_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// arrival is a context that tells when a caller has its place in the queue:
// only then does the pool ask for Done.
type arrival struct {
	context.Context
	once    sync.Once
	arrived chan struct{}
}

func newArrival(ctx context.Context) *arrival {
	return &arrival{Context: ctx, arrived: make(chan struct{})}
}

func (a *arrival) Done() <-chan struct{} {
	a.once.Do(func() { close(a.arrived) })
	return a.Context.Done()
}

// queued starts n hashes, returns when all of them are in the queue, and returns where their results will come.
func queued(ctx context.Context, h *authn.Hasher, n int) <-chan error { return hashing(ctx, h.Hash, n) }

func hashing(ctx context.Context, hash func(context.Context, setting.Secret) (string, error), n int) <-chan error {
	results := make(chan error, n)
	for range n {
		a := newArrival(ctx)
		go func() {
			_, err := hash(a, "correct horse battery staple")
			results <- err
		}()
		<-a.arrived
	}
	return results
}

// requireRefused requires that the call gets no place in the queue. One that gets it hangs up, instead of waiting for a worker that is held.
func requireRefused(t *testing.T, hash func(context.Context, setting.Secret) (string, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a, done := newArrival(ctx), make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		select {
		case <-a.arrived:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err := hash(a, kitPassword)
	require.ErrorIs(t, err, authn.ErrOverloaded)
}

// fillQueue puts n callers into the queue, and returns how to end them.
func fillQueue(t testing.TB, h *authn.Hasher, n int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	results := queued(ctx, h, n)
	return func() {
		cancel()
		for range n {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("a caller who waited for a busy worker ended with %v", err)
			}
		}
	}
}

func newPool(t testing.TB, workers, queue int) *authn.Hasher {
	t.Helper()
	cfg := cheap
	cfg.Workers, cfg.Queue = setting.Count(workers), setting.Count(queue)
	return newTestHasher(t, cfg)
}

func TestHasherRefusesAtOnceWhenTheQueueIsFull(t *testing.T) {
	t.Parallel()
	h := newPool(t, 2, 3)
	first, second := h.HoldWorker(), h.HoldWorker()
	hash := h.DecoyHash()
	waiting := queued(t.Context(), h, 3)
	for range 3 {
		_, err := h.Hash(t.Context(), "password")
		require.ErrorIs(t, err, authn.ErrOverloaded)
		_, err = h.Check(t.Context(), "password", hash)
		require.ErrorIs(t, err, authn.ErrOverloaded)
		require.ErrorIs(t, h.Decoy(t.Context(), "password"), authn.ErrOverloaded, "an unknown account fares no better")
	}
	first()
	second()
	for range 3 {
		require.NoError(t, <-waiting, "who waited is served")
	}
	_, err := h.Hash(t.Context(), "password")
	require.NoError(t, err, "and all places are free again")
}

// While all workers are busy nobody else computes; with one free, one computes after another.
func TestHasherRunsNoMoreThanItsWorkers(t *testing.T) {
	t.Parallel()
	const workers, callers = 3, 20
	h := newPool(t, workers, callers)
	releases := make([]func(), workers)
	for i := range releases {
		releases[i] = h.HoldWorker()
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := queued(ctx, h, callers)
	cancel()
	for range callers {
		require.ErrorIs(t, <-waiting, context.Canceled, "one that went ahead would have no error")
	}
	releases[0]()
	waiting = queued(t.Context(), h, callers)
	for range callers {
		require.NoError(t, <-waiting)
	}
	releases[1]()
	releases[2]()
}

func TestHasherStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 1)
	release := h.HoldWorker()
	for range 3 { // a place that is not given back would be missed in the second round
		ctx, cancel := context.WithCancel(t.Context())
		waiting := queued(ctx, h, 1)
		cancel()
		require.ErrorIs(t, <-waiting, context.Canceled)
	}
	release()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Hash(ended, "password")
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Check(ended, "password", h.DecoyHash())
	require.ErrorIs(t, err, context.Canceled, "also with a worker free")
	require.ErrorIs(t, h.Decoy(ended, "password"), context.Canceled)
}

func TestHasherGivesPlacesBackAfterErrors(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 1)
	for range 5 {
		_, err := h.Check(t.Context(), "password", "garbage")
		require.Error(t, err)
		match, err := h.Check(t.Context(), "password", h.DecoyHash())
		require.NoError(t, err)
		assert.False(t, match)
	}
}

func TestHasherIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newPool(t, 4, 100)
	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			match, err := h.Check(t.Context(), []setting.Secret{"password", "another"}[i%2], hash)
			assert.NoError(t, err)
			assert.Equal(t, i%2 == 0, match)
		})
	}
	wg.Wait()
}

// THR-03: however many register, set up or reset a password at once, half of all places is left to logins.
func TestHasherLeavesHalfOfItsPlacesToLogins(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 5)
	release := h.HoldWorker()
	ctx, cancel := context.WithCancel(t.Context())
	strangers := hashing(ctx, h.HashForStranger, 3)
	for range 3 {
		requireRefused(t, h.HashForStranger)
	}
	logins := queued(t.Context(), h, 2)
	requireRefused(t, h.Hash)
	cancel()
	for range 3 {
		require.ErrorIs(t, <-strangers, context.Canceled)
	}
	strangers = hashing(t.Context(), h.HashForStranger, 3) // all places were given back
	release()
	for range 2 {
		require.NoError(t, <-logins)
	}
	for range 3 {
		require.NoError(t, <-strangers)
	}
	release, full := h.HoldWorker(), queued(t.Context(), h, 5)
	requireRefused(t, h.HashForStranger)
	release()
	for range 5 {
		require.NoError(t, <-full)
	}
	require.NoError(t, <-hashing(t.Context(), h.HashForStranger, 1))
}

// THR-03: registrations and set-ups that are too many are told so while there is room for others, such as accounts that an administrator makes.
func TestHasherOfRegistrationsAndSetUps(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 3)
	k := newServiceKit(t, func(k *serviceKit, _ *session.Config) { k.deps.Hasher = h })
	setup := authn.AdminSetup{Email: "root@example.com", Users: k.Service, OneTime: k.store, Admins: noAdmins{}, Now: k.clock.Now}
	token, err := setup.Issue(t.Context())
	require.NoError(t, err)
	release := h.HoldWorker()
	register := func(ctx context.Context, password setting.Secret) (string, error) {
		user, err := k.Register(ctx, authn.RegisterRequest{Email: rand.Text() + "@example.com", Password: password})
		return user.Subject.ID, err
	}
	create := func(ctx context.Context, password setting.Secret) (string, error) {
		user, err := k.CreateUser(ctx, authn.RegisterRequest{Email: rand.Text() + "@example.com", Password: password})
		return user.Subject.ID, err
	}
	registered := hashing(t.Context(), register, 2)
	requireRefused(t, register)
	requireRefused(t, func(ctx context.Context, password setting.Secret) (string, error) {
		user, err := setup.Redeem(ctx, token, password, authn.Client{})
		return user.Subject.ID, err
	})
	created := hashing(t.Context(), create, 1)
	release()
	for _, results := range []<-chan error{registered, registered, created} {
		require.NoError(t, <-results)
	}
	_, err = setup.Redeem(t.Context(), token, kitPassword, authn.Client{})
	require.NoError(t, err, "the token was not used up")
}

type noAdmins struct{}

func (noAdmins) AnyAdmin(context.Context, authn.Tenant) (bool, error) { return false, nil }

func (noAdmins) MakeAdmin(context.Context, authn.Subject) error { return nil }
