package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// AuthorizeScopes decides whether the credential of p may be used for every one of the
// permissions, whatever its roles are. A credential without scopes, such as that of a login, may be used for
// everything. It returns the decision on the first that is not covered, or on the last one. Naming none is
// [ErrNothingRequired], and a malformed permission is [ErrPermissionSyntax].
func (s *Service) AuthorizeScopes(ctx context.Context, p authn.Principal, permissions ...string) (Decision, error) {
	return s.Decide(ctx, &p, RequireScopes(permissions...))
}

// CheckScopes implements [authn.ScopeChecker]: each scope must be a pattern that one pattern
// in [Service.Permissions] of p covers as a whole, segment by segment: *.** does not cover **. What is taken away from p is not
// looked at: it stays taken away from the credential.
func (s *Service) CheckScopes(ctx context.Context, p authn.Principal, scopes []string) error {
	texts, err := s.Permissions(ctx, p)
	if err != nil {
		return err
	}
	held := patterns(texts)
	var errs []error
	for i, text := range scopes {
		if fault := checkScope(held, i+1, text); fault != nil {
			errs = append(errs, fault)
		}
	}
	return errors.Join(errs...)
}

func checkScope(held []Pattern, item int, text string) error {
	scope, err := ParsePattern(text)
	if err != nil {
		return &authn.FieldError{Field: "scopes", Code: "malformed", Problem: fmt.Sprintf("item %d %s", item, patternForm)}
	}
	if !slices.ContainsFunc(held, func(p Pattern) bool { return p.includes(scope) }) {
		return &authn.FieldError{Field: "scopes", Code: "not_permitted", Problem: fmt.Sprintf("item %d is not within what you may do", item)}
	}
	return nil
}

// inScope reports whether a credential with these scopes may be used for the permission. A
// scope that is no pattern covers nothing.
func inScope(scopes []string, required Permission) bool {
	for _, text := range scopes {
		if scope, err := ParsePattern(text); err == nil && scope.Matches(required) {
			return true
		}
	}
	return false
}

// narrow returns what is both held and in scope, and what is taken away, ascending.
func narrow(held, scopes []string) []string {
	both := []string{}
	for _, text := range held {
		if strings.HasPrefix(text, refusal) {
			both = append(both, text)
		}
	}
	for _, h := range patterns(held) {
		for _, s := range patterns(scopes) {
			if c, some := common(h.text, s.text); some {
				both = append(both, c)
			}
		}
	}
	slices.Sort(both)
	return slices.Compact(both)
}

// patterns leaves out what is none.
func patterns(texts []string) []Pattern {
	all := make([]Pattern, 0, len(texts))
	for _, text := range texts {
		if p, err := ParsePattern(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}
