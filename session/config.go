package session

import (
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
}

// Defaults of [Config].
const (
	DefaultTimeoutMinutes      = 60
	DefaultAbsoluteTimeoutDays = 30
)

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
