package authn

import (
	"time"

	"github.com/authmodule/authmodule/setting"
)

// TokenConfig configures the [TokenManager]. Its zero value signs with an ephemeral key in
// development and is refused elsewhere.
type TokenConfig struct {
	// SecretKey is the HMAC key for HS256, HS384 or HS512, its bytes as written. At least 32, 48 or 64 bytes.
	SecretKey setting.Secret `yaml:"secret_key"`
	// PrivateKeyFile is a PEM file with the private key for the RS, PS and ES algorithms or EdDSA.
	PrivateKeyFile string `yaml:"private_key_file"`
	// Algorithm is one of [Algorithms]. Defaults to HS256.
	Algorithm string `yaml:"algorithm"`
	// Keys are several keys by their kid, instead of SecretKey and PrivateKeyFile: one signs, all verify.
	Keys map[string]KeyConfig `yaml:"keys"`
	// Managed has the module make, keep and rotate the keys itself, instead of SecretKey, PrivateKeyFile and Keys.
	Managed ManagedKeyConfig `yaml:"managed"`
	// ExpirationHours is the lifetime of an access token in hours. Set this or AccessTokenExpireMinutes, not both.
	ExpirationHours setting.Hours `yaml:"expiration_hours"`
	// AccessTokenExpireMinutes is the lifetime of an access token in minutes. Defaults to 30.
	AccessTokenExpireMinutes setting.Minutes `yaml:"access_token_expire_minutes"`
	// RefreshTokenExpireDays is how long a session with refresh tokens may stay unused. Defaults to 7.
	RefreshTokenExpireDays setting.Days `yaml:"refresh_token_expire_days"`
	// Issuer is the iss claim. Defaults to "authmodule".
	Issuer string `yaml:"issuer"`
	// Audience is the aud claim. Defaults to "authmodule".
	Audience string `yaml:"audience"`
	// Remembered is how many principals of access tokens a node keeps, and as many of API keys; each takes about
	// a kilobyte while it is used. More are proved anew at each request. Defaults to [DefaultRemembered].
	Remembered setting.Count `yaml:"remembered"`
}

// KeyState says what a key is used for.
type KeyState string

// The states of keys. Configured keys are signing or verifying; managed keys
// are never verifying, but one of the states that say why.
const (
	// KeySigning signs and verifies. One key has it.
	KeySigning KeyState = "signing"
	// KeyVerifying verifies: the next signing key, or the one before until its tokens have expired.
	KeyVerifying KeyState = "verifying"
	// KeyNext is published and verifies, and will sign after the next rotation.
	KeyNext KeyState = "next"
	// KeyRetiring has signed, and verifies until its last token has expired.
	KeyRetiring KeyState = "retiring"
	// KeyKilled is compromised: it neither signs nor verifies.
	KeyKilled KeyState = "killed"
)

// KeyConfig is one of several keys.
type KeyConfig struct {
	// Algorithm is one of [Algorithms]. Defaults to that of [TokenConfig].
	Algorithm string `yaml:"algorithm"`
	// SecretKey is the key of an HS algorithm.
	SecretKey setting.Secret `yaml:"secret_key"`
	// PrivateKeyFile is the key of any other.
	PrivateKeyFile string `yaml:"private_key_file"`
	// State is signing or verifying. Defaults to verifying.
	State KeyState `yaml:"state"`
}

// ManagedKeyConfig configures keys that the module makes itself. See [KeyManager].
type ManagedKeyConfig struct {
	// Enabled switches it on. The keys are sealed with auth.secret_key and kept in the store.
	Enabled bool `yaml:"enabled"`
	// RotateDays is how long a key signs before the next one does. Defaults to 30.
	RotateDays setting.Days `yaml:"rotate_days"`
	// PublishSeconds is how long a key is published at least before it signs on schedule. Defaults to 300, for which caches keep the key set.
	PublishSeconds setting.Count `yaml:"publish_seconds"`
}

// Defaults of [ManagedKeyConfig].
const (
	DefaultRotateDays = 30
	// DefaultPublishSeconds is also for how many seconds others may keep the published key set.
	DefaultPublishSeconds = 300
)

// WithDefaults returns a copy in which every unset field has its default.
func (c ManagedKeyConfig) WithDefaults() ManagedKeyConfig {
	if c.RotateDays == 0 {
		c.RotateDays = DefaultRotateDays
	}
	c.PublishSeconds = setting.Count(c.PublishSeconds.Or(DefaultPublishSeconds))
	return c
}

// Defaults of [TokenConfig].
const (
	DefaultAlgorithm         = "HS256"
	DefaultIssuer            = "authmodule"
	DefaultAudience          = "authmodule"
	DefaultAccessMinutes     = 30
	DefaultRefreshDays       = 7
	longestDefaultAccessLife = 24 * time.Hour
)

// WithDefaults returns a copy in which every unset field has its default.
func (c TokenConfig) WithDefaults() TokenConfig {
	if c.Algorithm == "" {
		c.Algorithm = DefaultAlgorithm
	}
	if c.Issuer == "" {
		c.Issuer = DefaultIssuer
	}
	if c.Audience == "" {
		c.Audience = DefaultAudience
	}
	if c.ExpirationHours == 0 && c.AccessTokenExpireMinutes == 0 {
		c.AccessTokenExpireMinutes = DefaultAccessMinutes
	}
	if c.RefreshTokenExpireDays == 0 {
		c.RefreshTokenExpireDays = DefaultRefreshDays
	}
	if c.Remembered == 0 {
		c.Remembered = DefaultRemembered
	}
	c.Managed = c.Managed.WithDefaults()
	return c
}

// AccessLifetime is how long an access token is valid.
func (c TokenConfig) AccessLifetime() time.Duration {
	c = c.WithDefaults()
	if c.AccessTokenExpireMinutes != 0 {
		return c.AccessTokenExpireMinutes.Duration()
	}
	return c.ExpirationHours.Duration()
}

func (c TokenConfig) remembered() int { return max(int(c.WithDefaults().Remembered), 1) }

// RegistrationPolicy says who may register an account.
type RegistrationPolicy string

// The registration policies.
const (
	RegistrationOpen   RegistrationPolicy = "open"
	RegistrationClosed RegistrationPolicy = "closed"
)
