package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

const (
	defaultAddr   = "127.0.0.1:8080"
	defaultRecent = 5 * time.Minute
	// passwordVariable holds the password of the accounts that are made at the first start.
	passwordVariable = "EXAMPLE_PASSWORD"
)

// flags are the arguments of the program.
type flags struct {
	addr, data, config, dsn string
	recent                  time.Duration
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("example", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.addr, "addr", defaultAddr, "`address` to listen on")
	set.StringVar(&f.data, "data", "", "`folder` for the databases and the secret that seals its keys (default authmodule-example in the user's configuration folder)")
	set.StringVar(&f.config, "config", "", "configuration `file` of authmodule (default application.yaml, if there is one)")
	set.StringVar(&f.dsn, "dsn", "", "`address` of a PostgreSQL database for accounts and sessions, such as postgres://user@host:5432/database (default a file in the data folder)")
	set.DurationVar(&f.recent, "recent", defaultRecent, "how old a login may be that deletes an article, before its user must prove it anew, as a `duration`")
	if err := set.Parse(args); err != nil {
		return flags{}, err
	}
	if set.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", set.Arg(0))
		fmt.Fprintln(stderr, err)
		set.Usage()
		return flags{}, err
	}
	return f, nil
}

// settings are what the parts of the program are built from.
type settings struct {
	addr string
	// folder is the absolute path of the data folder.
	folder string
	auth   authmodule.Config
	// password is that of the accounts that seed makes; empty means random ones.
	password setting.Secret
	// recent is how old a login may be that deletes an article.
	recent time.Duration
	// out is where people read: the address, and the random passwords.
	out io.Writer
}

// load reads the configuration, makes the data folder and fills in what is not set.
func load(f flags, getenv func(string) string) (settings, error) {
	s := settings{addr: f.addr, recent: f.recent, password: setting.Secret(getenv(passwordVariable))}
	if s.password != "" {
		if err := seedPassword(s.password); err != nil {
			return settings{}, err
		}
	}
	var err error
	if s.folder, err = makeFolder(f.data); err != nil {
		return settings{}, err
	}
	if s.auth, err = loadAuth(f, s.folder); err != nil {
		return settings{}, err
	}
	return s, s.auth.Validate()
}

// loadAuth reads the configuration twice: to see what it lacks, and over what this program has for that, so that what an operator
// switches off is off.
func loadAuth(f flags, folder string) (authmodule.Config, error) {
	var files []string
	if f.config != "" {
		files = []string{f.config}
	}
	configured, err := authmodule.Load(files...)
	if err != nil {
		return authmodule.Config{}, err
	}
	defaults, err := complete(withDSN(configured, f.dsn), folder, f.addr)
	if err != nil {
		return authmodule.Config{}, err
	}
	c, err := authmodule.LoadOver(defaults, files...)
	if err != nil {
		return authmodule.Config{}, err
	}
	return agreed(withDSN(c, f.dsn), configured), nil
}

func withDSN(c authmodule.Config, dsn string) authmodule.Config {
	if dsn != "" {
		c.Store.Driver, c.Store.DSN = authmodule.DriverPostgres, setting.Secret(dsn)
	}
	return c
}

// agreed takes back defaults of this program that are nothing without another that the configuration has switched off.
func agreed(c, configured authmodule.Config) authmodule.Config {
	if !c.Audit.Journal {
		c.HTTP.AuditEndpoint = configured.HTTP.AuditEndpoint
	}
	if !c.JWT.Managed.Enabled {
		c.JWT.Algorithm = configured.JWT.Algorithm
	}
	if !c.Session.Limited() {
		c.Session.OnLimit = configured.Session.OnLimit
	}
	return c
}

