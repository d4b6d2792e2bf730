package authz

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// Erase takes all roles from an account that is deleted, from whatever source they are and also those that have ended. Each
// is a role.unassigned; calling it again is no error.
func (s *Service) Erase(ctx context.Context, subject authn.Subject) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	list, err := s.deps.Assignments.Assignments(ctx, subject)
	if err != nil {
		return fmt.Errorf("authz: read assignments: %w", err)
	}
	for _, a := range list {
		if err := s.Unassign(ctx, authn.Principal{Subject: subject}, subject, a.Role); err != nil {
			return err
		}
	}
	return nil
}
