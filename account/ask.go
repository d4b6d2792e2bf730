package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// Request asks for something to be sent to an address.
type Request struct {
	Tenant authn.Tenant
	Email  string
	Client authn.Client
}

// counterMail counts what was asked for one address, and counterReset the links to a new password: these apart, so that
// nobody can keep an owner from the one way back by asking for something else, of which the owner may get nothing at all.
const (
	counterMail  authn.CounterKind = "mail"
	counterReset authn.CounterKind = "mail_reset"
	// counterNews counts what one owner was told of one kind.
	counterNews authn.CounterKind = "mail_news"
)

const (
	mailWindow = time.Hour
	countTries = 16
	// retryBusy is when to come again where others came first each time.
	retryBusy = time.Second
)

// ask admits a request, counted as kind, and returns its canonical address. No step of it depends on whether the address has an account.
func (s *Service) ask(ctx context.Context, r Request, kind authn.CounterKind) (string, error) {
	if !s.Sends() {
		return "", ErrNoNotifier
	}
	if _, err := authn.ParseTenant(string(r.Tenant)); err != nil {
		return "", err
	}
	email, err := authn.CanonicalEmail(r.Email)
	if err != nil {
		return "", err
	}
	return email, s.admit(ctx, authn.CounterKey{Tenant: r.Tenant, Kind: kind, ID: digest(email)}, r.Client)
}

// admit counts a mail that is asked for, by who asks and by its address.
func (s *Service) admit(ctx context.Context, key authn.CounterKey, client authn.Client) error {
	if err := s.deps.Throttle.Blocked(authn.FactorMail, client); err != nil {
		return err
	}
	s.deps.Throttle.Failed(ctx, authn.FactorMail, client)
	return s.count(ctx, key)
}

// count counts one of MailsPerHour, or returns an [authn.ThrottledError].
func (s *Service) count(ctx context.Context, key authn.CounterKey) error {
	if s.deps.Counters == nil {
		return nil
	}
	now := s.deps.Now().UTC()
	for range countTries {
		c, err := s.deps.Counters.Counter(ctx, key)
		if err != nil {
			return fmt.Errorf("account: count a mail: %w", err)
		}
		if age := now.Sub(c.WindowStart); age >= mailWindow || age < -mailWindow {
			c.WindowStart, c.Failures = now, 0
		}
		if c.Failures >= int64(s.cfg.MailsPerHour) {
			return &authn.ThrottledError{RetryAfter: min(max(c.WindowStart.Add(mailWindow).Sub(now), retryBusy), mailWindow)}
		}
		c.Failures++
		c.Last, c.Expires = now, c.WindowStart.Add(mailWindow)
		if err = s.deps.Counters.PutCounter(ctx, key, c, c.Version); err == nil {
			return nil
		}
		if !errors.Is(err, authn.ErrConflict) {
			return fmt.Errorf("account: count a mail: %w", err)
		}
	}
	return &authn.ThrottledError{RetryAfter: retryBusy}
}

// digest keeps addresses that strangers type out of the store.
func digest(email string) string {
	sum := sha256.Sum256([]byte(email))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// mail sends what is made for the account with the address, in the background: nothing where there is none that is active.
func (s *Service) mail(kind NoticeKind, r Request, email string, notice func(context.Context, authn.User) (*Notice, error)) error {
	return s.out.put(job{kind, func(ctx context.Context) (*Notice, error) {
		user, err := s.deps.Users.UserByEmail(ctx, r.Tenant, email)
		if errors.Is(err, authn.ErrNotFound) || err == nil && !user.Active() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return notice(ctx, user)
	}})
}

// notice is one to the account's address.
func (s *Service) notice(kind NoticeKind, user authn.User, client authn.Client) *Notice {
	return &Notice{
		Kind: kind, To: user.Email, Subject: user.Subject, Time: s.deps.Now(), IP: client.IPText(), UserAgent: client.UserAgent,
	}
}

// linked is one with a link.
func (s *Service) linked(ctx context.Context, kind NoticeKind, user authn.User, client authn.Client, p purpose, act *audit.Act) (*Notice, error) {
	link, expires, err := s.issue(ctx, user, p, ticket{}, act)
	if err != nil {
		return nil, err
	}
	n := s.notice(kind, user, client)
	n.Link, n.Expires = link, expires
	return n, nil
}
