package authmodule

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bundle"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/sqlstore"
	"github.com/authmodule/authmodule/transport"
)

// Config configures the whole module. Its zero value works in development: accounts in memory and a signing key that
// ends with the process. [Load] fills it from files and variables; code may set the same fields. Each file key and
// variable is described in docs/configuration.md.
type Config struct {
	// Profile is where the program runs. Empty reads LEX_ENV, and is development when that is empty too.
	Profile Profile `yaml:"-"`
	// SecretKey seals what is stored readable only to this application, such as managed signing keys. At least 32 bytes.
	SecretKey setting.Secret `yaml:"secret_key"`
	// PreviousSecretKeys open what they sealed when one of them was SecretKey. They seal nothing.
	PreviousSecretKeys []setting.Secret `yaml:"previous_secret_keys"`
	// JWT configures access and refresh tokens.
	JWT authn.TokenConfig `yaml:"jwt"`
	// Revocation configures how fresh each node's picture of revocations must be.
	Revocation authn.RevocationConfig `yaml:"revocation"`
	// Password configures password hashing, and which passwords may be chosen.
	Password authn.PasswordConfig `yaml:"password"`
	// LoginRateLimit is how many failed logins an account may have, such as 5/minute, which is the default. It
	// holds for each other factor of an account as well.
	LoginRateLimit setting.Rate `yaml:"login_rate_limit"`
	// Throttle configures what else limits failed attempts.
	Throttle authn.ThrottleConfig `yaml:"throttle"`
	// Session configures how long sessions live and how many there may be.
	Session session.Config `yaml:"session"`
	// APIKeys configures API keys.
	APIKeys authn.APIKeyConfig `yaml:"api_keys"`
	// MFA configures second factors.
	MFA mfa.Config `yaml:"mfa"`
	// Account configures what owners do with their accounts: verified addresses, new passwords, logins by mail.
	Account account.Config `yaml:"account"`
	// Audit configures the durable audit journal.
	Audit AuditConfig `yaml:"audit"`
	// SMTP says where the package account/smtp hands mail in. It needs smtp.Module in the application. Without a host nothing is sent.
	SMTP account.SMTPConfig `yaml:"smtp"`
	// Binding says to what sessions and tokens are bound: the client's certificate, its address.
	Binding authn.BindingConfig `yaml:"binding"`
	// Issuers are other issuers whose access tokens are accepted, by names of your own. None by default.
	Issuers map[string]authn.IssuerConfig `yaml:"issuers"`
	// RBAC configures roles.
	RBAC authz.Config `yaml:"rbac"`
	// HTTP configures the module's own routes and cookies.
	HTTP transport.Config `yaml:"http"`
	// Store says where accounts, sessions and roles are kept.
	Store StoreConfig `yaml:"store"`
	// Registration is open or closed. Defaults to open in development and staging; production wants it named.
	Registration authn.RegistrationPolicy `yaml:"registration"`
	// AdminEmail is the address of the first administrator. While no administrator exists, a one-time set-up link for
	// it is logged at start. Empty, the default, logs none.
	AdminEmail string `yaml:"admin_email"`
	// ImpersonationMinutes is how long a session in somebody else's name lives, in minutes from 1 to 60. Defaults to 30.
	ImpersonationMinutes setting.Count `yaml:"impersonation_minutes"`
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time `yaml:"-" json:"-"`
	// Rand is the source of keys, identifiers and secrets. Defaults to crypto/rand.Reader; change it in tests only.
	Rand io.Reader `yaml:"-" json:"-"`
	// unread says which files [Load] has read in vain.
	unread []string
}

var _ fmt.Formatter = Config{}

// Format writes c as %+v does, or as %#v, whatever the verb. Without it fmt shows the secrets of a *Config inside another
// value when the verb does not suit a field: it prints its complaint without asking the fields for their form.
func (c Config) Format(f fmt.State, verb rune) {
	type plain Config
	format := "%+v"
	if verb == 'v' && f.Flag('#') {
		format = "%#v"
	}
	c.Now, c.Rand = nil, nil
	_, _ = fmt.Fprintf(f, format, plain(c))
}

