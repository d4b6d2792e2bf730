package account

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/authmodule/authmodule/setting"
)

// Verification says what an account may do before its address was verified.
type Verification string

// The verifications.
const (
	// VerifyOff asks for none.
	VerifyOff Verification = "off"
	// VerifyOffered sends a link and lets the account be used before.
	VerifyOffered Verification = "offered"
	// VerifyRequired lets nobody log in before, and registration tells nobody whether the address has an account.
	VerifyRequired Verification = "required"
)

// NotifierLog is the value of [Config.Notifier] that logs notices, with their links and codes, for development.
const NotifierLog = "log"

// Config configures the [Service]. With its zero value flows that send something are there once there is a [Notifier].
type Config struct {
	// Notifier is log, in development alone, or empty: the notifier is the application's, that of account/smtp, or there is none.
	Notifier string `yaml:"notifier"`
	// VerifyEmail is off, offered or required. Defaults to required where there is a notifier, and to off where there is none.
	VerifyEmail Verification `yaml:"verify_email"`
	// TokenMinutes is how long a link is good, in minutes, 60 at most (ASVS, NIST). Defaults to 60.
	TokenMinutes setting.Minutes `yaml:"token_minutes"`
	// MailsPerHour is how many links to a new password may be asked for one address in an hour, and how many messages with other
	// links or codes together, and how many of each kind of news its owner is sent. Defaults to 5.
	MailsPerHour setting.Count `yaml:"mails_per_hour"`
	// Senders is how many notices are sent at once, and how many more of those that are tried again: 1 to 64. Fewer where the mail
	// server takes few connections. Defaults to 4.
	Senders setting.Count `yaml:"senders"`
	// SendSeconds bounds one call of the notifier, in seconds from 1 to 120. Defaults to 30.
	SendSeconds setting.Count `yaml:"send_seconds"`
	// MagicLink lets accounts log in by a link sent by e-mail. Off by default: whoever reads the mailbox has the account.
	MagicLink bool `yaml:"magic_link"`
	// LoginCode lets accounts log in by a code sent by e-mail. Off by default, for the same reason.
	LoginCode bool `yaml:"login_code"`
	// ResetRevokesKeys has a new password by a link, and an administrator who wants one, end the API keys of the account too. Off by default:
	// what works by a key need not know the password.
	ResetRevokesKeys bool `yaml:"reset_revokes_keys"`
	// SelfDelete lets owners delete their accounts. On by default.
	SelfDelete setting.Toggle `yaml:"self_delete"`
	// SecurityNotices tells owners of changes to their accounts. On by default.
	SecurityNotices setting.Toggle `yaml:"security_notices"`
	// Links are pages of the application's own, to which links lead.
	Links Links `yaml:"links"`
}

// Links are addresses of pages, such as https://app.example.com/reset. The token follows as the fragment, #token, which browsers
// send to no server. Empty ones are pages of the module below auth.http.public_url.
type Links struct {
	VerifyEmail   string `yaml:"verify_email"`
	ResetPassword string `yaml:"reset_password"`
	ChangeEmail   string `yaml:"change_email"`
	MagicLink     string `yaml:"magic_link"`
}

// SMTPConfig says where the package account/smtp hands its mail in.
type SMTPConfig struct {
	// Host is the server's name, by which its certificate is checked. Empty, the default, sends nothing.
	Host string `yaml:"host"`
	// Port defaults to 587, and to 465 with TLS implicit.
	Port setting.Count `yaml:"port"`
	// Username logs in at the server, by PLAIN or LOGIN, once the connection is encrypted. Empty, the default, nobody does.
	Username string `yaml:"username"`
	// Password is that user's.
	Password setting.Secret `yaml:"password"`
	// From is the sender, one address, or a name and an address in angle brackets. What stands before the @ is ASCII.
	From string `yaml:"from"`
	// Product is what mails call the application. Defaults to the host of auth.http.public_url, and without that to the domain of From.
	Product string `yaml:"product"`
	// TLS is starttls, implicit or insecure_none. Defaults to starttls, without which nothing is sent.
	TLS SMTPTLS `yaml:"tls"`
	// TimeoutSeconds bounds one delivery, in seconds from 1 to 60. Defaults to 10. [Config.SendSeconds] bounds it besides.
	TimeoutSeconds setting.Count `yaml:"timeout_seconds"`
	// Templates is a folder with templates that take the place of the embedded ones of the same names.
	Templates string `yaml:"templates"`
}

// SMTPTLS says how the connection to a mail server is encrypted.
type SMTPTLS string

// The ways to encrypt.
const (
	// SMTPStartTLS begins in clear and demands STARTTLS.
	SMTPStartTLS SMTPTLS = "starttls"
	// SMTPImplicit encrypts from the first byte.
	SMTPImplicit SMTPTLS = "implicit"
	// SMTPInsecureNone sends in clear, for a server on this machine.
	SMTPInsecureNone SMTPTLS = "insecure_none"
)

// Defaults of [Config] and [SMTPConfig].
const (
	DefaultTokenMinutes       = 60
	DefaultMailsPerHour       = 5
	DefaultSenders            = 4
	DefaultSendSeconds        = 30
	DefaultSMTPPort           = 587
	DefaultSMTPImplicitPort   = 465
	DefaultSMTPTimeoutSeconds = 10
)

const (
	longestToken   = 60
	mostMails      = 100
	mostSenders    = 64
	longestSend    = 120
	longestTimeout = 60
	highestPort    = 65535
)

// WithDefaults returns a copy in which every unset field has its default, but VerifyEmail, whose default depends on the notifier.
func (c Config) WithDefaults() Config {
	if c.TokenMinutes == 0 {
		c.TokenMinutes = DefaultTokenMinutes
	}
	c.MailsPerHour = setting.Count(c.MailsPerHour.Or(DefaultMailsPerHour))
	c.Senders = setting.Count(c.Senders.Or(DefaultSenders))
	c.SendSeconds = setting.Count(c.SendSeconds.Or(DefaultSendSeconds))
	return c
}

