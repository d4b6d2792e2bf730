package transport

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// Caller is what [Gate.Authenticate] recorded about one request. It is
// immutable afterwards, and small enough to be held by value.
type Caller struct {
	gate *Gate
	// principal is nil for an anonymous caller; other requests may share it.
	principal *authn.Principal
	problem   *Problem
	clear     bool
	// byCookie says that the session cookie proved the principal.
	byCookie bool
}

// Principal returns the authenticated caller, or the anonymous one.
func (c *Caller) Principal() authn.Principal {
	if c.principal == nil {
		return authn.Principal{}
	}
	return *c.principal
}

// Shared returns the authenticated caller, or nil. Other requests may have the
// same one, and it must not be modified.
func (c *Caller) Shared() *authn.Principal { return c.principal }

// Gate returns the gate that authenticated the caller.
func (c *Caller) Gate() *Gate { return c.gate }

// MaySetCookie reports that the answer may set the session cookie, whatever its handler is: the cookie authenticated the
// caller, so that the session can be renewed, or it is cleared. Adapters call [KeepFromCaches] on such answers.
func (c *Caller) MaySetCookie() bool { return c.byCookie || c.clear }

// StaleCookie returns a cookie to set that clears a session cookie which no longer counts, or nil.
func (c *Caller) StaleCookie() *http.Cookie {
	if !c.clear {
		return nil
	}
	return c.gate.cookie.clear()
}

// RequireAuth returns the recorded problem, or one for an anonymous caller, or nil.
func (c *Caller) RequireAuth() *Problem {
	if c.problem != nil {
		return c.problem
	}
	if c.principal == nil {
		return unauthenticated()
	}
	return nil
}

// meets answers what an endpoint needs.
func (c *Caller) meets(e Endpoint) *Problem {
	need := e.Need
	if need == NeedNothing {
		return nil
	}
	if p := c.RequireAuth(); p != nil {
		return p
	}
	if need != NeedAuth && c.principal.Limited() || need == NeedSession && c.principal.SessionID == "" {
		return loginRequired()
	}
	if e.Owner && c.principal.Actor != "" {
		return impersonated()
	}
	return nil
}

// OptionalAuth lets anonymous callers through, but not a bad credential.
func (c *Caller) OptionalAuth() *Problem { return c.problem }

// RequireRoles wants one of the roles, held directly or by inheritance. A
// panic in a store is an internal error.
func (c *Caller) RequireRoles(ctx context.Context, anyOf ...string) *Problem {
	return c.Require(ctx, authz.RequireRoles(anyOf...))
}

// RequirePermissions wants every one of the permissions. A panic in a store is
// an internal error.
func (c *Caller) RequirePermissions(ctx context.Context, allOf ...string) *Problem {
	return c.Require(ctx, authz.RequirePermissions(allOf...))
}

// RequireScopes wants the credential to be good for every one of the
// permissions. One without scopes, such as that of a login, is good for all;
// what the account may do is not asked.
func (c *Caller) RequireScopes(ctx context.Context, allOf ...string) *Problem {
	return c.Require(ctx, authz.RequireScopes(allOf...))
}

// Require is [Caller.RequirePermissions], [Caller.RequireRoles] or [Caller.RequireScopes] for a requirement
// that is made once and asked for at each request.
func (c *Caller) Require(ctx context.Context, r authz.Requirement) (refused *Problem) {
	return c.RequireOn(ctx, r, authz.Resource{})
}

// RequireOn is [Caller.Require] for what is to be done to a resource.
func (c *Caller) RequireOn(ctx context.Context, r authz.Requirement, resource authz.Resource) (refused *Problem) {
	if p := c.RequireAuth(); p != nil {
		return p
	}
	defer c.gate.refusePanic(ctx, &refused)
	decision, err := c.gate.deps.Authz.DecideOn(ctx, c.principal, r, resource)
	return c.gate.answer(ctx, decision, err)
}

// RequireOwner wants the caller to be the owner, or else to meet the requirement; see [authz.Service.DecideOwned].
func (c *Caller) RequireOwner(ctx context.Context, owner authn.Subject, r authz.Requirement) (refused *Problem) {
	if p := c.RequireAuth(); p != nil {
		return p
	}
	defer c.gate.refusePanic(ctx, &refused)
	decision, err := c.gate.deps.Authz.DecideOwned(ctx, c.principal, owner, r)
	return c.gate.answer(ctx, decision, err)
}

// Passes reports that [Caller.Require] would let the caller through, when that takes nothing but
// what is in memory. False is no refusal: ask Require then.
func (c *Caller) Passes(r authz.Requirement) bool {
	return c.problem == nil && c.gate.deps.Authz.Passes(c.principal, r)
}

func (g *Gate) answer(ctx context.Context, d authz.Decision, err error) *Problem {
	switch {
	case misused(err):
		g.deps.Log.ErrorContext(ctx, "request refused: a guard is written wrongly", "error", err)
		return internalError()
	case errors.Is(err, authz.ErrEvaluation): // the policy has a fault, and the answer is no
		g.deps.Log.ErrorContext(ctx, "request refused: a policy could not be evaluated", "decision", d.ID, "required", d.Required, "error", err)
	case err != nil:
		return g.Problem(ctx, err)
	case d.Allowed:
		return nil
	}
	p := problem(http.StatusForbidden, "permission_denied", "you are not allowed to do this")
	if g.deps.ExplainDenials {
		p.Required, p.Detail = d.Required, explained(d)
	} else {
		p.Decision = d.ID
	}
	return p
}

// explained says why a decision denies, in development.
func explained(d authz.Decision) string {
	switch d.Reason {
	case authz.ReasonDenied:
		return "role " + d.Role + " takes " + d.Required + " away"
	case authz.ReasonForbidden:
		return "policy " + strings.Join(d.Policies, ", ") + " forbids " + d.Required
	case authz.ReasonPolicyError:
		return "a policy about " + d.Required + " could not be evaluated; the log says why"
	case authz.ReasonTenant:
		return "this belongs to another tenant"
	case authz.ReasonScope:
		return "the credential's scopes do not cover " + d.Required
	}
	return "this needs " + d.Required
}

// misused reports an error that the application's own code made, by a guard
// that names nothing, or names a pattern where a permission belongs.
func misused(err error) bool {
	return errors.Is(err, authz.ErrPermissionSyntax) || errors.Is(err, authz.ErrNothingRequired) || errors.Is(err, authz.ErrRoleName)
}
