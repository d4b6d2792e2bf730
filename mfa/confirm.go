package mfa

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// waiting is an enrollment that waits for its first code.
type waiting struct {
	factor string
	fits   func(Record) bool
	// accept checks the code and makes the record a factor.
	accept func(*Record) error
}

// confirm makes an enrollment a factor. The code is checked before the account is changed, since a wrong one must end
// no session, and once more when the factor is stored, in the same step.
func (s *Service) confirm(ctx context.Context, subject authn.Subject, by By, w waiting) (codes []setting.Secret, version int64, err error) {
	err = s.counted(ctx, Attempt{Subject: subject, Factor: enrollment(w.factor), Client: by.Client}, func() error {
		codes, version, err = s.confirmed(ctx, subject, by, w)
		return err
	})
	return codes, version, err
}

func (s *Service) confirmed(ctx context.Context, subject authn.Subject, by By, w waiting) (codes []setting.Secret, version int64, err error) {
	if err = s.look(ctx, subject, w); err == nil {
		version, err = s.alter(ctx, subject, by, func(ctx context.Context) error { return s.join(ctx, subject, by, w) })
	}
	if err != nil {
		return nil, 0, s.refusedEnrollment(ctx, subject, by.Client, w.factor, err)
	}
	codes, err = s.standIn(ctx, subject, by.Client)
	return codes, version, err
}

// refusedEnrollment says why a first code made no factor.
func (s *Service) refusedEnrollment(ctx context.Context, subject authn.Subject, client authn.Client, factor string, err error) error {
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return ErrEnrollmentInvalid
	case errors.Is(err, authn.ErrFactorInvalid):
		s.emit(ctx, audit.MFAFailed, subject, client, enrollment(factor), nil)
	}
	return err
}

// look checks the code of an enrollment and stores nothing.
func (s *Service) look(ctx context.Context, subject authn.Subject, w waiting) error {
	list, err := s.records(ctx, subject)
	if err != nil {
		return err
	}
	r, found := first(list, w.fits)
	if !found {
		return authn.ErrNotFound
	}
	r = r.Clone()
	return w.accept(&r)
}

// join stores the factor.
func (s *Service) join(ctx context.Context, subject authn.Subject, by By, w waiting) error {
	var id string
	act := s.deps.Events.ActOf(func(any) []audit.Event {
		return []audit.Event{event(audit.MFAEnrolled, subject, by.Client, w.factor, map[string]string{"factor_id": id})}
	})
	err := s.change(act.In(ctx), subject, w.fits, func(r *Record) error {
		id = r.ID
		return w.accept(r)
	})
	if err != nil {
		return err
	}
	act.Tell(ctx)
	return wrapped("reopen a factor", s.deps.Limiter.Reopen(ctx, subject, w.factor))
}

// standIn returns recovery codes for an account that has none, or had no factor: what it may have then is left of before. One that
// has some keeps them, and with the new factor it has made up for those that were used.
func (s *Service) standIn(ctx context.Context, subject authn.Subject, client authn.Client) ([]setting.Secret, error) {
	list, err := s.records(ctx, subject)
	if err != nil {
		return nil, err
	}
	others, err := s.others(ctx, subject, list)
	if err != nil {
		return nil, err
	}
	r, has := first(list, ofKind(kindRecovery))
	switch {
	case !has || !others:
		return s.makeRecovery(ctx, subject, client, "first")
	case r.Counter == 0:
		return nil, nil
	}
	err = s.change(ctx, subject, ofKind(kindRecovery), func(r *Record) error {
		r.Counter = 0
		return nil
	})
	if errors.Is(err, authn.ErrNotFound) { // somebody has just taken them away
		err = nil
	}
	return nil, err
}
