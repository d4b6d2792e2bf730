package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
)

func (g *Gate) deviceEndpoints() []Endpoint {
	return []Endpoint{
		{Method: http.MethodGet, Path: "/devices", Need: NeedLogin, Handle: g.listDevices},
		{Method: http.MethodPatch, Path: "/devices/{id}", Need: NeedLogin, Owner: true, Handle: g.renameDevice},
	}
}

type deviceView struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	FirstSeenAt time.Time `json:"first_seen_at"`
	LastSeenAt  time.Time `json:"last_seen_at"`
}

func (g *Gate) listDevices(ctx context.Context, _ *http.Request) (Reply, error) {
	devices, err := g.deps.Sessions.Devices(ctx, authn.PrincipalFrom(ctx).Subject)
	if err != nil {
		return Reply{}, err
	}
	list := make([]deviceView, 0, len(devices))
	for _, d := range devices {
		list = append(list, deviceView{ID: d.ID, Name: d.Name, FirstSeenAt: d.FirstSeenAt.UTC(), LastSeenAt: d.LastSeenAt.UTC()})
	}
	return Reply{Body: map[string]any{"devices": list}}, nil
}

func (g *Gate) renameDevice(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	name := in.text("name")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	err = g.deps.Sessions.RenameDevice(ctx, authn.PrincipalFrom(ctx).Subject, r.PathValue("id"), name)
	if errors.Is(err, authn.ErrNotFound) {
		return Reply{}, problem(http.StatusNotFound, "device_not_found", "you have not logged in on a device with this id")
	}
	return Reply{}, err
}
