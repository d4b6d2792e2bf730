package httpauth

import (
	"net/http"
	"time"

	"github.com/authmodule/authmodule/transport"
)

// RequireAuth lets authenticated callers through, and answers 401 to others.
func RequireAuth() func(http.Handler) http.Handler { return guarding(transport.GuardAuth()) }

// OptionalAuth lets authenticated and anonymous callers through, and answers 401 to a bad credential.
func OptionalAuth() func(http.Handler) http.Handler { return guarding(transport.GuardOptional()) }

// Public marks a route as public on purpose. It lets everybody through, whatever credential they presented;
// [Principal] is who authenticated, if anybody did.
func Public() func(http.Handler) http.Handler { return guarding(transport.GuardPublic()) }

// RequireRoles lets callers through who have one of the roles, directly or by
// inheritance. It answers 401 to anonymous callers and 403 to others.
func RequireRoles(anyOf ...string) func(http.Handler) http.Handler {
	return guarding(transport.GuardRoles(anyOf...))
}

// RequirePermissions lets callers through who have every one of the permissions, each of the form resource.action. It
// answers 401 to anonymous callers and 403 to others. A guard without permissions, or with a pattern
// such as articles.*, is a mistake and answers 500.
func RequirePermissions(allOf ...string) func(http.Handler) http.Handler {
	return guarding(transport.GuardPermissions(allOf...))
}

// RequireAnyPermission lets callers through who have one of the permissions. It answers 401 to anonymous callers and 403 to
// others. One name that is no permission makes it a mistake that answers 500, as in [RequirePermissions].
func RequireAnyPermission(anyOf ...string) func(http.Handler) http.Handler {
	return guarding(transport.GuardAnyPermission(anyOf...))
}

// RequireScopes lets callers through whose credential is good for every one of the permissions: one with scopes, such as an
// API key, must have scopes that cover them, and one without, such as a session cookie or an access token, is good for all.
// It asks nothing of the account, which is what [RequirePermissions] is for; that one looks at scopes as well. It answers 401
// to anonymous callers and 403 to others.
func RequireScopes(allOf ...string) func(http.Handler) http.Handler {
	return guarding(transport.GuardScopes(allOf...))
}

// RequireMFA lets callers through who proved a second factor at most maxAge ago; 0 is at any time in their session. It
// answers 401 with a challenge that says what is missing (RFC 9470) to others, and 403 to those who could never pass: API keys, other
// credentials with scopes, and who acts as somebody else. A negative age is a mistake and answers 500.
func RequireMFA(maxAge time.Duration) func(http.Handler) http.Handler {
	return guarding(transport.GuardMFA(maxAge))
}

// RequireRecentAuth is [RequireMFA] for callers who proved who they are, by whatever factor, at most maxAge ago. Refreshing
// tokens proves nothing. An age that is not positive is a mistake and answers 500.
func RequireRecentAuth(maxAge time.Duration) func(http.Handler) http.Handler {
	return guarding(transport.GuardRecentAuth(maxAge))
}

// RequireACR is [RequireMFA] for callers whose login is of one of the authentication context classes, such as authn.ACR2, or of a
// stronger one. Naming none is a mistake and answers 500.
func RequireACR(anyOf ...string) func(http.Handler) http.Handler {
	return guarding(transport.GuardACR(anyOf...))
}
