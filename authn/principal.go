package authn

import (
	"context"
	"slices"
	"time"
)

// Tenant separates customers of one application. The zero value is the only
// tenant of a single-tenant application. See [ParseTenant] for its form.
type Tenant string

// Subject is an account's stable key: the tenant it belongs to and its opaque
// ID, unique in that tenant. It is comparable, and never an e-mail address.
// Single-tenant code writes Subject{ID: id}.
type Subject struct {
	Tenant Tenant
	ID     string
}

// Kind says what a [Principal] stands for.
type Kind uint8

// The kinds of principals. The zero value is the anonymous caller.
const (
	KindAnonymous Kind = iota
	KindUser
	KindService
)

// Principal is the caller of one request, as far as proved. The zero value is
// the anonymous caller. It is passed by value; its slices may be shared with
// other requests and must not be modified.
type Principal struct {
	Kind    Kind
	Subject Subject
	// Email is the account's canonical address.
	Email string
	// SessionID is the public ID of the login's session; empty for API keys
	// and for other issuers' tokens.
	SessionID string
	// TokenID is the access token's jti; empty when no token was presented.
	TokenID string
	// Methods are the authentication method references of the login (RFC 8176).
	Methods []string
	// Roles are the roles assigned to the account at this request, or the
	// default role when none is. Inherited roles are not listed.
	Roles []string
	// AuthTime is when the user last proved who they are.
	AuthTime time.Time
	// Expires is when the presented token or session ends.
	Expires time.Time
}

// Authenticated reports whether the caller proved an identity.
func (p Principal) Authenticated() bool {
	return p.Kind != KindAnonymous && p.Subject.ID != ""
}

// Assigned reports whether role is among Roles itself. Most code wants the
// authorization service, which also knows inheritance.
func (p Principal) Assigned(role string) bool { return slices.Contains(p.Roles, role) }

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the principal that ctx carries, or the anonymous one.
func PrincipalFrom(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
