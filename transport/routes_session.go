package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type sessionView struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Mode       string    `json:"mode"`
	Device     string    `json:"device"`
	DeviceID   string    `json:"device_id,omitempty"`
	DeviceName string    `json:"device_name,omitempty"`
	IP         string    `json:"ip"`
	Place      string    `json:"place,omitempty"`
	Methods    []string  `json:"methods"`
	Remember   bool      `json:"remember"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	BoundTo    []string  `json:"bound_to"`
	// Actor is the account that acts in the session as its owner.
	Actor string `json:"actor,omitempty"`
}

func (g *Gate) listSessions(ctx context.Context, _ *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	live, err := g.deps.Sessions.List(ctx, p.Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: map[string]any{"sessions": views(live, p.SessionID)}}, nil
}

func views(live []session.Info, current string) []sessionView {
	list := make([]sessionView, 0, len(live))
	for _, info := range live {
		list = append(list, view(info, current))
	}
	return list
}

func view(info session.Info, current string) sessionView {
	return sessionView{
		ID: info.ID, Current: info.ID == current, Mode: string(info.Carrier), Device: info.Device, DeviceID: info.DeviceID, DeviceName: info.DeviceName,
		IP: info.IP, Place: info.Place, Methods: append([]string{}, info.Methods...), Remember: info.Remember,
		CreatedAt: info.CreatedAt.UTC(), LastUsedAt: info.LastUsedAt.UTC(), ExpiresAt: info.ExpiresAt.UTC(),
		BoundTo: info.Confirmation.BoundTo(), Actor: info.Actor,
	}
}

func (g *Gate) revokeSession(ctx context.Context, r *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	id := r.PathValue("id")
	err := g.deps.Sessions.Revoke(ctx, p.Subject, id)
	if errors.Is(err, authn.ErrNotFound) {
		return Reply{}, problem(http.StatusNotFound, "session_not_found", "you have no live session with this id")
	}
	if err != nil || id != p.SessionID {
		return Reply{}, err
	}
	return Reply{Cookies: g.cookieOf(p, r)}, nil
}

func (g *Gate) revokeOthers(ctx context.Context, _ *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	if p.SessionID == "" {
		return Reply{}, problem(http.StatusForbidden, "no_session", "the credential belongs to no session, so there are no others")
	}
	_, err := g.deps.Sessions.RevokeOthers(ctx, p.Subject, p.SessionID)
	return Reply{}, err
}
