package authn

import (
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// ThrottleConfig configures the [Throttle]. Its zero value is on, with the defaults.
type ThrottleConfig struct {
	// AccountRate is how many failures an account may have by one factor, such as its password: auth.login_rate_limit. Defaults to 5/minute.
	AccountRate setting.Rate `yaml:"-"`
	// AddressRateLimit is how many failures may come from one network of clients, by one factor. Defaults to 100/minute.
	AddressRateLimit setting.Rate `yaml:"address_rate_limit"`
	// PairRateLimit is how many an account may have from one network of clients. Defaults to 20/hour.
	PairRateLimit setting.Rate `yaml:"pair_rate_limit"`
	// LockSeconds is how long an account's first lock lasts at least. Each that follows lasts twice as long. Defaults to 30.
	LockSeconds setting.Count `yaml:"lock_seconds"`
	// LongestLockSeconds is how long a lock lasts at most, up to [LongestLock]. Defaults to 3600, or to LockSeconds if that is more.
	LongestLockSeconds setting.Count `yaml:"longest_lock_seconds"`
	// MaxConsecutiveFailures is with how many failures in a row, however slow, a factor of an account is disabled; up to 100. Defaults to 100.
	// A tenth of them, at least one where there are two, is kept for devices that the account has signed in on before; one of those has half of that.
	MaxConsecutiveFailures setting.Count `yaml:"max_consecutive_failures"`
	// IPv4Prefix is the length of an IPv4 network that counts as one. Defaults to 24.
	IPv4Prefix setting.Count `yaml:"ipv4_prefix"`
	// IPv6Prefix is the length of an IPv6 network that counts as one. Defaults to 64.
	IPv6Prefix setting.Count `yaml:"ipv6_prefix"`
	// InsecureDisabled counts and limits nothing: whoever asks may guess without end.
	InsecureDisabled bool `yaml:"insecure_disabled"`
}

// Defaults of [ThrottleConfig].
const (
	DefaultLoginRateLimit     setting.Rate = "5/minute"
	DefaultAddressRateLimit   setting.Rate = "100/minute"
	DefaultPairRateLimit      setting.Rate = "20/hour"
	DefaultLockSeconds                     = 30
	DefaultLongestLockSeconds              = 3600
	// MaxConsecutiveFailures is the most that NIST SP 800-63B-4, section 3.2.2, permits.
	MaxConsecutiveFailures = 100
	// LongestLock is the most that LongestLockSeconds, and so LockSeconds, can be: a day.
	LongestLock = 86_400
)

// WithDefaults returns a copy in which every unset field has its default.
func (c ThrottleConfig) WithDefaults() ThrottleConfig {
	for _, rate := range []struct {
		to       *setting.Rate
		fallback setting.Rate
	}{{&c.AccountRate, DefaultLoginRateLimit}, {&c.AddressRateLimit, DefaultAddressRateLimit}, {&c.PairRateLimit, DefaultPairRateLimit}} {
		if *rate.to == "" {
			*rate.to = rate.fallback
		}
	}
	c.LockSeconds = setting.Count(c.LockSeconds.Or(DefaultLockSeconds))
	c.LongestLockSeconds = setting.Count(c.LongestLockSeconds.Or(max(DefaultLongestLockSeconds, int(c.LockSeconds))))
	c.MaxConsecutiveFailures = setting.Count(c.MaxConsecutiveFailures.Or(MaxConsecutiveFailures))
	c.IPv4Prefix = setting.Count(c.IPv4Prefix.Or(DefaultIPv4Prefix))
	c.IPv6Prefix = setting.Count(c.IPv6Prefix.Or(DefaultIPv6Prefix))
	return c
}

// limits are the configuration as the throttle needs it.
type limits struct {
	account, address, pair limit
	// strangers is how many consecutive failures may come from devices that are not known, device how many from one that is, all how many at all.
	strangers, device, all int64
	bits4, bits6           int
}

// reservedShare is the part of the consecutive failures that is kept for known devices.
const reservedShare = 10

func (c ThrottleConfig) limits() (l limits, err error) {
	c = c.WithDefaults()
	for _, part := range []struct {
		to   *limit
		key  string
		rate setting.Rate
	}{{&l.account, "login_rate_limit", c.AccountRate}, {&l.address, "throttle.address_rate_limit", c.AddressRateLimit}, {&l.pair, "throttle.pair_rate_limit", c.PairRateLimit}} {
		n, per, err := part.rate.Parse()
		if err != nil {
			return limits{}, fmt.Errorf("authn: %s %w", part.key, err)
		}
		part.to.most, part.to.window = int64(n), per
	}
	l.account.first, l.account.longest = time.Duration(c.LockSeconds)*time.Second, time.Duration(c.LongestLockSeconds)*time.Second
	l.pair.first, l.pair.longest = l.account.first, l.account.longest
	l.all = int64(c.MaxConsecutiveFailures)
	l.strangers = max(l.all-max(l.all/reservedShare, 1), 1)
	l.device = max((l.all-l.strangers+1)/2, 1)
	l.bits4, l.bits6 = int(c.IPv4Prefix), int(c.IPv6Prefix)
	switch {
	case l.all < 1 || l.all > MaxConsecutiveFailures:
		err = fmt.Errorf("authn: throttle.max_consecutive_failures must be from 1 to %d", MaxConsecutiveFailures)
	case c.LockSeconds < 1 || c.LongestLockSeconds < c.LockSeconds || c.LongestLockSeconds > LongestLock: // the durations may have overflowed
		err = fmt.Errorf("authn: throttle.lock_seconds must be at least 1 and no more than longest_lock_seconds, which must be at most %d", LongestLock)
	case l.bits4 < ShortestIPv4Prefix || l.bits4 > 32 || l.bits6 < ShortestIPv6Prefix || l.bits6 > 128:
		err = fmt.Errorf("authn: throttle.ipv4_prefix must be from %d to 32, and ipv6_prefix from %d to 128", ShortestIPv4Prefix, ShortestIPv6Prefix)
	}
	return l, err
}
