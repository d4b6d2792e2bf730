package transport

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// Endpoints returns the module's own routes, and the extra ones after them, by path and method.
func (g *Gate) Endpoints(extra ...Endpoint) []Endpoint {
	extra = slices.SortedFunc(slices.Values(extra), func(a, b Endpoint) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return append(g.own(), extra...)
}

func (g *Gate) own() []Endpoint {
	endpoints := []Endpoint{
		{Method: http.MethodPost, Path: "/register", Need: NeedNothing, Handle: g.register},
		{Method: http.MethodPost, Path: "/login", Need: NeedNothing, Handle: g.login},
		{Method: http.MethodPost, Path: "/login/continue", Need: NeedNothing, Handle: g.continueLogin},
		{Method: http.MethodPost, Path: "/refresh", Need: NeedNothing, Handle: g.refresh},
		{Method: http.MethodPost, Path: "/logout", Need: NeedLogin, Handle: g.logout},
		{Method: http.MethodGet, Path: "/me", Handle: g.me},
		{Method: http.MethodGet, Path: "/sessions", Need: NeedLogin, Handle: g.listSessions},
		{Method: http.MethodDelete, Path: "/sessions", Need: NeedLogin, Owner: true, Handle: g.revokeOthers},
		{Method: http.MethodDelete, Path: "/sessions/{id}", Need: NeedLogin, Owner: true, Handle: g.revokeSession},
		{Method: http.MethodGet, Path: "/.well-known/jwks.json", Absolute: true, Need: NeedNothing, Handle: g.publicKeys},
	}
	endpoints = append(endpoints, g.stepUpEndpoints()...)
	endpoints = append(endpoints, g.deviceEndpoints()...)
	endpoints = append(endpoints, g.accountEndpoints()...)
	endpoints = append(endpoints, g.accountAdminEndpoints()...)
	endpoints = append(endpoints, g.sessionAdminEndpoints()...)
	endpoints = append(endpoints, g.userAdminEndpoints()...)
	endpoints = append(endpoints, g.impersonationEndpoints()...)
	endpoints = append(endpoints, g.rbacEndpoints()...)
	if g.deps.APIKeys != nil {
		endpoints = append(endpoints, g.apiKeyEndpoints()...)
	}
	if g.deps.MFA != nil {
		endpoints = append(endpoints, g.mfaEndpoints()...)
	}
	endpoints = append(endpoints, g.tokenEndpoints()...)
	endpoints = append(endpoints, g.keyEndpoints()...)
	endpoints = append(endpoints, g.auditEndpoints()...)
	endpoints = append(endpoints, g.healthEndpoints()...)
	if g.deps.Setup == nil {
		return endpoints
	}
	return append(endpoints,
		Endpoint{Method: http.MethodGet, Path: "/setup", Need: NeedNothing, Handle: page(setupPage)},
		Endpoint{Method: http.MethodPost, Path: "/setup", Need: NeedNothing, Handle: g.setup},
	)
}

func (g *Gate) read(r *http.Request) (*body, error) {
	return readBody(r, g.bodyLimit())
}

// bodyLimit is the longest request body in bytes.
func (g *Gate) bodyLimit() int {
	const kib = 1024
	return int(g.cfg.MaxBodyKiB) * kib
}

type accountView struct {
	ID    string   `json:"id"`
	Email string   `json:"email"`
	Roles []string `json:"roles"`
}

func (g *Gate) register(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.RegisterRequest{Email: in.text("email"), Password: in.secret("password"), Client: g.Client(r)}
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	if g.deps.Account != nil && g.deps.Account.Discreet() {
		return accepted(g.deps.Account.Register(ctx, request))
	}
	user, err := g.deps.Users.Register(ctx, request)
	if err != nil {
		return Reply{}, err
	}
	if g.deps.Account != nil {
		g.deps.Account.Registered(ctx, user, request.Client)
	}
	return Reply{Status: http.StatusCreated, Body: accountView{ID: user.Subject.ID, Email: user.Email, Roles: []string{g.deps.Authz.DefaultRole()}}}, nil
}

type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	brought
}

func tokenReply(grant authn.Grant, more brought) Reply {
	return Reply{Body: tokens{
		AccessToken: grant.AccessToken.Reveal(), RefreshToken: grant.RefreshToken.Reveal(),
		TokenType: "Bearer", ExpiresIn: int64(grant.ExpiresIn.Seconds()), brought: more,
	}}
}

func (g *Gate) refresh(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	token := in.secret("refresh_token")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	grant, err := g.deps.Users.Refresh(ctx, token, g.Client(r))
	if err != nil {
		return Reply{}, err
	}
	return tokenReply(grant, brought{}), nil
}

func (g *Gate) logout(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	everywhere := in.flag("everywhere")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	p := authn.PrincipalFrom(ctx)
	if everywhere && p.Actor != "" {
		return Reply{}, impersonated()
	}
	if err := g.endLogin(ctx, p, everywhere); err != nil {
		return Reply{}, err
	}
	return Reply{Cookies: g.cookieOf(p, r), ClearSiteData: g.clearsSiteData(r)}, nil
}

func (g *Gate) endLogin(ctx context.Context, p authn.Principal, everywhere bool) error {
	if everywhere {
		_, err := g.deps.Sessions.RevokeAll(ctx, p.Subject)
		return err
	}
	return g.deps.Users.Logout(ctx, p)
}

func (g *Gate) me(ctx context.Context, _ *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	permissions, err := g.deps.Authz.Permissions(ctx, p)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: struct {
		accountView
		Permissions []string `json:"permissions"`
		SessionID   string   `json:"session_id"`
		Actor       string   `json:"actor,omitempty"`
		proved
	}{accountView{ID: p.Subject.ID, Email: p.Email, Roles: p.Roles}, append([]string{}, permissions...), p.SessionID, p.Actor, provedBy(p)}}, nil
}

func (g *Gate) publicKeys(context.Context, *http.Request) (Reply, error) {
	return Reply{Body: g.deps.Tokens.PublicKeys(), Cacheable: authn.DefaultPublishSeconds}, nil
}
