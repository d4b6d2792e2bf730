package mfa

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

// AlwaysMFA reports whether no login of the account gets by without a second factor, so that a shorter password will do: it has one, and no device
// is or can be trusted to do without.
func (s *Service) AlwaysMFA(ctx context.Context, subject authn.Subject) (bool, error) {
	if s.cfg.TrustDays > 0 {
		return false, nil
	}
	return s.Enrolled(ctx, subject)
}
