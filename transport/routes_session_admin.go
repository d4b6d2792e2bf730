package transport

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// The permissions that the endpoints about other accounts' sessions ask for.
// They reach the caller's own tenant, and no other.
const (
	// PermissionReadSessions lets a caller see sessions of other accounts.
	PermissionReadSessions = "sessions.read"
	// PermissionRevokeSessions lets a caller end sessions of other accounts.
	PermissionRevokeSessions = "sessions.revoke"
)

const usualPage = 50

// sessionAdminEndpoints are off until configured.
func (g *Gate) sessionAdminEndpoints() []Endpoint {
	if !g.cfg.SessionEndpoints {
		return nil
	}
	return []Endpoint{
		{Method: http.MethodGet, Path: "/users/{id}/sessions", Handle: g.permitted(PermissionReadSessions, g.userSessions)},
		{Method: http.MethodDelete, Path: "/users/{id}/sessions", Owner: true, Handle: g.permitted(PermissionRevokeSessions, g.endUserSessions)},
		{Method: http.MethodGet, Path: "/tenant/sessions", Handle: g.permitted(PermissionReadSessions, g.tenantSessions)},
		{Method: http.MethodDelete, Path: "/tenant/sessions", Owner: true, Handle: g.permitted(PermissionRevokeSessions, g.endTenantSessions)},
		{Method: http.MethodDelete, Path: "/tenant/sessions/{id}", Owner: true, Handle: g.permitted(PermissionRevokeSessions, g.endTenantSession)},
	}
}

type handler = func(ctx context.Context, r *http.Request) (Reply, error)

// permitted runs the handler for callers that have the permission.
func (g *Gate) permitted(permission string, handle handler) handler {
	return func(ctx context.Context, r *http.Request) (Reply, error) {
		if refused := g.require(ctx, authn.PrincipalFrom(ctx), permission); refused != nil {
			return Reply{}, refused
		}
		return handle(ctx, r)
	}
}

// ownedView is a session with the account that it belongs to.
type ownedView struct {
	UserID string `json:"user_id"`
	sessionView
}

func owned(live []session.Info, current string) []ownedView {
	list := make([]ownedView, 0, len(live))
	for _, info := range live {
		list = append(list, ownedView{UserID: info.Subject.ID, sessionView: view(info, current)})
	}
	return list
}

func named(ctx context.Context, r *http.Request) authn.Subject {
	return authn.Subject{Tenant: authn.PrincipalFrom(ctx).Subject.Tenant, ID: r.PathValue("id")}
}

func (g *Gate) userSessions(ctx context.Context, r *http.Request) (Reply, error) {
	live, err := g.deps.Sessions.List(ctx, named(ctx, r))
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: map[string]any{"sessions": owned(live, authn.PrincipalFrom(ctx).SessionID)}}, nil
}

func (g *Gate) endUserSessions(ctx context.Context, r *http.Request) (Reply, error) {
	_, err := g.deps.Sessions.RevokeAll(authn.EndedBy(ctx, authn.PrincipalFrom(ctx)), named(ctx, r))
	return Reply{}, err
}

// tenantSessions answers with a page; "next" is the parameter "after" of the page that follows, and absent on the last.
func (g *Gate) tenantSessions(ctx context.Context, r *http.Request) (Reply, error) {
	caller := authn.PrincipalFrom(ctx)
	limit, err := pageSize(r, usualPage, session.MaxPage)
	if err != nil {
		return Reply{}, err
	}
	live, next, err := g.deps.Sessions.InTenant(ctx, caller.Subject.Tenant, r.URL.Query().Get("after"), limit)
	if err != nil {
		return Reply{}, err
	}
	body := struct {
		Sessions []ownedView `json:"sessions"`
		Next     string      `json:"next,omitempty"`
	}{owned(live, caller.SessionID), next}
	return Reply{Body: body}, nil
}

func pageSize(r *http.Request, usual, most int) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &authn.FieldError{Field: "limit", Code: "out_of_range", Problem: "must be a whole number from 1 to " + strconv.Itoa(most)}
	}
	return n, nil
}

func (g *Gate) endTenantSession(ctx context.Context, r *http.Request) (Reply, error) {
	s := named(ctx, r)
	err := g.deps.Sessions.RevokeIn(authn.EndedBy(ctx, authn.PrincipalFrom(ctx)), s.Tenant, s.ID)
	if errors.Is(err, authn.ErrNotFound) {
		return Reply{}, problem(http.StatusNotFound, "session_not_found", "the tenant has no live session with this id")
	}
	return Reply{}, err
}

func (g *Gate) endTenantSessions(ctx context.Context, _ *http.Request) (Reply, error) {
	caller := authn.PrincipalFrom(ctx)
	return Reply{}, g.deps.Users.RevokeTenant(ctx, caller, caller.Subject.Tenant)
}
