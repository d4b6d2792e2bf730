package mfa

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Requirement says which accounts must have a second factor.
type Requirement string

// The requirements.
const (
	// RequireNobody leaves it to the owner of the account.
	RequireNobody Requirement = "nobody"
	// RequireEverybody demands it of every account.
	RequireEverybody Requirement = "everybody"
)

// AfterRecovery says what a login by a recovery code must do.
type AfterRecovery string

// What is after a recovery code.
const (
	// AfterRecoveryNone opens a session, which is of a weaker class: [authn.ACR1].
	AfterRecoveryNone AfterRecovery = "none"
	// AfterRecoveryEnroll has the login enroll another factor before there is a session.
	AfterRecoveryEnroll AfterRecovery = "enroll"
)

// Config configures the [Service]. Its zero value has MFA off; with Enabled alone, every account may enroll and none must.
type Config struct {
	// Enabled switches MFA on. It needs auth.secret_key. Off by default.
	Enabled bool `yaml:"enabled"`
	// Issuer is what authenticator apps show beside the account, without a colon, 64 bytes at most. Defaults to authmodule.
	Issuer string `yaml:"issuer"`
	// Algorithm is SHA1, SHA256 or SHA512, for new enrollments. Defaults to SHA1, the only one that every app knows.
	Algorithm Algorithm `yaml:"algorithm"`
	// Digits is 6 or 8, for new enrollments. Defaults to 6.
	Digits setting.Count `yaml:"digits"`
	// StrictTime accepts the code of the present 30 seconds alone. By default the one before and the one after count as well,
	// for clocks that are not exact: a deviation from ASVS V6.5.5.
	StrictTime bool `yaml:"strict_time"`
	// EnrollMinutes is how long an enrollment waits for its first code, in minutes. Defaults to 10.
	EnrollMinutes setting.Minutes `yaml:"enroll_minutes"`
	// MaxApps is how many authenticator apps an account may have. Defaults to 5.
	MaxApps setting.Count `yaml:"max_apps"`
	// EmailCode lets accounts choose codes by e-mail as a factor. It needs a [Sender]. Off by default: a mailbox is a weak factor.
	EmailCode bool `yaml:"email_code"`
	// TrustDays is how long a device may be trusted, in days, that its owner asks to be; a lower number counts for those that are trusted
	// already. Zero, the default, trusts none.
	TrustDays setting.Days `yaml:"trust_days"`
	// MaxTrusted is how many devices of an account are trusted at a time; one more takes the place of the oldest. Defaults to 5.
	MaxTrusted setting.Count `yaml:"max_trusted"`
	// Require is nobody or everybody. Defaults to nobody.
	Require Requirement `yaml:"require"`
	// RequireRoles are roles of which each account that has one, directly or by inheritance, must have a second factor.
	RequireRoles []string `yaml:"require_roles"`
	// RequireTenants are tenants of which each account must have a second factor.
	RequireTenants []string `yaml:"require_tenants"`
	// RequireSince is when the requirement came up, such as 2026-01-31. Accounts that are older have their grace from then on. Empty by default.
	RequireSince string `yaml:"require_since"`
	// GraceDays is for how many days an account without a second factor may still log in, from its creation or from
	// RequireSince, whichever is later. After it, its logins can do nothing but enroll one. Zero by default.
	GraceDays setting.Days `yaml:"grace_days"`
	// AfterRecovery is none or enroll: whether a login by a recovery code must enroll another factor, unless the account
	// has as many as it may have. Defaults to none: who has left the phone at home still gets in.
	AfterRecovery AfterRecovery `yaml:"after_recovery"`
}

// Defaults of [Config].
const (
	DefaultIssuer        = "authmodule"
	DefaultDigits        = 6
	DefaultEnrollMinutes = 10
	DefaultMaxApps       = 5
	DefaultMaxTrusted    = 5
)

const (
	longestIssuer = 64
	longDigits    = 8
	// mostRecords bounds what an account may have of a kind.
	mostRecords   = 20
	longestEnroll = 60
	longestTrust  = 90
	sinceLayout   = time.DateOnly
)

// WithDefaults returns a copy in which every unset field has its default.
func (c Config) WithDefaults() Config {
	if c.Issuer == "" {
		c.Issuer = DefaultIssuer
	}
	if c.Algorithm == "" {
		c.Algorithm = SHA1
	}
	if c.EnrollMinutes == 0 {
		c.EnrollMinutes = DefaultEnrollMinutes
	}
	if c.Require == "" {
		c.Require = RequireNobody
	}
	if c.AfterRecovery == "" {
		c.AfterRecovery = AfterRecoveryNone
	}
	c.Digits = setting.Count(c.Digits.Or(DefaultDigits))
	c.MaxApps = setting.Count(c.MaxApps.Or(DefaultMaxApps))
	c.MaxTrusted = setting.Count(c.MaxTrusted.Or(DefaultMaxTrusted))
	return c
}

// Problem is a field of [Config] that cannot be used.
type Problem struct {
	// Key is the field's name in files, such as digits.
	Key string
	// Wrong says what is wrong with it, Right what to set instead.
	Wrong, Right string
}

// Problems returns everything that is wrong with c.
func (c Config) Problems() []Problem {
	c = c.WithDefaults()
	var list []Problem
	unless := func(good bool, key, wrong, right string) {
		if !good {
			list = append(list, Problem{key, wrong, right})
		}
	}
	unless(len(c.Issuer) <= longestIssuer && printable(c.Issuer) && !strings.Contains(c.Issuer, ":"), "issuer", "is too long, does not print or has a colon", "a name of 64 bytes at most")
	unless(c.Algorithm.known(), "algorithm", "is unknown", "SHA1, SHA256 or SHA512")
	unless(c.Digits == DefaultDigits || c.Digits == longDigits, "digits", "is neither 6 nor 8", "6 or 8")
	unless(c.EnrollMinutes >= 1 && c.EnrollMinutes <= longestEnroll, "enroll_minutes", "is out of range", "1 to 60 minutes")
	unless(c.MaxApps >= 1 && c.MaxApps <= mostRecords, "max_apps", "is out of range", "1 to 20")
	unless(c.MaxTrusted >= 1 && c.MaxTrusted <= mostRecords, "max_trusted", "is out of range", "1 to 20")
	unless(c.TrustDays >= 0 && c.TrustDays <= longestTrust, "trust_days", "is out of range", "0 to 90 days")
	unless(c.Require == RequireNobody || c.Require == RequireEverybody, "require", "is unknown", "nobody or everybody")
	unless(c.AfterRecovery == AfterRecoveryNone || c.AfterRecovery == AfterRecoveryEnroll, "after_recovery", "is unknown", "none or enroll")
	unless(c.GraceDays >= 0, "grace_days", "is negative", "0 or more days")
	_, err := c.since()
	unless(err == nil, "require_since", "is no date", "a date such as 2026-01-31")
	return list
}

// Validate returns all problems as one error, or nil.
func (c Config) Validate() error {
	var errs []error
	for _, p := range c.Problems() {
		errs = append(errs, fmt.Errorf("mfa: %s %s: set it to %s", p.Key, p.Wrong, p.Right))
	}
	return errors.Join(errs...)
}

func (c Config) since() (time.Time, error) {
	if c.RequireSince == "" {
		return time.Time{}, nil
	}
	return time.Parse(sinceLayout, c.RequireSince)
}

// skew is how many steps beside the present one count, on each side.
func (c Config) skew() int64 {
	if c.StrictTime {
		return 0
	}
	return 1
}

func printable(text string) bool {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}
