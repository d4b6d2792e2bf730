package mfa

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

// Erase drops all that the store has of an account that is deleted: factors, recovery codes, trusted devices and what was being
// enrolled, of whatever kind. It emits no event, and calling it again is no error.
func (s *Service) Erase(ctx context.Context, subject authn.Subject) error {
	list, err := s.deps.Store.Factors(ctx, subject)
	if err != nil {
		return wrapped("read the factors of an account", err)
	}
	for _, r := range list {
		if err := s.drop(ctx, r); err != nil && !errors.Is(err, authn.ErrNotFound) {
			return err
		}
	}
	return nil
}

// OtherFactors returns the names of the factors of [Deps], as their wrong codes are counted.
func (s *Service) OtherFactors() []authn.Factor {
	names := make([]authn.Factor, 0, len(s.deps.Factors))
	for _, f := range s.deps.Factors {
		names = append(names, authn.Factor(f.Name()))
	}
	return names
}
