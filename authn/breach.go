package authn

import (
	"context"
	"crypto/sha1" //nolint:gosec // the lists of breached passwords are of SHA-1 hashes; nothing is protected by it here
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Defaults of [BreachConfig].
const (
	DefaultBreachURL                 = "https://api.pwnedpasswords.com/range/"
	DefaultBreachTimeoutMilliseconds = 1000
	// LongestBreachTimeoutMilliseconds is the most that TimeoutMilliseconds can be.
	LongestBreachTimeoutMilliseconds = 10_000
)

// SHA1 is a hash by which breached passwords are listed.
type SHA1 [sha1.Size]byte

// BreachSource is a list of breached passwords.
type BreachSource interface {
	// Breaches returns how often the password is listed, 0 when it is not. An error means that the list did not answer.
	Breaches(ctx context.Context, hash SHA1) (int, error)
}

// Breaches is the [PasswordCheck] that refuses passwords known from breaches.
type Breaches struct {
	sources []BreachSource
	least   int
	open    bool
	log     *slog.Logger
	close   func() error
}

var _ PasswordCheck = (*Breaches)(nil)

// BreachDeps are what [NewBreaches] works with.
type BreachDeps struct {
	// Client asks the server. Redirects are not followed, and cookies neither sent nor kept, whatever it says. Defaults to a plain client.
	Client *http.Client
	// Log is required. Neither passwords nor their hashes appear in it.
	Log *slog.Logger
}

// NewBreaches opens the file, if one is configured, and asks no server. It returns nil when the configuration names no list.
func NewBreaches(cfg BreachConfig, deps BreachDeps) (*Breaches, error) {
	if !cfg.Online && cfg.File == "" {
		return nil, nil
	}
	if deps.Log == nil || cfg.Least < 0 || cfg.OnOutage != "" && cfg.OnOutage != BreachClosed && cfg.OnOutage != BreachOpen {
		return nil, errors.New("authn: breached passwords need a log, a least count that is not negative, and closed or open for an outage")
	}
	b := &Breaches{least: cfg.Least.Or(1), open: cfg.OnOutage == BreachOpen, log: deps.Log, close: func() error { return nil }}
	if cfg.Online { // before the file, which would have to be closed again
		online, err := newBreachRange(cfg, deps.Client)
		if err != nil {
			return nil, err
		}
		b.sources = append(b.sources, online)
	}
	if cfg.File != "" {
		file, err := OpenBreachFile(cfg.File)
		if err != nil {
			return nil, err
		}
		b.sources, b.close = append([]BreachSource{file}, b.sources...), file.Close
	}
	return b, nil
}

// Close closes the file, if there is one.
func (b *Breaches) Close() error { return b.close() }

// CheckPassword implements [PasswordCheck]. Without an answer of every list it returns
// [ErrBreachUnavailable], or nil if the configuration says open.
func (b *Breaches) CheckPassword(ctx context.Context, n NewPassword) error {
	hash := SHA1(sha1.Sum([]byte(normal(n.Password)))) //nolint:gosec // see the import
	var outage error
	for _, source := range b.sources {
		count, err := source.Breaches(ctx, hash)
		if err != nil {
			outage = errors.Join(outage, err)
			continue
		}
		if count >= b.least {
			return passwordError("breached", "is known from a breach of another service; choose another one")
		}
	}
	if outage == nil {
		return nil
	}
	b.log.WarnContext(ctx, "breached passwords cannot be looked up", "accepted", b.open, "error", outage)
	if b.open {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrBreachUnavailable, outage)
}

func breachTimeout(c setting.Count) (time.Duration, error) {
	n := c.Or(DefaultBreachTimeoutMilliseconds)
	if n < 1 || n > LongestBreachTimeoutMilliseconds {
		return 0, fmt.Errorf("authn: the time for a question about breached passwords must be from 1 to %d ms", LongestBreachTimeoutMilliseconds)
	}
	return time.Duration(n) * time.Millisecond, nil
}
