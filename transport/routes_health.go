package transport

import (
	"context"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/health"
)

// healthEndpoints are named as Kubernetes names its own.
func (g *Gate) healthEndpoints() []Endpoint {
	if !g.cfg.Health || g.deps.Health == nil {
		return nil
	}
	return []Endpoint{
		{Method: http.MethodGet, Path: "/livez", Need: NeedNothing, Handle: live},
		{Method: http.MethodGet, Path: "/readyz", Need: NeedNothing, Handle: g.ready},
	}
}

type healthView struct {
	Status  string        `json:"status"`
	Failing []failingView `json:"failing,omitempty"`
}

type failingView struct {
	Port   string    `json:"port"`
	Driver string    `json:"driver"`
	Class  string    `json:"class"`
	Writes bool      `json:"writes,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// live answers as long as the process does: no restart mends a store that is down.
func live(context.Context, *http.Request) (Reply, error) {
	return Reply{Body: healthView{Status: "ok"}}, nil
}

func (g *Gate) ready(ctx context.Context, _ *http.Request) (Reply, error) {
	report := g.deps.Health.Check(ctx)
	if report.Ready {
		return Reply{Body: healthView{Status: "ok"}}, nil
	}
	view := healthView{Status: "failing"}
	for _, row := range report.Failing() {
		view.Failing = append(view.Failing, failed(row))
	}
	return Reply{Status: http.StatusServiceUnavailable, Body: view}, nil
}

func failed(row health.Row) failingView {
	return failingView{Port: row.Name, Driver: row.Driver, Class: row.Class, Writes: row.Writes, Since: row.Since.UTC()}
}
