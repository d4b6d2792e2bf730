package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"github.com/authmodule/authmodule/account"
)

// Options are what a [Sender] may be given beside its configuration. The zero value is sound.
type Options struct {
	// Now is the clock of the Date header. Defaults to time.Now.
	Now func() time.Time
	// Log is told at [New] when mail will travel unencrypted. Defaults to slog.Default().
	Log *slog.Logger
	// RootCAs are the authorities that may have signed the server's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// PublicHost is what mails call the application when the configuration has no Product. Defaults to the domain of From.
	PublicHost string
}

// Sender sends notices by one mail server. It is safe for concurrent use, keeps no connection and starts no goroutine that
// outlives a call.
type Sender struct {
	// cfg has no password: fmt prints what is in fields that are not exported as it is, but no function's result.
	cfg       account.SMTPConfig
	password  func() string
	timeout   time.Duration
	tls       *tls.Config
	from      mail.Address
	domain    string
	product   string
	templates templates
	now       func() time.Time
}

var _ account.Notifier = (*Sender)(nil)

// New returns a sender. It reads and tries every template, and connects to nothing. An error names each setting that cannot be
// used, and each template with its line.
func New(cfg account.SMTPConfig, o Options) (*Sender, error) {
	cfg = cfg.WithDefaults()
	if err := usable(cfg); err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return nil, errors.New("smtp: from is no address")
	}
	s := &Sender{
		cfg: cfg, password: cfg.Password.Reveal, timeout: time.Duration(cfg.TimeoutSeconds) * time.Second, now: o.Now,
		tls: &tls.Config{ServerName: cfg.Host, RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
	}
	s.cfg.Password = ""
	local, domain, _ := strings.Cut(from.Address, "@")
	if s.domain, err = asciiDomain(domain); err != nil {
		return nil, fmt.Errorf("smtp: from has no domain that can be: %w", err)
	}
	s.from = mail.Address{Name: from.Name, Address: local + "@" + s.domain}
	if s.now == nil {
		s.now = time.Now
	}
	s.product = cmp.Or(cfg.Product, o.PublicHost, domain)
	if s.templates, err = loadTemplates(cfg.Templates, s.product); err != nil {
		return nil, err
	}
	s.warn(o.Log)
	return s, nil
}

func usable(cfg account.SMTPConfig) error {
	if cfg.Host == "" {
		return errors.New("smtp: host is empty: set it to the name of the mail server")
	}
	var all []error
	for _, problem := range cfg.Problems() {
		all = append(all, fmt.Errorf("smtp: %s", problem))
	}
	return errors.Join(all...)
}

func (s *Sender) warn(log *slog.Logger) {
	if s.cfg.TLS != account.SMTPInsecureNone || s.cfg.Loopback() {
		return
	}
	if log == nil {
		log = slog.Default()
	}
	log.Warn("mail is sent unencrypted, links and codes included: set auth.smtp.tls to starttls or implicit", "host", s.cfg.Host)
}

// Notify implements [account.Notifier]: it sends one mail, within the context's deadline and the configured timeout. It returns nil
// once the server has taken the mail, [account.ErrUndeliverable] when the address cannot have any or the server refuses it for good,
// and any other error when another attempt may succeed. No error has the link, the code, the server's password or what the server said beyond its
// reply codes.
func (s *Sender) Notify(ctx context.Context, n account.Notice) error {
	m, err := s.compose(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.deliver(ctx, m)
}

// ReportError implements [account.ErrorReporter]: all that Notify returns may be logged.
func (s *Sender) ReportError(err error) string { return err.Error() }
