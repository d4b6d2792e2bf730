package mfa

import (
	"context"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// required reports whether the account must have a second factor.
func (s *Service) required(ctx context.Context, q authn.FactorQuery) (bool, error) {
	if s.cfg.Require == RequireEverybody || slices.Contains(s.cfg.RequireTenants, string(q.Proof.Subject.Tenant)) {
		return true, nil
	}
	for _, role := range s.cfg.RequireRoles {
		if slices.Contains(q.Roles, role) {
			return true, nil
		}
		if s.deps.Lineage == nil {
			continue
		}
		if holds, err := s.deps.Lineage.Holds(ctx, q.Proof.Subject.Tenant, q.Roles, role); holds || err != nil {
			return holds, wrapped("look up what a role inherits", err)
		}
	}
	return false, nil
}

// GraceEnds is when an account of that age must have a second factor, if it must have one.
func (s *Service) GraceEnds(created time.Time) time.Time {
	from := created
	if s.since.After(from) {
		from = s.since
	}
	return from.Add(s.cfg.GraceDays.Duration())
}
