package authz

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// The number of accounts that [Service.Holders] returns at a time.
const (
	DefaultHolders = 100
	MaxHolders     = 1000
)

// RolesOf returns the roles assigned to the subject, or the default role alone when none is.
// It reads the store each time.
func (s *Service) RolesOf(ctx context.Context, subject authn.Subject) ([]string, error) {
	if subject.ID == "" {
		return nil, ErrNoSubject
	}
	roles, err := s.deps.Assignments.Assignments(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("authz: read assignments: %w", err)
	}
	if len(roles) == 0 {
		return []string{s.defaultRole}, nil
	}
	return roles, nil
}

// Assign gives the subject a role of its tenant; [ErrUnknownRole] when there is none of that name.
// Giving it again is no error and no event. It does not ask whether actor may do this.
func (s *Service) Assign(ctx context.Context, actor authn.Principal, subject authn.Subject, role string) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	snap, err := s.snapshots.of(ctx, subject.Tenant)
	if err != nil {
		return err
	}
	if snap.role(role) == nil {
		return fmt.Errorf("%w: %s", ErrUnknownRole, quote(role))
	}
	var added bool
	err = s.deps.Revocations.ChangeAccount(ctx, subject, func(ctx context.Context) (err error) {
		added, err = s.deps.Assignments.Assign(ctx, subject, role)
		return err
	})
	if err != nil {
		return fmt.Errorf("authz: assign role %s: %w", quote(role), err)
	}
	if added {
		s.emitChange(ctx, audit.RoleAssigned, actor, subject, role)
	}
	return nil
}

// Unassign takes a role from the subject, one that is defined nowhere any more included. Taking
// what the subject has not is no error and no event. It does not ask whether actor may do this.
func (s *Service) Unassign(ctx context.Context, actor authn.Principal, subject authn.Subject, role string) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	var removed bool
	err := s.deps.Revocations.ChangeAccount(ctx, subject, func(ctx context.Context) (err error) {
		removed, err = s.deps.Assignments.Unassign(ctx, subject, role)
		return err
	})
	if err != nil {
		return fmt.Errorf("authz: unassign role %s: %w", quote(role), err)
	}
	if removed {
		s.emitChange(ctx, audit.RoleUnassigned, actor, subject, role)
	}
	return nil
}

// Holders returns the IDs of accounts that are assigned the role, ascending, those after the ID
// after, at most limit of them: [DefaultHolders] when limit is not positive, and never more
// than [MaxHolders]. Accounts that have the role by inheritance or by default are not listed.
func (s *Service) Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	if limit <= 0 {
		limit = DefaultHolders
	}
	holders, err := s.deps.Assignments.Holders(ctx, t, role, after, min(limit, MaxHolders))
	if err != nil {
		return nil, fmt.Errorf("authz: read holders of role %s: %w", quote(role), err)
	}
	return holders, nil
}

// emitChange tells of a change to a role. The actor is named unless it is the account itself.
func (s *Service) emitChange(ctx context.Context, what audit.Type, actor authn.Principal, subject authn.Subject, role string) {
	e := audit.Event{Type: what, Tenant: string(subject.Tenant), Subject: subject.ID, Detail: map[string]string{"role": role}}
	if actor.Subject != subject {
		e.Actor = actor.Subject.ID
	}
	s.emit(ctx, e)
}
