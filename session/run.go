package session

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// flushEvery is how often what is due is looked for.
	flushEvery = time.Second
	// warnEvery is how often at most the log says that storing fails.
	warnEvery = time.Minute
	// flushAtOnce is how many uses one call of the store records.
	flushAtOnce = 500
)

// Run stores saved-up uses when they are due and tells of new devices, until
// ctx is done. Call [Manager.Flush] after it.
func (m *Manager) Run(ctx context.Context) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-m.notices:
			m.notify(ctx, n)
		case <-ticker.C:
			now := m.deps.Now().UTC()
			if err := m.flush(ctx, now); err != nil && ctx.Err() == nil && now.Sub(told) >= warnEvery {
				told = now
				m.deps.Log.WarnContext(ctx, "the last uses of sessions could not be stored; it is tried again each second", "error", err)
			}
		}
	}
}

// Flush stores every saved-up use and tells of the new devices that nobody was told of yet. It is for the end of a program.
func (m *Manager) Flush(ctx context.Context) error {
	for {
		select {
		case n := <-m.notices:
			m.notify(ctx, n)
			continue
		default:
		}
		return m.flush(ctx, m.deps.Now().UTC().Add(m.idle("", true)+m.idle("", false)))
	}
}

// flush stores the uses that are due by the given time.
func (m *Manager) flush(ctx context.Context, by time.Time) error {
	for batch := range slices.Chunk(m.uses.due(by), flushAtOnce) {
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
	}
	return nil
}