// Problem is a field that cannot be used.
type Problem struct {
	// Key is the field's name in files, such as token_minutes.
	Key string
	// Wrong says what is wrong with it, Right what to set instead.
	Wrong, Right string
}

// Problems returns everything that is wrong with c.
func (c Config) Problems() []Problem {
	c = c.WithDefaults()
	var list problems
	list.unless(c.Notifier == "" || c.Notifier == NotifierLog, "notifier", "is unknown", "log, or leave it out")
	list.unless(c.VerifyEmail == "" || c.VerifyEmail == VerifyOff || c.VerifyEmail == VerifyOffered || c.VerifyEmail == VerifyRequired,
		"verify_email", "is unknown", "off, offered or required")
	list.unless(c.TokenMinutes >= 1 && c.TokenMinutes <= longestToken, "token_minutes", "is out of range", "1 to 60 minutes")
	list.unless(c.MailsPerHour >= 1 && c.MailsPerHour <= mostMails, "mails_per_hour", "is out of range", "1 to 100")
	list.unless(c.Senders >= 1 && c.Senders <= mostSenders, "senders", "is out of range", "1 to 64")
	list.unless(c.SendSeconds >= 1 && c.SendSeconds <= longestSend, "send_seconds", "is out of range", "1 to 120 seconds")
	for _, link := range c.Links.keyed() {
		list.unless(link.page == "" || isPage(link.page), link.key, "is no address of a page", "one such as https://app.example.com/reset, without a fragment")
	}
	return list
}

type keyedPage struct{ key, page string }

func (l Links) keyed() []keyedPage {
	return []keyedPage{
		{"links.verify_email", l.VerifyEmail}, {"links.reset_password", l.ResetPassword}, {"links.change_email", l.ChangeEmail}, {"links.magic_link", l.MagicLink},
	}
}

// Unencrypted returns the keys, such as links.reset_password, of pages that come in clear: who changes one on its way has the token.
func (l Links) Unencrypted() (keys []string) {
	for _, link := range l.keyed() {
		if u, err := url.Parse(link.page); err == nil && u.Scheme == "http" {
			keys = append(keys, link.key)
		}
	}
	return keys
}

// WithDefaults returns a copy in which every unset field has its default, but Product.
func (c SMTPConfig) WithDefaults() SMTPConfig {
	if c.TLS == "" {
		c.TLS = SMTPStartTLS
	}
	port := DefaultSMTPPort
	if c.TLS == SMTPImplicit {
		port = DefaultSMTPImplicitPort
	}
	c.Port = setting.Count(c.Port.Or(port))
	c.TimeoutSeconds = setting.Count(c.TimeoutSeconds.Or(DefaultSMTPTimeoutSeconds))
	return c
}

// Problems returns everything that is wrong with c, which may be empty as a whole.
func (c SMTPConfig) Problems() []Problem {
	c = c.WithDefaults()
	if c == (SMTPConfig{}).WithDefaults() {
		return nil
	}
	var list problems
	list.unless(isHost(c.Host), "host", "is no host", "the name of the mail server, such as mail.example.com, without a port")
	list.unless(isSender(c.From), "from", "is no address", "the sender's address, such as Example <noreply@example.com>")
	list.unless(isLine(c.Product), "product", "has a line break or a control character", "the name of the application")
	list.unless(c.Port >= 1 && c.Port <= highestPort, "port", "is out of range", "1 to 65535")
	list.unless(c.Username == "" || c.Password != "", "password", "is not set, and auth.smtp.username is", "that user's password, or leave the user name out")
	list.unless(c.Username != "" || c.Password == "", "username", "is not set, and auth.smtp.password is", "the name to log in with, or leave the password out")
	list.unless(c.TLS == SMTPStartTLS || c.TLS == SMTPImplicit || c.TLS == SMTPInsecureNone, "tls", "is unknown", "starttls, implicit or insecure_none")
	list.unless(c.TLS != SMTPInsecureNone || c.Username == "", "tls", "is insecure_none, which would send the password in clear",
		"starttls or implicit, or leave out username and password")
	list.unless(c.TimeoutSeconds >= 1 && c.TimeoutSeconds <= longestTimeout, "timeout_seconds", "is out of range", "1 to 60 seconds")
	return list
}

// Loopback reports whether Host is this machine.
func (c SMTPConfig) Loopback() bool {
	ip, err := netip.ParseAddr(c.Host)
	return c.Host == "localhost" || err == nil && ip.IsLoopback()
}

type problems []Problem

func (l *problems) unless(good bool, key, wrong, right string) {
	if !good {
		*l = append(*l, Problem{key, wrong, right})
	}
}

// String says what is wrong and what would be right.
func (p Problem) String() string { return fmt.Sprintf("%s %s: set it to %s", p.Key, p.Wrong, p.Right) }

func isPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.Contains(text, "#")
}

// isHost accepts names and addresses; what is wrong with a name beyond its characters is found by asking for it.
func isHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || text != "" && !strings.ContainsAny(text, ":/@[] ") && isLine(text)
}

// isSender accepts one mailbox with a plain local part, which every server takes.
func isSender(text string) bool {
	address, err := mail.ParseAddress(text)
	if err != nil || !isLine(address.Name) {
		return false
	}
	local, domain, _ := strings.Cut(address.Address, "@")
	return domain != "" && !strings.HasPrefix(domain, "[") && strings.Trim(local, plainLocal) == ""
}

const plainLocal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+-/=?^_`{|}~"

func isLine(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) < 0
}
