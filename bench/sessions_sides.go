package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// managed is the work of a manager that saves uses up for as long.
func (d driver) managed(r *resources, saveUp time.Duration) (work, error) {
	store, err := d.ours(r)
	if err != nil {
		return work{}, err
	}
	clock := newWatch()
	manager, err := session.New(session.Config{LastUseSeconds: setting.Count(saveUp / time.Second)}, session.Deps{Store: store, Now: clock.now})
	if err != nil {
		return work{}, err
	}
	clock.set(-2 * saveUp)
	_, cookies, err := openSessions(manager)
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
	store, err := d.ours(r)
	if err != nil {
		return work{}, err
	}
	manager, err := session.New(session.Config{}, session.Deps{Store: store})
	if err != nil {
		return work{}, err
	}
	ids, _, err := openSessions(manager)
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
	store, err := d.theirs(r)
	if err != nil {
		return work{}, err
	}
	tokens := make([]string, storedSessions)
	for i := range tokens {
		tokens[i] = fmt.Sprintf("%043d", i) // as long as theirs
		if err := store.Commit(tokens[i], make([]byte, theirBytes), time.Now().Add(idleTimeout)); err != nil {
			return work{}, err
		}
	}
	find := func(token string) error {
		data, found, err := store.Find(token)
		if err != nil || !found {
			return errors.Join(err, errGone)
		}
		return store.Commit(token, data, time.Now().Add(idleTimeout))
	}
	return work{n: len(tokens), do: func(_ context.Context, i int) error { return find(tokens[i]) }, check: func() error {
		return errors.Join(find(tokens[0]), refused(find(spoil(tokens[0]))))
	}}, nil
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
func openSessions(m *session.Manager) (ids []string, cookies []setting.Secret, err error) {
	for i := range storedSessions {
		opened, cookie, err := m.Open(context.Background(), opening(i, time.Now()))
		if err != nil {
			return nil, nil, err
		}
		ids, cookies = append(ids, opened.ID), append(cookies, cookie)
	}
	return ids, cookies, nil
}

func sessionClient() authn.Client {
	return authn.Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, 1}), UserAgent: userAgent}
}
