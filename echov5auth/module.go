package echov5auth

import (
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

// Module puts an *Auth into the graph of authmodule.Configure, for [Mount].
func Module() fx.Option {
	return fx.Provide(func(gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*Auth, error) {
		return New(gate, slot.Values(extra.List)...)
	})
}
