package transport

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

// The permissions that the token endpoints ask for.
const (
	// PermissionIntrospect lets a caller look at any token.
	PermissionIntrospect = "tokens.introspect"
	// PermissionRevoke lets a caller revoke tokens of other accounts.
	PermissionRevoke = "tokens.revoke"
)

// tokenEndpoints are off until configured.
func (g *Gate) tokenEndpoints() []Endpoint {
	var endpoints []Endpoint
	if g.cfg.RevocationEndpoint {
		endpoints = append(endpoints, Endpoint{Method: http.MethodPost, Path: "/revoke", Handle: g.revokeToken})
	}
	if g.cfg.IntrospectionEndpoint {
		endpoints = append(endpoints, Endpoint{Method: http.MethodPost, Path: "/introspect", Handle: g.introspect})
	}
	return endpoints
}

// revokeToken answers alike for tokens that it ended and those that were no
// good already (RFC 7009, section 2.2). A caller may end the tokens of its own account; those
// of others with the permission.
func (g *Gate) revokeToken(ctx context.Context, r *http.Request) (Reply, error) {
	found, err := g.inspect(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	caller := authn.PrincipalFrom(ctx)
	if caller.Actor != "" && found.Active && found.SessionID != caller.SessionID {
		return Reply{}, impersonated()
	}
	if found.Active && (found.Subject != caller.Subject || caller.Scopes != nil) {
		if refused := g.require(ctx, caller, PermissionRevoke); refused != nil {
			return Reply{}, refused
		}
	}
	if err := g.deps.Users.RevokeInspected(authn.EndedBy(ctx, caller), found); err != nil {
		return Reply{}, err
	}
	return Reply{Status: http.StatusOK}, nil
}

type introspection struct {
	Active    bool     `json:"active"`
	Type      string   `json:"token_type,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	ID        string   `json:"jti,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	Audience  string   `json:"aud,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	NotBefore int64    `json:"nbf,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	Methods   []string `json:"amr,omitempty"`
	MFATime   int64    `json:"mfa_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	Actor     *actor   `json:"act,omitempty"`
	// Confirmation is left out for a token that is bound to nothing (RFC 8705, section 3.2).
	Confirmation authn.Confirmation `json:"cnf,omitzero"`
}

// actor is the act claim (RFC 8693, section 4.1).
type actor struct {
	Subject string `json:"sub"`
}

// introspect says what a token is good for (RFC 7662). Of an inactive one it says nothing else.
func (g *Gate) introspect(ctx context.Context, r *http.Request) (Reply, error) {
	if refused := g.require(ctx, authn.PrincipalFrom(ctx), PermissionIntrospect); refused != nil {
		return Reply{}, refused
	}
	found, err := g.inspect(ctx, r)
	if err != nil || !found.Active {
		return Reply{Body: introspection{}}, err
	}
	out := introspection{
		Active: true, Type: "refresh_token", Subject: found.Subject.ID, Tenant: string(found.Subject.Tenant), SessionID: found.SessionID,
		Expires: found.Expires.Unix(), AuthTime: found.AuthTime.Unix(), Methods: found.Methods,
		ACR: found.ACR, Confirmation: found.Confirmation,
	}
	if !found.MFATime.IsZero() {
		out.MFATime = found.MFATime.Unix()
	}
	if found.Actor != "" {
		out.Actor = &actor{found.Actor}
	}
	if c := found.Claims; found.Kind == authn.KindAccessToken {
		out.Type, out.ID, out.Issuer, out.Audience = "Bearer", c.ID, c.Issuer, c.Audience
		out.IssuedAt, out.NotBefore = c.IssuedAt.Unix(), c.NotBefore.Unix()
	}
	return Reply{Body: out}, nil
}

func (g *Gate) require(ctx context.Context, caller authn.Principal, permission string) error {
	decision, err := g.deps.Authz.Authorize(ctx, caller, permission, authz.Resource{})
	if refused := g.answer(ctx, decision, err); refused != nil {
		return refused
	}
	return nil
}

func (g *Gate) inspect(ctx context.Context, r *http.Request) (authn.Inspection, error) {
	token, err := g.formToken(r)
	if err != nil {
		return authn.Inspection{}, err
	}
	return g.deps.Users.Inspect(ctx, token)
}

// formToken reads the one token parameter of a form. It is never taken from
// the query, and token_type_hint is not needed.
func (g *Gate) formToken(r *http.Request) (setting.Secret, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" || r.Body == nil {
		return "", problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "send the token as a form, with the header Content-Type: application/x-www-form-urlencoded")
	}
	limit := g.bodyLimit()
	text, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if len(text) > limit {
		return "", tooLarge()
	}
	form, errForm := url.ParseQuery(string(text))
	if tokens := form["token"]; err == nil && errForm == nil && len(tokens) == 1 && tokens[0] != "" {
		return setting.Secret(tokens[0]), nil
	}
	return "", &authn.FieldError{Field: "token", Code: "required", Problem: "must be given once"}
}
