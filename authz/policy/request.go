package policy

import (
	"net/netip"
	"time"
)

// Request is one question: may the principal do the action to the resource. It is not modified.
// As JSON it is what a recorded decision needs: attributes that are secrets read [setting.Redacted] there.
type Request struct {
	Principal Principal `json:"principal"`
	// Action is a permission, such as "articles.edit".
	Action string `json:"action"`
	// Resource is what it is done to. The zero value is none.
	Resource Resource `json:"resource,omitzero"`
	Context  Context  `json:"context,omitzero"`
}

// Principal is the caller, to policies User::"ID" whatever its kind.
type Principal struct {
	// ID is never empty: a request without it is denied.
	ID string `json:"id"`
	// Tenant is principal.tenant.
	Tenant string `json:"tenant,omitempty"`
	// Kind is principal.kind: "user" or "service".
	Kind string `json:"kind,omitempty"`
	// Roles are all roles, inherited ones included.
	Roles []string `json:"roles,omitempty"`
	// Scopes are principal.scopes.
	Scopes []string `json:"scopes,omitempty"`
	// Methods are principal.methods, authentication method references (RFC 8176).
	Methods []string `json:"methods,omitempty"`
	// AuthTime is principal.authTime. A policy that reads it denies when it is zero.
	AuthTime time.Time `json:"auth_time,omitzero"`
	// Attributes are those of [Vocabulary].Attributes. Others are not read.
	Attributes Attributes `json:"attributes,omitempty"`
}

// Resource is what an action is done to.
type Resource struct {
	// Type is one that the [Vocabulary] declares for the action.
	Type string `json:"type"`
	// ID is resource's own, Type::"ID".
	ID string `json:"id"`
	// Tenant is the one that it belongs to, when that is known. The authorization service denies everybody of another tenant.
	Tenant string `json:"tenant,omitempty"`
	// Attributes are those that the type declares. Others are not read.
	Attributes Attributes `json:"attributes,omitempty"`
	// Parents are what it is in.
	Parents []Entity `json:"parents,omitempty"`
}

// Entity names an entity: an ancestor of a resource, or the value of an attribute.
type Entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	// Parents are what it is in itself.
	Parents []Entity `json:"parents,omitempty"`
}

// Context is what else is known about a request. A policy that reads what is zero denies, MFAAge aside.
type Context struct {
	// IP is context.ip.
	IP netip.Addr `json:"ip,omitzero"`
	// Method is context.method, of HTTP.
	Method string `json:"method,omitempty"`
	// Route is context.route: the matched route, never the raw path.
	Route string `json:"route,omitempty"`
	// Tenant is context.tenant, of the request; it is the principal's when this is empty.
	Tenant string `json:"tenant,omitempty"`
	// Time is context.time.
	Time time.Time `json:"time,omitzero"`
	// MFAAge is context.mfaAge, in whole seconds. Nil, which is never, is [NeverMFA] there.
	MFAAge *time.Duration `json:"mfa_age,omitempty"`
	// Attributes are those of [Vocabulary].Context. Others are not read.
	Attributes Attributes `json:"attributes,omitempty"`
}

// NeverMFA is context.mfaAge when there was no second factor.
const NeverMFA = 1<<53 - 1

// Attributes are values by name: strings, bools, integers, time.Time, time.Duration, netip.Addr and
// netip.Prefix, [setting.Secret], [Entity], and slices and maps of them. Of named types
// those with such an underlying type are read like it. A text is also read where a policy's declaration asks for an
// entity (its ID), a datetime (RFC 3339), a duration (1h30m), an ipaddr or a decimal. Anything else denies.
type Attributes map[string]any
