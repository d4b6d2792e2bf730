package bundle

import (
	"context"
	"crypto/rand"
	"errors"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/setting"
)

// newBus takes IDs from crypto/rand, whatever the configuration's source is: the journal drops an event whose ID it has.
func (s Settings) newBus(journal *audit.Journal, l logger) *audit.Bus {
	bus := audit.NewBus(l.named(), s.Now, audit.WithIDs(rand.Reader))
	bus.Subscribe(audit.NewLogListener(l.named()))
	if journal != nil {
		journal.Subscribe(bus)
	}
	return bus
}

// subscribe adds the application's listeners in an Invoke, so that a listener
// may itself use the services.
func subscribe(_ slot.Checked, bus *audit.Bus, listeners slot.Members[audit.Listener]) {
	for _, listener := range slot.Values(listeners.List) {
		bus.Subscribe(listener)
	}
}

const journalPurpose = "audit journal"

// newJournal returns nil when there is none. Its hooks come after those of the store and before those of all that tells of
// events, so that at the stop it has the last of them.
func (s Settings) newJournal(lc fx.Lifecycle, p ports, l logger) (*audit.Journal, error) {
	if !s.Journal.Enabled {
		return nil, nil
	}
	secret, err := s.journalSecret()
	if err != nil {
		return nil, s.loud(err)
	}
	var keys [][]byte
	for _, one := range append([]setting.Secret{secret}, s.PreviousSecretKeys...) {
		key, err := authn.DeriveSecret([]byte(one.Reveal()), journalPurpose)
		if err != nil {
			return nil, s.loud(err)
		}
		keys = append(keys, key)
	}
	journal, err := audit.NewJournal(audit.JournalDeps{
		Store: p.journal, Key: keys[0], Previous: keys[1:], Keep: s.Journal.Keep, Log: l.named(), Now: s.Now,
	})
	if err != nil {
		return nil, s.loud(err)
	}
	background(lc, journal.Run, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := journal.Flush(ctx); err != nil {
			l.named().Error("the last audit events could not be written, and those that came with no act are lost", "error", err)
		}
	})
	background(lc, func(ctx context.Context) { journal.Watch(ctx, s.Journal.Verify) })
	return journal, nil
}

// journalSecret is auth.secret_key, or for a memory store, which is lost with it, one for the life of the process.
func (s Settings) journalSecret() (setting.Secret, error) {
	if s.SecretKey != "" {
		return s.SecretKey, nil
	}
	if s.Store.Driver == "memory" && s.Ephemeral {
		return setting.Secret(rand.Text() + rand.Text()), nil
	}
	return "", errors.New("authmodule: auth.audit.journal needs auth.secret_key (LEX_AUTH__SECRET_KEY), which its hashes are made with")
}