// complete sets the store, and in development the keys and where mail goes, unless the configuration does. Elsewhere
// missing keys stay missing, and the module refuses to start. What the page shows is switched on wherever its keys are there.
func complete(c authmodule.Config, folder, addr string) (authmodule.Config, error) {
	if c.Store.Driver == "" {
		c.Store.Driver = authmodule.DriverSQLite
	}
	if c.Store.Driver == authmodule.DriverSQLite && c.Store.DSN == "" {
		c.Store.DSN = setting.Secret(filepath.Join(folder, "example.db"))
	}
	c.HTTP.Health = true // GET /auth/livez and /auth/readyz
	if c.HTTP.CheckRoutes == "" {
		c.HTTP.CheckRoutes = transport.RouteCheckStrict // a route without a guard does not start, in development either
	}
	c.Session = sessionDefaults(c.Session)
	c.RBAC = withArticles(c.RBAC)
	if c.Profile == authmodule.ProfileDevelopment {
		var err error
		if c, err = managedKeys(c, folder); err != nil {
			return c, err
		}
		c = mailed(c, addr)
	}
	return shown(c), nil
}

// shown switches on what the page has forms for. What is sealed, or chained, needs the secret key.
func shown(c authmodule.Config) authmodule.Config {
	if c.RBAC.Enabled.Enabled() { // without roles nobody administers accounts
		c.HTTP.UserEndpoints = true // POST /auth/users/:id/disable and more
		c.HTTP.Impersonation = true
	}
	if mailOf(c) != "" {
		c.Account.MagicLink, c.Account.LoginCode = true, true
	}
	if c.SecretKey == "" {
		return c
	}
	c.MFA.Enabled = true
	if c.MFA.TrustDays == 0 {
		c.MFA.TrustDays = rememberDays
	}
	if c.MFA.Issuer == "" {
		c.MFA.Issuer = "Articles"
	}
	if c.Profile == authmodule.ProfileDevelopment || c.Store.Driver != authmodule.DriverMemory {
		c.Audit.Journal = true
		c.HTTP.AuditEndpoint = c.HTTP.AuditEndpoint || c.RBAC.Enabled.Enabled()
	}
	return c
}

// mailed logs what would be mailed, unless there is a mail server, and lets accounts be used before their address is verified.
func mailed(c authmodule.Config, addr string) authmodule.Config {
	if c.Account.Notifier == "" && c.SMTP.Host == "" {
		c.Account.Notifier = account.NotifierLog
	}
	if c.Account.VerifyEmail == "" {
		c.Account.VerifyEmail = account.VerifyOffered
	}
	if c.HTTP.PublicURL == "" {
		c.HTTP.PublicURL = publicURL(addr)
	}
	return c
}

// publicURL is where a program that listens on addr is found on this machine, or empty when that cannot be told yet.
func publicURL(addr string) string {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil || at.Port == 0 || at.Zone != "" {
		return ""
	}
	if at.IP == nil { // every address
		at.IP = net.IPv6unspecified
	}
	return address(at)
}

// The sessions of this application, unless the configuration says otherwise.
const (
	// rememberDays is for how long a login is remembered, and for how long a device needs no second factor.
	rememberDays = 30
	maxSessions  = 10
)

// sessionDefaults remember who asks for it, and have the user choose when there are too many sessions.
func sessionDefaults(c session.Config) session.Config {
	if c.RememberDays == 0 && c.Preset == "" {
		c.RememberDays = rememberDays
	}
	if !c.Limited() && c.OnLimit == "" {
		c.MaxPerUser, c.OnLimit = maxSessions, session.Ask
	}
	return c
}

// makeFolder returns the absolute path of the data folder, which only its owner may enter when it is made here.
func makeFolder(named string) (string, error) {
	if named == "" {
		parent, err := os.UserConfigDir()
		if err != nil {
			return "", fmt.Errorf("no folder to keep data in; name one with -data: %w", err)
		}
		named = filepath.Join(parent, "authmodule-example")
	}
	folder, err := filepath.Abs(named)
	if err != nil {
		return "", err
	}
	const ownerOnly = 0o700
	return folder, os.MkdirAll(folder, ownerOnly)
}

func seedPassword(password setting.Secret) error {
	var field *authn.FieldError
	policy, err := authn.NewPasswordPolicy(authn.PasswordConfig{})
	if err != nil {
		return err
	}
	if err := policy.Check(context.Background(), authn.NewPassword{Password: password}); errors.As(err, &field) {
		return fmt.Errorf("%s %s", passwordVariable, field.Problem)
	}
	return nil
}