// AuditConfig configures the audit journal, which keeps every event in a chain of keyed hashes.
type AuditConfig struct {
	// Journal switches it on. It needs SecretKey, and a driver that is not memory outside of development.
	Journal bool `yaml:"journal"`
	// KeepDays is how long entries are kept, up to 36,500 days. 0, the default, is for ever.
	KeepDays setting.Days `yaml:"keep_days"`
	// VerifyHours is how often each node reads the whole chain and tells of what somebody has changed in it, in hours up to 8,760. It does so five minutes
	// after the start as well. Defaults to 24.
	VerifyHours setting.Hours `yaml:"verify_hours"`
}

// DefaultVerifyHours is the default of [AuditConfig].VerifyHours, and LongestVerifyHours its upper bound.
const (
	DefaultVerifyHours = 24
	LongestVerifyHours = 8760
)

// StoreConfig says where accounts, sessions and roles are kept.
type StoreConfig struct {
	// Driver is DriverMemory, DriverSQLite or DriverPostgres. Defaults to memory in development; staging and production want it named.
	Driver string `yaml:"driver"`
	// DSN is the data source name for a database driver. It is secret because it may hold a password.
	DSN setting.Secret `yaml:"dsn"`
	// MaxConnections bounds this process's connections to PostgreSQL, up to 1000. All processes together must stay
	// below the server's max_connections. Defaults to 10. Other drivers and a pool of [UseDatabase] do not heed it.
	MaxConnections setting.Count `yaml:"max_connections"`
	// Migrate says what happens to the database's schema at start: MigrateAuto, MigrateCheck or MigrateOff. Defaults to auto.
	Migrate string `yaml:"migrate"`
	// TimeoutSeconds is how long one call of a store may take, in seconds from 1 to 60; the request is refused with 503 after it.
	// It holds for the drivers but memory, and for stores of the application's own. Defaults to 2.
	TimeoutSeconds setting.Count `yaml:"timeout_seconds"`
	// MaxRecords is how many records of each kind the memory driver keeps: sessions, accounts, one-time records and
	// so on; what would be one more is refused with 503. Defaults to 1,000,000, which is the most.
	MaxRecords setting.Count `yaml:"max_records"`
	// Sessions is where sessions, revocations and one-time records are kept: SessionsRedis, or empty, the default, for the driver.
	Sessions string `yaml:"sessions"`
	// Redis is where Redis is. It needs redisstore.Module in the application.
	Redis RedisConfig `yaml:"redis"`
}

// SessionsRedis is the value of [StoreConfig.Sessions] that keeps sessions, revocations, one-time records and counters of failed attempts in Redis.
const SessionsRedis = bundle.SessionsRedis

// RedisConfig says where Redis is and how to reach it.
type RedisConfig struct {
	// Addr are one server's host:port, or those of some nodes of a cluster.
	Addr []string `yaml:"addr"`
	// Username is that of Redis' access control list. Empty is the default user.
	Username string `yaml:"username"`
	// Password is that user's. Empty is none.
	Password setting.Secret `yaml:"password"`
	// TLS encrypts the connection; the server's certificate must be valid for its host by the system's authorities.
	TLS bool `yaml:"tls"`
	// Prefix begins every key. Defaults to authmodule.
	Prefix string `yaml:"prefix"`
	// DB is the number of the database, 0 by default and in a cluster.
	DB setting.Count `yaml:"db"`
}

// DefaultStoreTimeoutSeconds is the default of [StoreConfig.TimeoutSeconds], and LongestStoreTimeoutSeconds its upper bound.
const (
	DefaultStoreTimeoutSeconds = 2
	LongestStoreTimeoutSeconds = 60
)

// DefaultImpersonationMinutes is the default of [Config.ImpersonationMinutes], and LongestImpersonationMinutes its upper bound.
const (
	DefaultImpersonationMinutes = int(authn.DefaultImpersonation / time.Minute)
	LongestImpersonationMinutes = int(authn.LongestImpersonation / time.Minute)
)

// The values of [StoreConfig.Driver].
const (
	// DriverMemory keeps everything in this process and loses it when the process ends.
	DriverMemory = "memory"
	// DriverSQLite is one database file.
	DriverSQLite = "sqlite"
	// DriverPostgres is a database of PostgreSQL.
	DriverPostgres = "postgres"
)

