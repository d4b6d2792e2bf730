package authz

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// Permissions returns the patterns that the roles of p hold, inherited ones included, ascending.
// Those that begin with ! are taken away, whatever the others give. It is ** for a superuser, and ** alone while roles are switched off, and empty
// for an anonymous caller. A credential with scopes gets what is within both.
func (s *Service) Permissions(ctx context.Context, p authn.Principal) ([]string, error) {
	if !p.Authenticated() {
		return []string{}, nil
	}
	held, err := s.held(ctx, p)
	if err != nil || p.Scopes == nil {
		return held, err
	}
	return narrow(held, p.Scopes), nil
}

// held are the patterns of an authenticated caller's roles.
func (s *Service) held(ctx context.Context, p authn.Principal) ([]string, error) {
	if !s.enabled {
		return []string{everything}, nil
	}
	snap, err := s.snapshots.of(ctx, p.Subject.Tenant)
	if err != nil {
		return nil, err
	}
	held, superuser := map[string]struct{}{}, false
	for _, name := range p.Roles {
		role := snap.roles.role(name)
		if role == nil {
			continue
		}
		role.collect(held)
		superuser = superuser || role.superuser != nil
	}
	if superuser {
		maps.DeleteFunc(held, func(text string, _ struct{}) bool { return !strings.HasPrefix(text, refusal) })
		held[everything] = struct{}{}
	}
	sorted := slices.AppendSeq(make([]string, 0, len(held)), maps.Keys(held))
	slices.Sort(sorted)
	return sorted, nil
}
