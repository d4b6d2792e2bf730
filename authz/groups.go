package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// SyncGroups makes the roles that the subject has from an identity provider those of the
// groups that it says the subject is in, as [Config].Groups maps them: a role that no group gives any more is
// taken away, and what was assigned by hand or by another provider stays. source is the provider's name
// in the configuration. A group that is not mapped gives nothing. It reports whether anything changed, which counts at once.
//
// It is for the login of an account that the provider vouched for.
func (s *Service) SyncGroups(ctx context.Context, subject authn.Subject, source string, groups []string) (bool, error) {
	if source == "" {
		return false, fmt.Errorf("%w: the roles of identity providers need the provider's name", ErrNoSource)
	}
	roles := s.rolesOfGroups(groups)
	for _, role := range roles {
		if err := s.known(ctx, subject, role); err != nil {
			return false, err
		}
	}
	if subject.ID == "" {
		return false, ErrNoSubject
	}
	before, err := s.from(ctx, subject, source)
	if err != nil || slices.Equal(before, roles) {
		return false, err
	}
	list := make([]Assignment, len(roles))
	for i, role := range roles {
		list[i] = Assignment{Role: role, Source: source}
	}
	act := s.act(syncEvents(subject, before, roles)...)
	changed, err := s.assigning(ctx, subject, func(ctx context.Context) (bool, error) {
		return s.deps.Assignments.ReplaceAssignments(act.In(ctx), subject, source, list)
	})
	if changed {
		act.Tell(ctx)
	}
	if err != nil {
		return changed, fmt.Errorf("authz: assign the roles of groups: %w", err)
	}
	return changed, nil
}

// from returns the roles that the subject has from the source, ascending.
func (s *Service) from(ctx context.Context, subject authn.Subject, source string) (roles []string, err error) {
	list, err := s.Assignments(ctx, subject)
	for _, a := range list {
		if a.Source == source {
			roles = append(roles, a.Role)
		}
	}
	return roles, err
}

// rolesOfGroups are ascending.
func (s *Service) rolesOfGroups(groups []string) []string {
	var roles []string
	for role, giving := range s.groups {
		if slices.ContainsFunc(giving, func(group string) bool { return slices.Contains(groups, group) }) {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return roles
}

func syncEvents(subject authn.Subject, before, after []string) (events []audit.Event) {
	nobody := authn.Principal{Subject: subject}
	for _, role := range after {
		if !slices.Contains(before, role) {
			events = append(events, changeEvent(audit.RoleAssigned, nobody, subject, role))
		}
	}
	for _, role := range before {
		if !slices.Contains(after, role) {
			events = append(events, changeEvent(audit.RoleUnassigned, nobody, subject, role))
		}
	}
	return events
}
