package authn

import (
	"context"
	"slices"
	"time"

	"github.com/authmodule/authmodule/internal/verdict"
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
	// Issuer is the name in the configuration of the other issuer whose token was
	// presented; empty for all credentials of this application.
	Issuer string
	// Email is the account's canonical address; empty for another issuer's subject.
	Email string
	// SessionID is the public ID of the login's session; empty for API keys
	// and for other issuers' tokens.
	SessionID string
	// TokenID is the access token's jti; empty when no token was presented.
	TokenID string
	// KeyID is the public ID of the API key that was presented; empty for all other credentials.
	KeyID string
	// Scopes limit what the credential may be used for, whatever the roles: they
	// are patterns of the form resource.action. Nil is no limit, as in a login;
	// an empty list allows nothing.
	Scopes []string
	// Methods are the authentication method references of the login (RFC 8176).
	Methods []string
	// Roles are the roles assigned to the account at this request, or the
	// default role when none is. Inherited roles are not listed. What they grant is
	// limited by Scopes: ask the authorization service.
	Roles []string
	// AuthTime is when the user last proved who they are, by whatever factor; MFATime when by a second factor, zero if never. Of
	// an access token they are the token's: who proved more since needs a new one.
	AuthTime, MFATime time.Time
	// ACR is the authentication context class of the login: [ACR1] and so on, or another issuer's word. Empty is none.
	ACR string
	// Actor is the ID of the account, of the same tenant, that acts as Subject; empty for who is themselves.
	Actor string
	// Expires is when the presented token or session ends.
	Expires time.Time
	// Confirmation is what the presented credential is bound to. The caller proved it.
	Confirmation Confirmation
	// kid is that of the key that signed the token, generation that of the API key's secret: for [Watcher].
	kid        string
	generation int64
	// rolesUntil is when one of Roles ends; zero is never.
	rolesUntil time.Time
	// memo is nil for a principal that is not remembered.
	memo *verdict.Memo
}

// Memo is what the authorization service keeps about a remembered principal; nil for all others.
func (p *Principal) Memo() *verdict.Memo { return p.memo }

// Remembering returns p as one whose decisions are remembered while the rules stay the same. It is for code that asks about
// one principal again and again; callers of requests remember already. Its Roles and Scopes must not be changed in place
// afterwards, as those of no principal may: new lists are seen, and changed ones are not.
func (p Principal) Remembering() Principal {
	p.memo = verdict.NewMemo(string(p.Subject.Tenant), p.Roles, p.Scopes)
	return p
}

// Authenticated reports whether the caller proved an identity.
func (p Principal) Authenticated() bool {
	return p.Kind != KindAnonymous && p.Subject.ID != ""
}

// Assigned reports whether role is among Roles itself, and never for a
// credential with Scopes, which cannot express a role. Most code wants the
// authorization service, which also knows inheritance.
func (p Principal) Assigned(role string) bool {
	return p.Scopes == nil && slices.Contains(p.Roles, role)
}

// Limited reports whether the credential may do less than a login of its
// account: an API key, one with scopes, and another issuer's token, which has no account here.
func (p Principal) Limited() bool { return p.KeyID != "" || p.Scopes != nil || p.Issuer != "" }

// ActorID is the ID of the account that does what the principal does: that which acts as Subject, or Subject itself. It is
// what audit events call the actor.
func ActorID(p Principal) string {
	if p.Actor != "" {
		return p.Actor
	}
	return p.Subject.ID
}

type enderKey struct{}

// EndedBy returns a context with which the events of sessions and tokens that are ended name the actor, unless they are the actor's own. It
// permits nothing. It is for administrators' calls that take no actor.
func EndedBy(ctx context.Context, actor Principal) context.Context {
	return context.WithValue(ctx, enderKey{}, Subject{Tenant: actor.Subject.Tenant, ID: ActorID(actor)})
}

// EnderOf is what such an event says of who ended something of the owner: the account of [EndedBy], or else the one that acts in the
// session, which may be none.
func EnderOf(ctx context.Context, owner Subject, acting string) string {
	by, _ := ctx.Value(enderKey{}).(Subject)
	if by.ID == "" || by == owner {
		return acting
	}
	return by.ID
}

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return &PrincipalContext{Context: ctx, Principal: &p}
}

// PrincipalContext is a context that carries a principal which other requests
// may share. It is for code that makes one for each request; [WithPrincipal] is for all other.
type PrincipalContext struct {
	context.Context
	// Principal must not be modified. Nil is the anonymous one.
	Principal *Principal
}

// Value returns the principal, or what the context beneath has.
func (c *PrincipalContext) Value(key any) any {
	if key == (principalKey{}) {
		return c.Principal
	}
	return c.Context.Value(key)
}

// PrincipalFrom returns the principal that ctx carries, or the anonymous one.
func PrincipalFrom(ctx context.Context) Principal {
	if p, _ := ctx.Value(principalKey{}).(*Principal); p != nil {
		return *p
	}
	return Principal{}
}
