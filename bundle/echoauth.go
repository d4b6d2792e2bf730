package bundle

import (
	"slices"
	"strings"

	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

func (s Settings) newDoor(gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*echoauth.Auth, error) {
	endpoints := slot.Values(extra.List)
	slices.SortFunc(endpoints, func(a, b transport.Endpoint) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return echoauth.New(gate, endpoints...)
}
