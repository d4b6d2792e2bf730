package mfa

import (
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// required reports whether the account must have a second factor.
func (c Config) required(q authn.FactorQuery) bool {
	if c.Require == RequireEverybody || slices.Contains(c.RequireTenants, string(q.Proof.Subject.Tenant)) {
		return true
	}
	return slices.ContainsFunc(c.RequireRoles, func(role string) bool { return slices.Contains(q.Roles, role) })
}

// GraceEnds is when an account of that age must have a second factor, if it must have one.
func (s *Service) GraceEnds(created time.Time) time.Time {
	from := created
	if s.since.After(from) {
		from = s.since
	}
	return from.Add(s.cfg.GraceDays.Duration())
}
