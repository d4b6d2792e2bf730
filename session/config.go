package session

import (
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// LimitPolicy says what happens to a login that exceeds the session limit.
type LimitPolicy string

// The limit policies.
const (
	// EvictOldest ends the sessions used longest ago to make room.
	EvictOldest LimitPolicy = "evict_oldest"
	// Refuse refuses the login.
	Refuse LimitPolicy = "refuse"
)

// Config configures the [Manager]. Its zero value is the safest working default.
type Config struct {
	// TimeoutMinutes is how long a cookie session may stay unused, in minutes. Defaults to 60.
	TimeoutMinutes setting.Minutes `yaml:"timeout_minutes"`
	// AbsoluteTimeoutDays is when a session ends however much it is used, in days. Defaults to 30.
	AbsoluteTimeoutDays setting.Days `yaml:"absolute_timeout_days"`
	// MaxPerUser is how many live sessions an account may have. Zero, the default, is no limit.
	MaxPerUser setting.Count `yaml:"max_per_user"`
	// OnLimit is evict_oldest or refuse. Defaults to evict_oldest.
	OnLimit LimitPolicy `yaml:"on_limit"`
	// RefreshGraceSeconds is for how long after a refresh the token that was exchanged still
	// answers, with the same child again; at most [MaxRefreshGraceSeconds]. Set it when clients
	// may refresh twice at once or lose an answer. Zero, the default, makes any second use a reuse.
	RefreshGraceSeconds setting.Count `yaml:"refresh_grace_seconds"`
}

// Defaults of [Config].
const (
	DefaultTimeoutMinutes      = 60
	DefaultAbsoluteTimeoutDays = 30
)

// MaxRefreshGraceSeconds is the longest grace window.
const MaxRefreshGraceSeconds = 10

// WithDefaults returns a copy in which every unset field has its default.
func (c Config) WithDefaults() Config {
	if c.TimeoutMinutes == 0 {
		c.TimeoutMinutes = DefaultTimeoutMinutes
	}
	if c.AbsoluteTimeoutDays == 0 {
		c.AbsoluteTimeoutDays = DefaultAbsoluteTimeoutDays
	}
	if c.OnLimit == "" {
		c.OnLimit = EvictOldest
	}
	return c
}

func (c Config) idle() time.Duration     { return c.TimeoutMinutes.Duration() }
func (c Config) absolute() time.Duration { return c.AbsoluteTimeoutDays.Duration() }
func (c Config) grace() time.Duration    { return time.Duration(c.RefreshGraceSeconds) * time.Second }

// check refuses what would weaken a session silently. The application's configuration is checked as a whole before.
func (c Config) check() error {
	if c.RefreshGraceSeconds < 0 || c.RefreshGraceSeconds > MaxRefreshGraceSeconds {
		return fmt.Errorf("session: RefreshGraceSeconds is %d; it must be from 0 to %d", c.RefreshGraceSeconds, MaxRefreshGraceSeconds)
	}
	return nil
}
