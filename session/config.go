package session

import (
	"fmt"
	"time"

	"github.com/authmodule/authmodule/authn"
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
	// Ask has the user choose which sessions to end; see [authn.SessionLimitError].
	Ask LimitPolicy = "ask"
)

// Config configures the [Manager]. Its zero value is the safest working default.
type Config struct {
	// Preset is aal1, aal2 or aal3: no session lives longer than the level permits. None by default.
	Preset Preset `yaml:"preset"`
	// TimeoutMinutes is how long a cookie session may stay unused, in minutes. Defaults to 60, or to what Preset permits.
	TimeoutMinutes setting.Minutes `yaml:"timeout_minutes"`
	// AbsoluteTimeoutDays is when a session ends however much it is used, in days. Defaults to 30, or to what Preset permits.
	AbsoluteTimeoutDays setting.Days `yaml:"absolute_timeout_days"`
	// RememberDays is when a session ends, in days, whose user asked to be remembered. Zero, the default, remembers nobody.
	RememberDays setting.Days `yaml:"remember_days"`
	// RememberIdleDays is how long a remembered session may stay unused, in days. Defaults to RememberDays, 30 at most.
	RememberIdleDays setting.Days `yaml:"remember_idle_days"`
	// MaxPerUser is how many live sessions an account may have. Zero, the default, is no limit.
	MaxPerUser setting.Count `yaml:"max_per_user"`
	// Roles are limits for the accounts that have a role assigned. Of all limits of an account the lowest counts.
	Roles map[string]LimitRule `yaml:"roles"`
	// Tenants are limits for the accounts of a tenant. Of all limits of an account the lowest counts.
	Tenants map[string]LimitRule `yaml:"tenants"`
	// OnLimit is evict_oldest, refuse or ask. Defaults to evict_oldest.
	OnLimit LimitPolicy `yaml:"on_limit"`
	// RefreshGraceSeconds is for how long after a refresh the token that was exchanged still
	// answers, with the same child again; at most [MaxRefreshGraceSeconds]. Set it when clients
	// may refresh twice at once or lose an answer. Zero, the default, makes any second use a reuse.
	RefreshGraceSeconds setting.Count `yaml:"refresh_grace_seconds"`
	// LastUseSeconds is for how long the uses of a cookie session are saved up before the last of
	// them is stored, in seconds. Defaults to 60, or to a tenth of the timeout if that is less, or to 1 where sessions are limited.
	LastUseSeconds setting.Count `yaml:"last_use_seconds"`
}

// LimitRule is what a role or a tenant adds to the limit for everybody.
type LimitRule struct {
	// MaxPerUser is how many live sessions each of these accounts may have. Zero, the default, adds no limit.
	MaxPerUser setting.Count `yaml:"max_per_user"`
}

// Defaults of [Config].
const (
	DefaultTimeoutMinutes      = 60
	DefaultAbsoluteTimeoutDays = 30
	DefaultLastUseSeconds      = 60
	fullDay                    = 24 * time.Hour
	// longestRememberIdle is the default of RememberIdleDays, unless RememberDays is less.
	longestRememberIdle = 30
)

// MaxLastUseSeconds is the most that LastUseSeconds may be.
const MaxLastUseSeconds = 3600

// MaxRefreshGraceSeconds is the longest grace window.
const MaxRefreshGraceSeconds = 10

// WithDefaults returns a copy in which every unset field has its default. An absolute
// timeout that a preset limits to less than a day stays unset.
func (c Config) WithDefaults() Config {
	idle, absolute := c.Preset.Limits()
	if c.TimeoutMinutes == 0 {
		c.TimeoutMinutes = setting.Minutes(within(DefaultTimeoutMinutes*time.Minute, idle) / time.Minute)
	}
	if c.AbsoluteTimeoutDays == 0 {
		c.AbsoluteTimeoutDays = setting.Days(within(DefaultAbsoluteTimeoutDays*fullDay, absolute) / fullDay)
	}
	if c.RememberIdleDays == 0 {
		c.RememberIdleDays = min(c.RememberDays, longestRememberIdle)
	}
	if c.OnLimit == "" {
		c.OnLimit = EvictOldest
	}
	return c
}

// Limited reports whether sessions are limited in number.
func (c Config) Limited() bool {
	return c.MaxPerUser > 0 || len(c.Roles) > 0 || len(c.Tenants) > 0
}

// limit is the lowest of the limits that concern the account.
func (c Config) limit(t authn.Tenant, roles []string) Limit {
	lowest := c.MaxPerUser
	lower := func(n setting.Count) {
		if n > 0 && (lowest == 0 || n < lowest) {
			lowest = n
		}
	}
	lower(c.Tenants[string(t)].MaxPerUser)
	for _, role := range roles {
		lower(c.Roles[role].MaxPerUser)
	}
	limit := Limit{Max: int(lowest), Policy: c.OnLimit}
	if limit.Policy == Ask {
		limit.Policy = Refuse
	}
	return limit
}

// idle is how long a cookie session may stay unused.
func (c Config) idle(remember bool) time.Duration {
	limit, _ := c.Preset.Limits()
	if remember && c.RememberDays > 0 {
		return within(c.RememberIdleDays.Duration(), limit)
	}
	return within(c.TimeoutMinutes.Duration(), limit)
}

// absolute is when a session ends however much it is used.
func (c Config) absolute(remember bool) time.Duration {
	_, limit := c.Preset.Limits()
	if remember && c.RememberDays > 0 {
		return within(c.RememberDays.Duration(), limit)
	}
	if c.AbsoluteTimeoutDays == 0 {
		return limit
	}
	return within(c.AbsoluteTimeoutDays.Duration(), limit)
}

// Lifetime is the longest that any session lives.
func (c Config) Lifetime() time.Duration {
	c = c.WithDefaults()
	return max(c.absolute(false), c.absolute(true))
}

func (c Config) grace() time.Duration { return time.Duration(c.RefreshGraceSeconds) * time.Second }

// saveUp is for how long uses are saved up.
func (c Config) saveUp() time.Duration {
	const part = 10
	longest := min(DefaultLastUseSeconds*time.Second, c.idle(false)/part)
	switch {
	case c.LastUseSeconds > 0:
		return min(time.Duration(c.LastUseSeconds)*time.Second, c.idle(false)/2)
	case c.Limited():
		return min(longest, time.Second) // eviction goes by the last use
	}
	return longest
}

// check refuses what would weaken a session silently. The application's configuration is checked as a whole before.
func (c Config) check() error {
	if c.RefreshGraceSeconds < 0 || c.RefreshGraceSeconds > MaxRefreshGraceSeconds {
		return fmt.Errorf("session: RefreshGraceSeconds is %d; it must be from 0 to %d", c.RefreshGraceSeconds, MaxRefreshGraceSeconds)
	}
	if !c.Preset.Known() {
		return fmt.Errorf("session: there is no preset %q; use aal1, aal2 or aal3", string(c.Preset))
	}
	return nil
}
