package transport

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// GuardKind says what a [Guard] looks at.
type GuardKind string

// The kinds of guards. The zero value is none, and lets nobody through.
const (
	// KindAuth wants an authenticated caller.
	KindAuth GuardKind = "auth"
	// KindOptional lets authenticated and anonymous callers through, and no bad credential.
	KindOptional GuardKind = "optional"
	// KindPublic lets everybody through.
	KindPublic GuardKind = "public"
	// KindRoles wants one of the named roles.
	KindRoles GuardKind = "roles"
	// KindPermissions wants all the named permissions.
	KindPermissions GuardKind = "permissions"
	// KindAnyPermission wants one of the named permissions.
	KindAnyPermission GuardKind = "any_permission"
	// KindScopes wants a credential that is good for all the named permissions.
	KindScopes GuardKind = "scopes"
	// KindPolicy wants the named action to be allowed on the resource that a request is about.
	KindPolicy GuardKind = "policy"
	// KindOwner wants the owner of what a request is about, or who has all the named permissions.
	KindOwner GuardKind = "owner"
	// KindMFA wants a second factor that was proved, and KindRecentAuth any factor, at most MaxAge ago.
	KindMFA        GuardKind = "mfa"
	KindRecentAuth GuardKind = "recent_auth"
	// KindACR wants a login of one of the named authentication context classes, or of a stronger one.
	KindACR GuardKind = "acr"
	// KindLogin is [NeedLogin], and KindSession [NeedSession], of the module's own routes.
	KindLogin   GuardKind = "login"
	KindSession GuardKind = "session"
)

// Guarding says what one guard wants: its kind, and the roles, permissions, actions or classes that it names.
type Guarding struct {
	Kind  GuardKind `json:"kind"`
	Names []string  `json:"names,omitempty"`
	// MaxAge is how long ago, in seconds, it may have been proved; 0 is at any time.
	MaxAge int64 `json:"max_age,omitempty"`
}

// String returns the kind, the names and the age, such as "permissions articles.read, articles.write" or "mfa within 300 s".
func (g Guarding) String() string {
	text := string(g.Kind)
	if len(g.Names) > 0 {
		text += " " + strings.Join(g.Names, ", ")
	}
	if g.MaxAge != 0 {
		text += " within " + strconv.FormatInt(g.MaxAge, 10) + " s"
	}
	return text
}

// Guard is one requirement of a route. It is made once, when the route is added, and asked at each request. It does not
// change, and the zero value lets nobody through. Adapters wrap it in what their router calls a middleware:
//
//	if !guard.Passes(caller) {
//		if problem := guard.Refuse(ctx, caller); problem != nil { ... }
//	}
type Guard struct {
	kind     GuardKind
	names    []string
	required authz.Requirement
	// proving is nil but for guards about how callers proved who they are.
	proving *proving
}

// GuardAuth lets authenticated callers through.
func GuardAuth() *Guard { return &Guard{kind: KindAuth} }

// GuardOptional lets authenticated and anonymous callers through, but not a bad credential.
func GuardOptional() *Guard { return &Guard{kind: KindOptional} }

// GuardPublic lets everybody through, also with a bad credential, and where nothing authenticates.
func GuardPublic() *Guard { return &Guard{kind: KindPublic} }

// GuardRoles lets callers through who have one of the roles, directly or by inheritance.
func GuardRoles(anyOf ...string) *Guard {
	return newGuard(KindRoles, anyOf, authz.RequireRoles)
}

// GuardPermissions lets callers through who have every one of the permissions.
func GuardPermissions(allOf ...string) *Guard {
	return newGuard(KindPermissions, allOf, authz.RequirePermissions)
}

// GuardAnyPermission lets callers through who have one of the permissions.
func GuardAnyPermission(anyOf ...string) *Guard {
	return newGuard(KindAnyPermission, anyOf, authz.RequireAnyPermission)
}

// GuardScopes lets callers through whose credential is good for every one of the permissions.
func GuardScopes(allOf ...string) *Guard {
	return newGuard(KindScopes, allOf, authz.RequireScopes)
}

// GuardPolicy lets callers through who may do the action to the resource that a request is about: see [Guard.RefuseOn].
func GuardPolicy(action string) *Guard {
	return newGuard(KindPolicy, []string{action}, authz.RequirePermissions)
}

// GuardOwner lets the owner of what a request is about through, and who has every one of the permissions: see [Guard.RefuseOthers].
func GuardOwner(orAllOf ...string) *Guard {
	if len(orAllOf) == 0 {
		return &Guard{kind: KindOwner}
	}
	return newGuard(KindOwner, orAllOf, authz.RequirePermissions)
}

func newGuard(kind GuardKind, names []string, require func(...string) authz.Requirement) *Guard {
	names = slices.Clone(names)
	return &Guard{kind: kind, names: names, required: require(names...)}
}

// Describe says what the guard wants, for tables of routes.
func (g *Guard) Describe() Guarding {
	want := Guarding{Kind: g.kind, Names: slices.Clone(g.names)}
	if g.proving != nil {
		want.MaxAge = g.proving.seconds()
	}
	return want
}

// Passes reports that [Guard.Refuse] would let the caller through, when that takes nothing but what is in memory. False is
// no refusal: ask Refuse then. A nil caller is one whom nothing authenticated.
func (g *Guard) Passes(c *Caller) bool {
	switch {
	case g.kind == KindPublic:
		return true
	case c == nil:
		return false
	case g.kind == KindAuth:
		return c.problem == nil && c.principal != nil
	case g.kind == KindOptional:
		return c.problem == nil
	case g.proving != nil:
		return c.proves(g.proving)
	case g.kind == KindPolicy || g.kind == KindOwner:
		return false // it depends on more
	}
	return c.Passes(g.required)
}

// Refuse returns why the caller is not let through, or nil. A nil caller is one whom nothing authenticated: that is
// [Unmounted], but for a public route.
func (g *Guard) Refuse(ctx context.Context, c *Caller) *Problem {
	switch {
	case g.kind == KindPublic:
		return nil
	case c == nil:
		return Unmounted()
	case g.kind == KindAuth:
		return c.RequireAuth()
	case g.kind == KindOptional:
		return c.OptionalAuth()
	case g.proving != nil:
		return c.requireProof(ctx, g.proving)
	}
	return c.Require(ctx, g.required)
}

// RefuseAnonymous returns why the caller is refused whatever a request is about, or nil. Who is refused by it must not cause
// the resource to be looked up.
func (g *Guard) RefuseAnonymous(c *Caller) *Problem {
	if c == nil {
		return Unmounted()
	}
	return c.RequireAuth()
}

// RefuseOn is [Guard.Refuse] for a guard of [GuardPolicy], with the resource that the request is about.
func (g *Guard) RefuseOn(ctx context.Context, c *Caller, resource authz.Resource) *Problem {
	if refused := g.RefuseAnonymous(c); refused != nil {
		return refused
	}
	return c.RequireOn(ctx, g.required, resource)
}

// RefuseOthers is [Guard.Refuse] for a guard of [GuardOwner], with the owner of what the request is about.
func (g *Guard) RefuseOthers(ctx context.Context, c *Caller, owner authn.Subject) *Problem {
	if refused := g.RefuseAnonymous(c); refused != nil {
		return refused
	}
	return c.RequireOwner(ctx, owner, g.required)
}

// Unmounted is the answer of a guard on a route where nothing authenticates.
func Unmounted() *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Code: "not_mounted", Detail: "a guard stands on a route where nothing authenticates: mount the module on this router, by echoauth.Mount, echov5auth.Mount or the Authenticate of httpauth",
	}
}
