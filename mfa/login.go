package mfa

import (
	"context"
	"errors"
	"slices"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

var _ authn.SecondFactor = (*Service)(nil)

// Due implements [authn.SecondFactor]. Nothing is due for a proof that is of several factors already, such as a
// passkey's with its user verified, and for a trusted device. An account that has no factor and must have one can enroll one, and do nothing
// else; so can a login by a recovery code where the configuration wants that.
func (s *Service) Due(ctx context.Context, q authn.FactorQuery) (authn.FactorDemand, error) {
	if slices.Contains(q.Proof.Methods, authn.MethodMFA) {
		return s.afterRecovery(ctx, q.Proof)
	}
	ready, err := s.ready(ctx, q)
	if err != nil {
		return authn.FactorDemand{}, err
	}
	if len(ready) == 0 {
		return s.mustEnroll(ctx, q)
	}
	if trusted, err := s.trusted(ctx, q); err != nil || trusted {
		return authn.FactorDemand{}, err
	}
	return authn.FactorDemand{Factors: ready}, nil
}

// ready are the factors that the account can answer with; none if it has nothing but what stands in for others.
func (s *Service) ready(ctx context.Context, q authn.FactorQuery) ([]string, error) {
	var names []string
	asks, twice := false, ""
	for _, f := range s.factors {
		has, err := f.Ready(ctx, q)
		switch {
		case err != nil:
			return nil, err
		case has && f.Name() == NameEmailCode && byMailbox(q.Proof.Methods):
			asks, twice = true, NameEmailCode
		case has:
			names = append(names, f.Name())
			asks = asks || !backup(f)
		}
	}
	switch {
	case !asks:
		return nil, nil
	case len(names) == 0: // the account has a second factor, and this login cannot prove it
		return []string{twice}, nil
	}
	return names, nil
}

// byMailbox reports a proof by the mailbox alone, beside which a code by e-mail is no second factor.
func byMailbox(methods []string) bool {
	return slices.Contains(methods, authn.MethodEmail) && authn.ACROf(methods) == authn.ACR0
}

func (s *Service) mustEnroll(ctx context.Context, q authn.FactorQuery) (authn.FactorDemand, error) {
	must, err := s.required(ctx, q)
	if err != nil || !must || s.deps.Now().Before(s.GraceEnds(q.User.CreatedAt)) {
		return authn.FactorDemand{}, err
	}
	return s.enroll(), nil
}

// enroll demands an enrollment.
func (s *Service) enroll() authn.FactorDemand {
	demand := authn.FactorDemand{Enroll: true}
	for _, f := range s.factors {
		if _, can := f.(Enroller); can {
			demand.Factors = append(demand.Factors, f.Name())
		}
	}
	return demand
}

// Begin implements [authn.SecondFactor].
func (s *Service) Begin(ctx context.Context, q authn.FactorQuery, factor string, enroll bool) (authn.FactorBegun, error) {
	if err := s.offered(ctx, q, factor, enroll); err != nil {
		return authn.FactorBegun{}, err
	}
	f, _ := s.factor(factor)
	if enroll {
		return f.(Enroller).BeginEnroll(ctx, q) // offered has looked
	}
	if b, needs := f.(Beginner); needs {
		return b.Begin(ctx, q)
	}
	return authn.FactorBegun{}, nil
}

// offered refuses a factor that is not due now: the account may have got its first factor since the login began, and must not get
// another one by a password alone.
func (s *Service) offered(ctx context.Context, q authn.FactorQuery, factor string, enroll bool) error {
	q.Trust = ""
	demand, err := s.Due(ctx, q)
	if err != nil {
		return err
	}
	if demand.Enroll != enroll || !slices.Contains(demand.Factors, factor) {
		return authn.ErrFactorInvalid
	}
	return nil
}

// Redeem implements [authn.SecondFactor].
func (s *Service) Redeem(ctx context.Context, q authn.FactorQuery, a authn.FactorAnswer) (authn.FactorResult, error) {
	if err := s.offered(ctx, q, a.Factor, a.Enroll); err != nil {
		return authn.FactorResult{}, err
	}
	result, err := s.answer(ctx, q, a)
	if err != nil {
		if errors.Is(err, authn.ErrFactorInvalid) && !a.Enroll {
			s.emit(ctx, audit.MFAFailed, q.Proof.Subject, a.Client, a.Factor, nil)
		}
		return authn.FactorResult{}, err
	}
	if result.CredentialVersion != 0 {
		q.User.CredentialVersion = result.CredentialVersion
	}
	if a.Trust {
		result.Trust, result.TrustEnds, err = s.trust(ctx, q, a.Device.Name)
	}
	return result, err
}

func (s *Service) answer(ctx context.Context, q authn.FactorQuery, a authn.FactorAnswer) (result authn.FactorResult, err error) {
	f, _ := s.factor(a.Factor)
	if a.Enroll { // counts its own attempts
		return f.(Enroller).FinishEnroll(ctx, q, a.Code, a.State)
	}
	err = s.counted(ctx, Attempt{Subject: q.Proof.Subject, Factor: a.Factor, Client: a.Client, Device: a.Device}, func() (err error) {
		result.Methods, err = f.Verify(ctx, q, a.Code, a.State)
		return absent(err)
	})
	return result, err
}
