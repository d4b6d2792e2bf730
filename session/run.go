package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// flushEvery is how often what is due is looked for.
	flushEvery = time.Second
	// warnEvery is how often at most the log says that storing fails.
	warnEvery = time.Minute
	// flushAtOnce is how many uses one call of the store records.
	flushAtOnce = 500
	// mostFailures is how many calls for one batch may fail before the store is taken for down.
	mostFailures = 24
)

// SaveUp has uses saved up from now on, for a [Manager.Run] that is about to begin.
func (m *Manager) SaveUp() { m.running.Store(true) }

// Run stores saved-up uses when they are due and tells of new devices, until
// ctx is done. Call [Manager.Flush] after it. While it does not run, each use is stored at once.
func (m *Manager) Run(ctx context.Context) {
	m.SaveUp()
	defer m.running.Store(false)
	var telling sync.WaitGroup
	defer telling.Wait()
	telling.Go(func() { m.tell(ctx) })
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			now := m.deps.Now().UTC()
			if err := m.flushInTime(ctx, now); err != nil && ctx.Err() == nil && now.Sub(told) >= warnEvery {
				told = now
				m.deps.Log.WarnContext(ctx, "the last uses of sessions could not be stored; it is tried again each second", "error", err)
			}
		}
	}
}

// flushInTime gives up before what is due next would come too late.
func (m *Manager) flushInTime(ctx context.Context, by time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeBefore-flushEvery)
	defer cancel()
	return m.flush(ctx, by)
}

// tell notifies of new devices one after another: a notifier that hangs holds up other notices, and nothing else.
func (m *Manager) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-m.notices:
			m.notify(ctx, n)
		}
	}
}

// Flush stores every saved-up use, and then tells of the new devices that nobody was told of yet, as far as ctx lets it. It is for the end of a program.
func (m *Manager) Flush(ctx context.Context) error {
	err := m.flush(ctx, m.deps.Now().UTC().Add(m.idle("", true)+m.idle("", false)))
	for ctx.Err() == nil {
		select {
		case n := <-m.notices:
			m.notify(ctx, n)
			continue
		default:
		}
		break
	}
	return err
}

// flush stores the uses that are due by the given time. What fails holds up nothing else.
func (m *Manager) flush(ctx context.Context, by time.Time) error {
	var errs []error
	for batch := range slices.Chunk(m.uses.due(m.deps.Now().UTC(), by), flushAtOnce) {
		if err := m.store(ctx, batch); err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// store stores a batch; one that fails is stored in halves, so that a use that cannot be stored keeps no other from it.
// After a few halvings that all fail it is the store that fails, and the rest waits for the next second.
func (m *Manager) store(ctx context.Context, batch []dueUse) error {
	patience := mostFailures
	return m.storeHalves(ctx, batch, &patience)
}

func (m *Manager) storeHalves(ctx context.Context, batch []dueUse, patience *int) error {
	err := m.storeAll(ctx, batch)
	if err == nil {
		return nil
	}
	if *patience--; len(batch) == 1 || *patience <= 0 || ctx.Err() != nil {
		return err
	}
	half := len(batch) / 2
	return errors.Join(m.storeHalves(ctx, batch[:half], patience), m.storeHalves(ctx, batch[half:], patience))
}

func (m *Manager) storeAll(ctx context.Context, batch []dueUse) error {
	touches := make([]Touch, 0, len(batch))
	for _, d := range batch {
		touches = append(touches, touchOf(d.key, d.use))
	}
	if err := m.deps.Store.TouchSessions(ctx, touches...); err != nil {
		return fmt.Errorf("session: store the last uses: %w", err)
	}
	next := m.deps.Now().UTC().Add(m.cfg.saveUp())
	for _, d := range batch {
		m.uses.stored(d.key, d.use, next)
	}
	return nil
}
