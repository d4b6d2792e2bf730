package bundle

import (
	"context"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

func newRecorder() *echoauth.Recorder { return &echoauth.Recorder{} }

func newEchoDoor(recorder *echoauth.Recorder, gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*echoauth.Auth, error) {
	return echoauth.NewWith(recorder, gate, slot.Values(extra.List)...)
}

type routerIn struct {
	fx.In
	Recorder *echoauth.Recorder
	// Router is absent where there is none, or where its provider lacks something, of which whoever needs it will tell.
	Router *echo.Echo `optional:"true"`
}

// watchRouter has the router made and watched before the application's own Invokes and those of modules behind this one add routes.
func watchRouter(in routerIn) {
	if in.Router != nil {
		in.Recorder.Watch(in.Router)
	}
}

// checkRoutes looks at the routes when the application starts. Every Invoke has run by then. The hook is added before the
// router is made, so that it comes before a listener's, also one that the router's constructor adds.
func (s Settings) checkRoutes(lc fx.Lifecycle, recorder *echoauth.Recorder, l logger) {
	if s.HTTP.CheckRoutes == transport.RouteCheckOff {
		return
	}
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		return s.loud(s.HTTP.CheckRoutes.Weigh(ctx, l.named(), recorder.CheckRoutes(ctx)))
	}))
}
