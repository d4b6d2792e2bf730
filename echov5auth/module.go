package echov5auth

import (
	"context"

	"github.com/labstack/echo/v5"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

// Module puts an *Auth into the graph of authmodule.Configure, for [Mount]. It watches the *echo.Echo of the graph, and looks at its routes when the
// application starts, as auth.http.check_routes says: see [Auth.CheckRoutes].
func Module() fx.Option {
	return fx.Module("authmodule.echov5auth",
		fx.Provide(func() *Recorder { return &Recorder{} }, newDoor),
		fx.Invoke(checkRoutes, watchRouter), // the check first, so that its hook comes before one of the router's constructor
	)
}

func newDoor(recorder *Recorder, gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*Auth, error) {
	return NewWith(recorder, gate, slot.Values(extra.List)...)
}

// checkRoutes looks at the routes when the application starts. Every Invoke has run by then.
func checkRoutes(lc fx.Lifecycle, recorder *Recorder, gate *transport.Gate) {
	lc.Append(fx.StartHook(func(ctx context.Context) error { return gate.StartCheck(ctx, recorder.CheckRoutes) }))
}

type routerIn struct {
	fx.In
	Recorder *Recorder
	// Router is absent where there is none, or where its provider lacks something, of which whoever needs it will tell.
	Router *echo.Echo `optional:"true"`
}

// watchRouter has the router made and watched before the application's own Invokes and those of modules behind this one add routes.
func watchRouter(in routerIn) {
	if in.Router != nil {
		in.Recorder.Watch(in.Router)
	}
}
