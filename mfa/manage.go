package mfa

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// View is what may be known of a factor: everything but its secret.
type View struct {
	// ID names it, Factor is the name of its kind, Name what its owner calls it.
	ID, Factor, Name string
	CreatedAt        time.Time
	// LastUsedAt is when a code of it was last used.
	LastUsedAt time.Time
	// Expires is zero for what does not end by itself.
	Expires time.Time
}

// Overview is what an account has.
type Overview struct {
	// Factors are those that a login asks for, the oldest first.
	Factors []View
	// RecoveryCodes is how many are left. RecoveryUsed says that one was used since they were made, and no factor was enrolled
	// since: the owner has lost one, or somebody else has found a code.
	RecoveryCodes int
	RecoveryUsed  bool
	// Trusted are the devices that need no second factor.
	Trusted []View
}

// Overview returns what the account has. What waits for its first code is not listed.
func (s *Service) Overview(ctx context.Context, subject authn.Subject) (Overview, error) {
	list, err := s.records(ctx, subject)
	if err != nil {
		return Overview{}, err
	}
	var o Overview
	for _, r := range list {
		v := View{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, Expires: r.Expires}
		switch r.Kind {
		case kindApp:
			v.Factor = NameTOTP
			o.Factors = append(o.Factors, v)
		case kindEmail:
			v.Factor, v.LastUsedAt = NameEmailCode, time.Time{}
			o.Factors = append(o.Factors, v)
		case kindRecovery:
			o.RecoveryCodes, o.RecoveryUsed = len(r.Data)/sha256.Size, r.Counter != 0
		case kindTrusted:
			v.Factor = kindTrusted
			o.Trusted = append(o.Trusted, v)
		}
	}
	return o, nil
}

// Remove takes a factor away, or returns [authn.ErrNotFound]. On every node its next code is refused. With the last one go
// the recovery codes, and with any the trusted devices; other sessions than by.Keep are ended, and logins that wait are refused.
func (s *Service) Remove(ctx context.Context, subject authn.Subject, id string, by By) error {
	list, err := s.records(ctx, subject)
	if err != nil {
		return err
	}
	r, found := first(list, func(r Record) bool { return r.ID == id && (r.Kind == kindApp || r.Kind == kindEmail) })
	if !found {
		return authn.ErrNotFound
	}
	_, err = s.alter(ctx, subject, by, func(ctx context.Context) error { return s.leave(ctx, r, by) })
	return err
}

// leave drops a factor, and with the last one what stands in for it.
func (s *Service) leave(ctx context.Context, r Record, by By) error {
	act := s.removing(r.Subject, by, nameOf(r.Kind), r.ID)
	if err := s.drop(act.In(ctx), r); err != nil {
		return err
	}
	act.Tell(ctx)
	has, err := s.Enrolled(ctx, r.Subject)
	if err != nil || has {
		return err
	}
	return s.dropAll(ctx, r.Subject, kindRecovery, kindPendingApp, kindPendingEmail)
}

// Reset takes away all that an account has here, for an owner who has lost it. The caller has made sure who asks. All its sessions are
// ended, and logins that wait are refused.
func (s *Service) Reset(ctx context.Context, subject authn.Subject, by By) error {
	_, err := s.alter(ctx, subject, by, func(ctx context.Context) error {
		act := s.removing(subject, by, "reset", "")
		if err := s.dropAll(act.In(ctx), subject, kindApp, kindEmail, kindPendingApp, kindPendingEmail, kindRecovery); err != nil {
			return err
		}
		act.Tell(ctx)
		for _, factor := range []string{NameTOTP, NameEmailCode, NameRecoveryCode, enrollment(NameTOTP), enrollment(NameEmailCode)} {
			if err := s.deps.Limiter.Reopen(ctx, subject, factor); err != nil {
				return wrapped("reopen a factor", err)
			}
		}
		return nil
	})
	return err
}

func (s *Service) dropAll(ctx context.Context, subject authn.Subject, kinds ...string) error {
	list, err := s.deps.Store.Factors(ctx, subject)
	if err != nil {
		return wrapped("read the factors of an account", err)
	}
	for _, r := range list {
		for _, kind := range kinds {
			if r.Kind == kind {
				if err := s.drop(ctx, r); err != nil && !errors.Is(err, authn.ErrNotFound) {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Service) drop(ctx context.Context, r Record) error {
	return wrapped("remove a factor", s.deps.Store.DeleteFactor(ctx, r.Subject, r.ID))
}

// removing takes a factor away, or several: then the first that goes takes the event along.
func (s *Service) removing(subject authn.Subject, by By, factor, id string) *audit.Act {
	e := audit.Event{
		Type: audit.MFARemoved, Tenant: string(subject.Tenant), Subject: subject.ID, SessionID: by.Keep, IP: by.Client.IPText(), UserAgent: by.Client.UserAgent, Reason: factor,
	}
	if by.Actor.Subject != subject || by.Actor.Actor != "" {
		e.Actor = authn.ActorID(by.Actor)
	}
	if id != "" {
		e.Detail = map[string]string{"factor_id": id}
	}
	return s.deps.Events.Act(e)
}

// Enrolled reports whether the account has a factor that a login asks for, of this package or another.
func (s *Service) Enrolled(ctx context.Context, subject authn.Subject) (bool, error) {
	ready, err := s.ready(ctx, authn.FactorQuery{Proof: authn.Proof{Subject: subject}})
	return len(ready) > 0, err
}

func nameOf(kind string) string {
	if kind == kindEmail {
		return NameEmailCode
	}
	return NameTOTP
}