// The values of [StoreConfig.Migrate].
const (
	// MigrateAuto brings the schema up to date.
	MigrateAuto = "auto"
	// MigrateCheck refuses to start on a schema that is not up to date.
	MigrateCheck = "check"
	// MigrateOff neither looks at the schema nor changes it.
	MigrateOff = "off"
)

// WithDefaults returns a copy in which every unset field has its default. What the profile wants to be named stays
// unset, so that [Config.Validate] judges the copy as it judges c.
func (c Config) WithDefaults() Config {
	c.Profile = c.Profile.orEnvironment()
	c.JWT = c.JWT.WithDefaults()
	c.Revocation = c.Revocation.WithDefaults()
	c.Password = passwordDefaults(c.Password)
	c.Throttle.AccountRate = c.LoginRateLimit
	c.Throttle = c.Throttle.WithDefaults()
	c.LoginRateLimit = c.Throttle.AccountRate
	c.Session = c.Session.WithDefaults()
	c.APIKeys = c.APIKeys.WithDefaults()
	c.MFA = c.MFA.WithDefaults()
	c.Account = c.Account.WithDefaults()
	c.SMTP = c.SMTP.WithDefaults()
	c.Binding = c.Binding.WithDefaults()
	c.Issuers = issuerDefaults(c.Issuers)
	c.RBAC = c.RBAC.WithDefaults()
	c.HTTP = c.HTTP.WithDefaults()
	if c.HTTP.CheckRoutes == "" {
		c.HTTP.CheckRoutes = transport.RouteCheckWarn
		if c.Profile.Strict() {
			c.HTTP.CheckRoutes = transport.RouteCheckStrict
		}
	}
	if c.Store.Driver == "" && !c.Profile.Strict() {
		c.Store.Driver = DriverMemory
	}
	c.Store.MaxConnections = setting.Count(c.Store.MaxConnections.Or(sqlstore.DefaultMaxConns))
	if c.Store.Migrate == "" {
		c.Store.Migrate = MigrateAuto
	}
	if c.Store.TimeoutSeconds == 0 {
		c.Store.TimeoutSeconds = DefaultStoreTimeoutSeconds
	}
	if c.Store.MaxRecords == 0 {
		c.Store.MaxRecords = memstore.DefaultRecords
	}
	if c.Store.Redis.Prefix == "" {
		c.Store.Redis.Prefix = defaultRedisPrefix
	}
	if c.ImpersonationMinutes == 0 {
		c.ImpersonationMinutes = setting.Count(DefaultImpersonationMinutes)
	}
	if c.Audit.VerifyHours == 0 {
		c.Audit.VerifyHours = DefaultVerifyHours
	}
	if c.Registration == "" && c.Profile != ProfileProduction {
		c.Registration = authn.RegistrationOpen
	}
	return c
}

func issuerDefaults(issuers map[string]authn.IssuerConfig) map[string]authn.IssuerConfig {
	if issuers == nil {
		return nil
	}
	all := make(map[string]authn.IssuerConfig, len(issuers))
	for name, issuer := range issuers {
		all[name] = issuer.WithDefaults()
	}
	return all
}

func passwordDefaults(c authn.PasswordConfig) authn.PasswordConfig {
	c.MemoryKiB = setting.Count(c.MemoryKiB.Or(authn.DefaultMemoryKiB))
	c.Iterations = setting.Count(c.Iterations.Or(authn.DefaultIterations))
	c.Parallelism = setting.Count(c.Parallelism.Or(authn.DefaultParallelism))
	c.MinLength = setting.Count(c.MinLength.Or(authn.ShortestPassword))
	c.MinLengthMFA = setting.Count(c.MinLengthMFA.Or(authn.ShortestPasswordWithMFA))
	c.Breach.URL = cmp.Or(c.Breach.URL, authn.DefaultBreachURL)
	c.Breach.TimeoutMilliseconds = setting.Count(c.Breach.TimeoutMilliseconds.Or(authn.DefaultBreachTimeoutMilliseconds))
	c.Breach.Least = setting.Count(c.Breach.Least.Or(1))
	return c
}
