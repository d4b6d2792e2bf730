package mfa

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

const (
	kindTrusted = "trusted_device"
	trustKind   = "td"
)

// trust makes the client of a complete login one that needs no second factor until the time it returns. Its secret is kept as a hash.
func (s *Service) trust(ctx context.Context, q authn.FactorQuery, name string) (setting.Secret, time.Time, error) {
	if s.cfg.TrustDays == 0 {
		return "", time.Time{}, nil
	}
	subject, now := q.Proof.Subject, s.deps.Now()
	id, errID := credential.NewID(s.deps.Rand, string(subject.Tenant), subject.ID)
	secret, errSecret := credential.NewSecret(s.deps.Rand)
	if err := errors.Join(errID, errSecret); err != nil {
		return "", time.Time{}, fmt.Errorf("mfa: trust a device: %w", err)
	}
	r := Record{
		Subject: subject, ID: id, Kind: kindTrusted, Name: name, Data: credential.Hash(secret),
		Counter: q.User.CredentialVersion, CreatedAt: now, Expires: now.Add(s.cfg.TrustDays.Duration()), Version: 1,
	}
	act := s.deps.Events.Act(event(audit.DeviceTrusted, subject, q.Client, "", map[string]string{"device_id": id}))
	if err := s.deps.Store.CreateFactor(act.In(ctx), r, int(s.cfg.MaxTrusted)); err != nil {
		return "", time.Time{}, wrapped("trust a device", err)
	}
	act.Tell(ctx)
	return credential.Credential{Kind: trustKind, ID: id, Secret: secret}.Encode(), r.Expires, nil
}

// trusted reports whether the client is one that was trusted, since when the account's password has not changed.
func (s *Service) trusted(ctx context.Context, q authn.FactorQuery) (bool, error) {
	if s.cfg.TrustDays == 0 || q.Trust == "" {
		return false, nil
	}
	given, err := credential.Parse(trustKind, q.Trust)
	if err != nil {
		return false, nil //nolint:nilerr // it is no device that is trusted
	}
	list, err := s.records(ctx, q.Proof.Subject)
	r, found := first(list, named(kindTrusted, given.ID))
	good := found && r.Counter == q.User.CredentialVersion && subtle.ConstantTimeCompare(r.Data, credential.Hash(given.Secret)) == 1
	return good && err == nil, err
}

// trustEnds is when a device is not trusted any more, by what is configured now: that may be less than when it was trusted.
func (s *Service) trustEnds(r Record) time.Time {
	if end := r.CreatedAt.Add(s.cfg.TrustDays.Duration()); end.Before(r.Expires) {
		return end
	}
	return r.Expires
}

// Distrust has a device need a second factor again, or all that are trusted for the empty ID. It returns [authn.ErrNotFound].
func (s *Service) Distrust(ctx context.Context, subject authn.Subject, id string, by By) error {
	if id == "" {
		act := s.removing(subject, by, kindTrusted, "")
		if err := s.dropAll(act.In(ctx), subject, kindTrusted); err != nil {
			return err
		}
		act.Tell(ctx)
		return nil
	}
	list, err := s.records(ctx, subject)
	if err != nil {
		return err
	}
	r, found := first(list, named(kindTrusted, id))
	if !found {
		return authn.ErrNotFound
	}
	act := s.removing(subject, by, kindTrusted, id)
	if err := s.drop(act.In(ctx), r); err != nil {
		return err
	}
	act.Tell(ctx)
	return nil
}
