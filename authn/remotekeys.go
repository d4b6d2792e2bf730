package authn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrKeysUnavailable is returned while another issuer's keys cannot be had: none
// were fetched yet, or the last ones are too old. The token is neither good nor bad then.
var ErrKeysUnavailable = errors.New("authn: the issuer's keys are not available")

// RemoteKeysConfig says where another issuer's keys are.
type RemoteKeysConfig struct {
	// URL is the address of a JWK Set: https, or http to a loopback host.
	URL string
	// Algorithms are those that keys may have; one at least, and none that takes a secret.
	Algorithms []string
	// MaxStale is how long keys may be used after they were fetched, when they cannot be fetched again. Defaults to 24 hours.
	MaxStale time.Duration
	// Client sends the requests. Redirects are not followed, and cookies neither sent nor kept, whatever it says. Defaults to a plain client.
	Client *http.Client
	// Log is told when keys cannot be fetched, at most once in 30 seconds.
	Log *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

const (
	// DefaultMaxStale is how long keys outlive the last successful fetch.
	DefaultMaxStale = 24 * time.Hour
	// fetchTimeout bounds one fetch, its body included.
	fetchTimeout = 5 * time.Second
	// coolDown is the least time from the beginning of one fetch to that of the next, also after a failure.
	coolDown = 30 * time.Second
	// Keys are fetched again after the max-age of their answer, within these bounds.
	shortestFresh, usualFresh, longestFresh = 5 * time.Minute, 15 * time.Minute, 30 * time.Minute
)

// RemoteKeys are the public keys of another issuer, fetched when a token needs
// them. The first token waits for the first fetch; later ones are verified with the keys at hand while these are
// fetched anew in the background; one with an unknown kid waits for a fetch, which happens at most every 30
// seconds, whatever tokens come. It is safe for concurrent use.
type RemoteKeys struct {
	cfg  RemoteKeysConfig
	ring KeyRing
	// state is nil before the first success.
	state atomic.Pointer[fetchedKeys]

	mu sync.Mutex
	// began is when the last fetch began; running is closed when it ends, and nil when none runs.
	began   time.Time
	running chan struct{}
	closed  bool
	// background is the context of fetches; they outlive the request that began them.
	background context.Context
	stop       context.CancelFunc
}

// fetchedKeys says of which moment the keys in the ring are.
type fetchedKeys struct{ at, freshUntil time.Time }

// NewRemoteKeys returns RemoteKeys that have fetched nothing yet.
func NewRemoteKeys(cfg RemoteKeysConfig) (*RemoteKeys, error) {
	if err := checkRemoteURL(cfg.URL); err != nil {
		return nil, fmt.Errorf("authn: the URL of a key set %w", err)
	}
	if err := checkRemoteAlgorithms(cfg.Algorithms); err != nil {
		return nil, err
	}
	if cfg.MaxStale < 0 || cfg.Log == nil {
		return nil, errors.New("authn: remote keys need a log, and a bound on their age that is not negative")
	}
	if cfg.MaxStale == 0 {
		cfg.MaxStale = DefaultMaxStale
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Client = withoutRedirects(cfg.Client)
	k := &RemoteKeys{cfg: cfg}
	k.background, k.stop = context.WithCancel(context.Background())
	return k, nil
}

// withoutRedirects copies the client. What a redirect leads to, nobody configured.
func withoutRedirects(client *http.Client) *http.Client {
	plain := http.Client{}
	if client != nil {
		plain = *client
	}
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	plain.Jar = nil
	return &plain
}

func checkRemoteAlgorithms(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("%w: no algorithm is accepted", ErrKey)
	}
	for i, name := range names {
		spec, err := algorithmNamed(name)
		if err != nil {
			return err
		}
		if spec.secret > 0 {
			return fmt.Errorf("%w: %s takes a secret, which no URL can give", ErrKey, name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%w: %s is named twice", ErrKey, name)
		}
	}
	return nil
}

// checkRemoteURL says in words that follow the name of the address what is wrong with it.
func checkRemoteURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("is not an https address with a host")
	case u.User != nil || u.Fragment != "":
		return errors.New("has a user or a fragment")
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("is neither https nor http to a loopback host")
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Close ends a fetch that runs, waits for it, and lets none begin.
func (k *RemoteKeys) Close() {
	k.stop()
	k.mu.Lock()
	k.closed = true
	running := k.running
	k.mu.Unlock()
	if running != nil {
		<-running
	}
}

// VerifyJWS is [KeyRing.VerifyJWS] with the issuer's keys of the moment. It
// returns [ErrKeysUnavailable] when there are none, or only such as are older than MaxStale.
func (k *RemoteKeys) VerifyJWS(ctx context.Context, message string, policy JWSPolicy) (JWS, error) {
	if err := k.usable(ctx); err != nil {
		return JWS{}, err
	}
	known := k.state.Load()
	jws, err := k.ring.VerifyJWS(message, policy)
	if !errors.Is(err, ErrTokenKey) {
		return jws, err
	}
	k.await(ctx, k.refresh())
	if k.state.Load() == known {
		return JWS{}, err
	}
	return k.ring.VerifyJWS(message, policy)
}

// usable returns nil when there are keys that are not too old, and sees to it
// that they stay so.
func (k *RemoteKeys) usable(ctx context.Context) error {
	state, now := k.state.Load(), k.cfg.Now()
	if state == nil || now.Sub(state.at) >= k.cfg.MaxStale {
		k.await(ctx, k.refresh())
		if state = k.state.Load(); state == nil || now.Sub(state.at) >= k.cfg.MaxStale {
			return ErrKeysUnavailable
		}
		return nil
	}
	if !now.Before(state.freshUntil) {
		k.refresh()
	}
	return nil
}

// refresh begins a fetch, unless one runs or began within the cool-down. It
// returns what is closed when the fetch that runs ends, or nil when none runs.
func (k *RemoteKeys) refresh() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.cfg.Now()
	since := now.Sub(k.began)
	if k.running != nil || k.closed || since >= 0 && since < coolDown {
		return k.running
	}
	k.began, k.running = now, make(chan struct{})
	go k.run(k.running)
	return k.running
}

func (k *RemoteKeys) await(ctx context.Context, running <-chan struct{}) {
	if running == nil {
		return
	}
	select {
	case <-running:
	case <-ctx.Done():
	}
}

func (k *RemoteKeys) run(done chan struct{}) {
	defer close(done)
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running = nil
	}()
	ctx, cancel := context.WithTimeout(k.background, fetchTimeout)
	defer cancel()
	if err := guarded(ctx, k.fetch); err != nil && k.background.Err() == nil {
		k.cfg.Log.Warn("the keys of another issuer could not be fetched", "url", k.cfg.URL, "error", err)
	}
}
