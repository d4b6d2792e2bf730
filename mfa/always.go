package mfa

import (
	"context"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// AlwaysMFA reports whether no login of the account gets by without a second factor, so that a shorter password will do (NIST SP 800-63B-4,
// section 3.1.1): it has one, it or its tenant must have one from the first day on, and no device can be trusted to do without. A factor that its owner
// may remove does not count, for the password stays; nor does one that a role demands, for roles are taken away.
func (s *Service) AlwaysMFA(ctx context.Context, subject authn.Subject) (bool, error) {
	demanded := s.cfg.Require == RequireEverybody || slices.Contains(s.cfg.RequireTenants, string(subject.Tenant))
	if !demanded || s.cfg.TrustDays > 0 || s.cfg.GraceDays > 0 || s.deps.Now().Before(s.since) {
		return false, nil
	}
	return s.Enrolled(ctx, subject)
}
