package authz

import (
	"context"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// Resource is what an action is done to: its type, ID, attributes and parents, as policies see it. The zero value is none.
type Resource = policy.Resource

// Attributes are values by name; see [policy.Attributes].
type Attributes = policy.Attributes

// Environment is what policies know of a request beside the principal: context.ip and the like.
type Environment struct {
	policy.Context
}

// EnvironmentKey is the key of a context's [Environment]: Value returns one or a *Environment. It is for contexts that
// make it only when it is asked for; [WithEnvironment] is for all other code.
type EnvironmentKey struct{}

// WithEnvironment returns a context with what policies know of the request. The adapters for HTTP do so.
func WithEnvironment(ctx context.Context, e Environment) context.Context {
	return context.WithValue(ctx, EnvironmentKey{}, &e)
}

// environment is that of the context, with what the service knows itself.
func (s *Service) environment(ctx context.Context, p *authn.Principal) policy.Context {
	var c policy.Context
	switch e := ctx.Value(EnvironmentKey{}).(type) {
	case *Environment:
		c = e.Context
	case Environment:
		c = e.Context
	}
	if c.Time.IsZero() {
		c.Time = s.deps.Now()
	}
	if c.MFAAge == nil {
		c.MFAAge = mfaAge(p, c.Time)
	}
	c.Tenant = string(p.Subject.Tenant)
	return c
}

// multiFactor is the method of a login with several factors (RFC 8176, section 2).
const multiFactor = "mfa"

// mfaAge is nil for a login with one factor. Of a caller of the application's own authenticator, who has no session here, the
// time of the login is that of all its factors.
func mfaAge(p *authn.Principal, now time.Time) *time.Duration {
	at := p.MFATime
	if at.IsZero() && p.SessionID == "" {
		at = p.AuthTime
	}
	if at.IsZero() || !slices.Contains(p.Methods, multiFactor) {
		return nil
	}
	age := max(now.Sub(at), 0)
	return &age
}

// AttributeSource says what attributes a caller has, for policies: principal.department and the like. It is
// asked when a decision takes policies, and not otherwise. An error denies.
type AttributeSource interface {
	// PrincipalAttributes returns the attributes by name; see [policy.Attributes] for their types.
	PrincipalAttributes(ctx context.Context, p authn.Principal) (Attributes, error)
}

// question is what policies are asked.
func (s *Service) question(ctx context.Context, rules *ruleset, in *inquiry, action string) (policy.Request, error) {
	if in.recorded != nil {
		r := *in.recorded
		r.Principal.Roles = rules.lineages(in.p.Roles)
		return r, nil
	}
	p := in.p
	r := policy.Request{
		Principal: policy.Principal{
			ID: p.Subject.ID, Tenant: string(p.Subject.Tenant), Kind: kindOf(p), Roles: rules.lineages(p.Roles), Scopes: p.Scopes,
			Methods: p.Methods, AuthTime: p.AuthTime,
		},
		Action: action, Context: s.environment(ctx, p),
	}
	if in.resource != nil {
		r.Resource = *in.resource
	}
	if s.deps.Attributes == nil {
		return r, nil
	}
	var err error
	r.Principal.Attributes, err = s.deps.Attributes.PrincipalAttributes(ctx, *p)
	return r, err
}

const (
	kindUser    = "user"
	kindService = "service"
)

func kindOf(p *authn.Principal) string {
	if p.Kind == authn.KindService {
		return kindService
	}
	return kindUser
}
