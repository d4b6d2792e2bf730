package authz

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// reach is how far a caller's own roles reach: what it can hand on.
type reach struct {
	rules *ruleset
	roles []string
	held  holding
	// unlimited callers hand on what they do not hold; superuser says that the superuser role is theirs.
	unlimited, superuser bool
}

// holding is what roles give and take away.
type holding struct{ gives, takes []Pattern }

// reachOf is by what the roles say in these rules; policies only narrow it.
func (s *Service) reachOf(ctx context.Context, rules *ruleset, p *authn.Principal) reach {
	r := reach{rules: rules, roles: p.Roles, held: rules.roles.holding(p.Roles), unlimited: s.unlimited(ctx, rules, p)}
	for _, name := range p.Roles {
		if role := rules.roles.role(name); role != nil && role.superuser != nil {
			r.superuser = true
			everything, _ := ParsePattern(everything)
			r.held.gives = append(r.held.gives, everything)
		}
	}
	return r
}

// unlimited reports whether the caller may hand on what it does not hold.
func (s *Service) unlimited(ctx context.Context, rules *ruleset, p *authn.Principal) bool {
	c := newCheck(needPermission, PermissionGrantAny)
	f := s.judge(ctx, rules, &inquiry{p: p}, &c)
	return s.enabled && f.allowed()
}

// holding is that of all the roles together, with what they inherit.
func (s *snapshot) holding(roles []string) holding {
	all := map[string]struct{}{}
	for _, name := range roles {
		if role := s.role(name); role != nil {
			role.collect(all)
		}
	}
	var h holding
	for _, text := range slices.Sorted(maps.Keys(all)) {
		bare, taken := strings.CutPrefix(text, refusal)
		p, err := ParsePattern(bare)
		switch {
		case err != nil:
		case taken:
			h.takes = append(h.takes, p)
		default:
			h.gives = append(h.gives, p)
		}
	}
	return h
}

// covers reports whether the caller may do all of the pattern, but for what the one that gets it may not either.
func (r *reach) covers(given Pattern, without []Pattern) bool {
	if !slices.ContainsFunc(r.held.gives, func(h Pattern) bool { return h.includes(given) }) {
		return false
	}
	for _, taken := range r.held.takes {
		both, overlap := common(given.text, taken.text)
		if overlap && !slices.ContainsFunc(without, func(p Pattern) bool { return covers(p.text, both) }) {
			return false
		}
	}
	return true
}

// has reports whether the caller has the role, directly or by inheritance.
func (r *reach) has(role string) bool {
	o, _ := r.rules.roles.roleOf(r.roles, []key{newKey(role)})
	return o != nil
}

// exceeds says what a role holds in the rules that the caller does not, or nothing.
func (r *reach) exceeds(rules *ruleset, role string) error {
	compiled := rules.roles.role(role)
	if compiled == nil {
		return nil
	}
	if compiled.superuser != nil && !r.superuser {
		return fmt.Errorf("%w: role %s is or inherits the superuser role, which superusers alone administer", ErrBeyond, quote(role))
	}
	if r.unlimited {
		return nil
	}
	h := rules.roles.holding([]string{role})
	for _, p := range h.gives {
		if !r.covers(p, h.takes) {
			return fmt.Errorf("%w: role %s holds %s", ErrBeyond, quote(role), quote(p.String()))
		}
	}
	return nil
}
