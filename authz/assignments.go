package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// The number of accounts that [Service.Holders] returns at a time.
const (
	DefaultHolders = 100
	MaxHolders     = 1000
)

// RolesOf returns the roles assigned to the subject, or the default role alone when none is. until is when the first of
// them ends, and zero when none does. It reads the store each time.
func (s *Service) RolesOf(ctx context.Context, subject authn.Subject) (roles []string, until time.Time, err error) {
	list, err := s.Assignments(ctx, subject)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, a := range list {
		if !slices.Contains(roles, a.Role) {
			roles = append(roles, a.Role)
		}
		if !a.Until.IsZero() && (until.IsZero() || a.Until.Before(until)) {
			until = a.Until
		}
	}
	if len(roles) == 0 {
		roles = []string{s.defaultRole}
	}
	return roles, until, nil
}

// Assignments returns what is assigned to the subject and has not ended, by ascending role. It reads the store.
func (s *Service) Assignments(ctx context.Context, subject authn.Subject) ([]Assignment, error) {
	if subject.ID == "" {
		return nil, ErrNoSubject
	}
	list, err := s.deps.Assignments.Assignments(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("authz: read assignments: %w", err)
	}
	now := s.deps.Now()
	return slices.DeleteFunc(list, func(a Assignment) bool { return a.ended(now) }), nil
}

func (a Assignment) ended(now time.Time) bool { return !a.Until.IsZero() && !now.Before(a.Until) }

// Assign gives the subject a role of its tenant for good; see [Service.AssignUntil].
func (s *Service) Assign(ctx context.Context, actor authn.Principal, subject authn.Subject, role string) error {
	return s.AssignUntil(ctx, actor, subject, role, time.Time{})
}

// AssignUntil gives the subject a role of its tenant that ends at the given time, or, when that is zero, does not; a
// role that it has by hand already gets the new end. [ErrUnknownRole] when there is none of that name, and
// [ErrEnded] when the time has passed. Giving the same again is no error and no event. It does not ask whether actor may do this.
func (s *Service) AssignUntil(ctx context.Context, actor authn.Principal, subject authn.Subject, role string, until time.Time) error {
	a := Assignment{Role: role, Until: until.Truncate(time.Microsecond)}
	if !until.IsZero() && !s.deps.Now().Before(a.Until) { // what is cut to zero is no never
		return fmt.Errorf("%w: role %s would end at %s", ErrEnded, quote(role), until.Format(time.RFC3339))
	}
	if err := s.known(ctx, subject, role); err != nil {
		return err
	}
	act := s.changeAct(audit.RoleAssigned, actor, subject, role)
	added, err := s.assigning(ctx, subject, func(ctx context.Context) (bool, error) {
		return s.deps.Assignments.Assign(act.In(audit.Offered(ctx).In(ctx)), subject, a)
	})
	if added {
		act.Tell(ctx)
	}
	if err != nil {
		return fmt.Errorf("authz: assign role %s: %w", quote(role), err)
	}
	return s.stillThere(ctx, actor, subject, role)
}

// known refuses a subject without an ID, and a role that its tenant has not.
func (s *Service) known(ctx context.Context, subject authn.Subject, role string) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	rules, err := s.snapshots.of(ctx, subject.Tenant)
	if err != nil {
		return err
	}
	if rules.roles.role(role) == nil {
		return fmt.Errorf("%w: %s", ErrUnknownRole, quote(role))
	}
	return nil
}

// assigning makes a change to who has which role, which counts at once. It may have been made even when there is an error: that the
// other nodes could not be told.
func (s *Service) assigning(ctx context.Context, subject authn.Subject, write func(context.Context) (bool, error)) (changed bool, err error) {
	err = s.deps.Revocations.ChangeAccount(ctx, subject, func(ctx context.Context) (err error) {
		changed, err = write(ctx)
		return err
	})
	return changed, err
}

// Unassign takes a role from the subject, whoever gave it, one that is defined nowhere any more included. Taking
// what the subject has not is no error and no event. It does not ask whether actor may do this. What an
// identity provider gives, it gives again at the next login.
func (s *Service) Unassign(ctx context.Context, actor authn.Principal, subject authn.Subject, role string) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	act := s.changeAct(audit.RoleUnassigned, actor, subject, role)
	removed, err := s.assigning(ctx, subject, func(ctx context.Context) (bool, error) {
		return s.deps.Assignments.Unassign(act.In(ctx), subject, role)
	})
	if removed {
		act.Tell(ctx)
	}
	if err != nil {
		return fmt.Errorf("authz: unassign role %s: %w", quote(role), err)
	}
	return nil
}

// Holders returns the IDs of accounts that are assigned the role now, ascending, those after the ID
// after, at most limit of them: [DefaultHolders] when limit is not positive, and never more
// than [MaxHolders]. Accounts that have the role by inheritance or by default are not listed.
func (s *Service) Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	if limit <= 0 {
		limit = DefaultHolders
	}
	holders, err := s.deps.Assignments.Holders(ctx, t, role, s.deps.Now(), after, min(limit, MaxHolders))
	if err != nil {
		return nil, fmt.Errorf("authz: read holders of role %s: %w", quote(role), err)
	}
	return holders, nil
}

// changeAct is a change to a role. The actor is named unless it is the account itself.
func (s *Service) changeAct(what audit.Type, actor authn.Principal, subject authn.Subject, role string) *audit.Act {
	return s.act(changeEvent(what, actor, subject, role))
}

func changeEvent(what audit.Type, actor authn.Principal, subject authn.Subject, role string) audit.Event {
	e := audit.Event{Type: what, Tenant: string(subject.Tenant), Subject: subject.ID, Detail: map[string]string{"role": role}}
	if actor.Subject != subject || actor.Actor != "" {
		e.Actor = authn.ActorID(actor)
	}
	return e
}
