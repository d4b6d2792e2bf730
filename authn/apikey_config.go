package authn

import (
	"time"

	"github.com/authmodule/authmodule/setting"
)

// APIKeyConfig configures [APIKeys]. Its zero value lets every account make keys that expire.
type APIKeyConfig struct {
	// Enabled false removes API keys: their routes are not there, and none is accepted. Defaults to true.
	Enabled setting.Toggle `yaml:"enabled"`
	// Prefix begins every key: 1 to 16 of a-z and 0-9. Keys with another prefix are refused, so a change ends all keys. Defaults to ak.
	Prefix string `yaml:"prefix"`
	// Header is one more request header that carries a key, such as X-API-Key. None by default: keys come as Authorization: ApiKey.
	Header string `yaml:"header"`
	// DefaultDays is the lifetime of a key for which none is asked. Defaults to 365, or to MaxDays if that is less.
	DefaultDays setting.Days `yaml:"default_days"`
	// MaxDays is the longest lifetime of a key. Defaults to 365.
	MaxDays setting.Days `yaml:"max_days"`
	// AllowNeverExpire permits keys without an end, when they are asked for.
	AllowNeverExpire bool `yaml:"allow_never_expire"`
	// MaxPerUser is how many live keys an account may have. Defaults to 50.
	MaxPerUser setting.Count `yaml:"max_per_user"`
}

// Defaults of [APIKeyConfig].
const (
	DefaultAPIKeyPrefix     = "ak"
	DefaultAPIKeyDays       = 365
	DefaultAPIKeysPerUser   = 50
	longestAPIKeyOverlap    = 24 * time.Hour
	apiKeyUseEvery          = time.Minute
	expiredAPIKeysAreListed = 30 * 24 * time.Hour
)

// WithDefaults returns a copy in which every unset field has its default.
func (c APIKeyConfig) WithDefaults() APIKeyConfig {
	if c.Prefix == "" {
		c.Prefix = DefaultAPIKeyPrefix
	}
	if c.MaxDays == 0 {
		c.MaxDays = DefaultAPIKeyDays
	}
	if c.DefaultDays == 0 {
		c.DefaultDays = min(DefaultAPIKeyDays, c.MaxDays)
	}
	if c.MaxPerUser == 0 {
		c.MaxPerUser = DefaultAPIKeysPerUser
	}
	return c
}
