package authn

import (
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// RevocationMode says how fresh a node's picture of the revocation log must be.
type RevocationMode string

// The revocation modes.
const (
	// RevocationBounded decides by what the node knows, which is never older than
	// a second while the store answers promptly, and never older than MaxStaleSeconds.
	RevocationBounded RevocationMode = "bounded"
	// RevocationStrict asks the store at every request; requests that come at once share one answer.
	RevocationStrict RevocationMode = "strict"
)

// RevocationConfig configures [Revocations]. Its zero value is bounded, by 5 seconds.
type RevocationConfig struct {
	// Mode is bounded or strict. Defaults to bounded.
	Mode RevocationMode `yaml:"mode"`
	// MaxStaleSeconds is for how long a node goes on while the store does not answer, in bounded mode;
	// requests are refused after it. At most [MaxStaleSeconds]. Defaults to 5.
	MaxStaleSeconds setting.Count `yaml:"max_stale_seconds"`
}

// Defaults and bounds of [RevocationConfig].
const (
	DefaultStaleSeconds = 5
	MaxStaleSeconds     = 300
)

const (
	// readLogEvery is how often the log is read where nothing tells of new entries.
	readLogEvery = 500 * time.Millisecond
	// readAgainAfter is the age at which a request reads the log itself, if nobody else does.
	readAgainAfter = 750 * time.Millisecond
	// readTimeout bounds one reading of the log, which may have to wait for its turn at a busy store.
	readTimeout = 5 * time.Second
	// patience is how long a request waits for a fresher view where the one that there is may be used.
	patience = 250 * time.Millisecond
	// logPage is how many entries are read at a time.
	logPage = 5000
	// holdFor is for how long nothing is remembered about what just changed: longer than a change takes to be written.
	holdFor = 10 * time.Second
	// rememberFor is for how long a principal is remembered before its session and account are read again, whatever the log says.
	rememberFor = time.Minute
	// changeKept is how long the log keeps a change: longer than anything that it concerns is remembered, clocks that differ included.
	changeKept = 10 * time.Minute
)

// WithDefaults returns a copy in which every unset field has its default.
func (c RevocationConfig) WithDefaults() RevocationConfig {
	if c.Mode == "" {
		c.Mode = RevocationBounded
	}
	if c.MaxStaleSeconds == 0 {
		c.MaxStaleSeconds = DefaultStaleSeconds
	}
	return c
}

func (c RevocationConfig) check() error {
	if c.Mode != RevocationBounded && c.Mode != RevocationStrict {
		return fmt.Errorf("authn: the revocation mode is %q; it must be bounded or strict", string(c.Mode))
	}
	if c.MaxStaleSeconds < 1 || c.MaxStaleSeconds > MaxStaleSeconds {
		return errors.New("authn: MaxStaleSeconds is out of range")
	}
	return nil
}

func (c RevocationConfig) maxStale() time.Duration {
	return time.Duration(c.MaxStaleSeconds) * time.Second
}
