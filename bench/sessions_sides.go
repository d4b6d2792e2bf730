package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// managed is the work of a manager that saves uses up for as long.
func (d driver) managed(r *resources, saveUp time.Duration) (work, error) {
	store, filler, err := d.ours(r)
	if err != nil {
		return work{}, err
	}
	clock := newWatch()
	manager, err := session.New(session.Config{LastUseSeconds: setting.Count(saveUp / time.Second)}, session.Deps{Store: store, Now: clock.now})
	if err != nil {
		return work{}, err
	}
	_, cookies, err := openSessions(filler, clock.began.Add(-2*saveUp))
	if err != nil {
		return work{}, err
	}
	resume := func(ctx context.Context, i int) error {
		_, err := manager.Resume(ctx, cookies[i], sessionClient())
		return err
	}
	// The last uses are spread over the time before, as in a program that has run for long.
	for i := range cookies {
		clock.set(-saveUp + saveUp*time.Duration(i)/storedSessions)
		if err := resume(context.Background(), i); err != nil {
			return work{}, err
		}
	}
	clock.set(0)
	return work{
		n: len(cookies), do: resume,
		during: func(ctx context.Context) { clock.start(); defer clock.stop(); manager.Run(ctx) },
		check: func() error {
			_, err := manager.Resume(context.Background(), setting.Secret(spoil(cookies[0].Reveal())), sessionClient())
			return errors.Join(resume(context.Background(), 0), refused(err))
		},
	}, nil
}

// alone is the work of the store by itself: each use is written.
func (d driver) alone(r *resources) (work, error) {
	store, filler, err := d.ours(r)
	if err != nil {
		return work{}, err
	}
	ids, _, err := openSessions(filler, time.Now())
	if err != nil {
		return work{}, err
	}
	do := func(ctx context.Context, i int) error {
		found, err := store.Session(ctx, "", ids[i])
		if err != nil {
			return err
		}
		now := time.Now()
		return store.TouchSessions(ctx, session.Touch{ID: found.ID, Use: session.Use{
			At: now, IdleAt: now.Add(idleTimeout), IP: found.IP, UserAgent: found.UserAgent, Device: found.Device,
		}})
	}
	return work{n: len(ids), do: do, check: func() error {
		_, err := store.Session(context.Background(), "", spoil(ids[0]))
		return errors.Join(do(context.Background(), 0), refused(err))
	}}, nil
}

// theirSessions is the work of the driver for scs.
func (d driver) theirSessions(r *resources) (work, error) {
	store, filler, err := d.theirs(r)
	if err != nil {
		return work{}, err
	}
	ctx, tokens := context.Background(), make([]string, storedSessions)
	err = atOnceEach(len(tokens), func(i int) error {
		tokens[i] = fmt.Sprintf("%043d", i) // as long as theirs
		return commit(ctx, filler, tokens[i], make([]byte, theirBytes))
	})
	do := func(ctx context.Context, token string) error {
		data, found, err := find(ctx, store, token)
		if err != nil || !found {
			return errors.Join(err, errGone)
		}
		return commit(ctx, store, token, data)
	}
	return work{n: len(tokens), do: func(ctx context.Context, i int) error { return do(ctx, tokens[i]) }, check: func() error {
		return errors.Join(do(ctx, tokens[0]), refused(do(ctx, spoil(tokens[0]))))
	}}, err
}

// find and commit prefer the methods that take a context, as scs does.
func find(ctx context.Context, store scs.Store, token string) ([]byte, bool, error) {
	if s, ok := store.(scs.CtxStore); ok {
		return s.FindCtx(ctx, token)
	}
	return store.Find(token)
}

func commit(ctx context.Context, store scs.Store, token string, data []byte) error {
	expiry := time.Now().Add(idleTimeout)
	if s, ok := store.(scs.CtxStore); ok {
		return s.CommitCtx(ctx, token, data, expiry)
	}
	return store.Commit(token, data, expiry)
}

// theirBytes is what a session of scs has in its store.
const theirBytes = 300

var errGone = errors.New("bench: there is no such session")

// refused is for what must not be found.
func refused(err error) error {
	if errors.Is(err, errGone) || errors.Is(err, authn.ErrNotFound) || errors.Is(err, authn.ErrSessionEnded) {
		return nil
	}
	return fmt.Errorf("%w: %w", errAccepted, err)
}

// openSessions opens a session for each of many accounts.
func openSessions(store session.Store, at time.Time) (ids []string, cookies []setting.Secret, err error) {
	manager, err := session.New(session.Config{}, session.Deps{Store: store, Now: func() time.Time { return at }})
	if err != nil {
		return nil, nil, err
	}
	ids, cookies = make([]string, storedSessions), make([]setting.Secret, storedSessions)
	return ids, cookies, atOnceEach(storedSessions, func(i int) error {
		opened, cookie, err := manager.Open(context.Background(), opening(i, at))
		ids[i], cookies[i] = opened.ID, cookie
		return err
	})
}

// atOnceEach calls do for 0 to n-1, a few at a time, and returns the errors.
func atOnceEach(n int, do func(i int) error) error {
	errs := make([]error, someCallers)
	var all sync.WaitGroup
	for caller := range errs {
		all.Go(func() {
			for i := caller; i < n && errs[caller] == nil; i += len(errs) {
				errs[caller] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func sessionClient() authn.Client {
	return authn.Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, 1}), UserAgent: userAgent}
}
