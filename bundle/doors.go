package bundle

import (
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

func newEchoDoor(gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*echoauth.Auth, error) {
	return echoauth.New(gate, slot.Values(extra.List)...)
}

func newHTTPDoor(gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*httpauth.Auth, error) {
	return httpauth.New(gate, slot.Values(extra.List)...)
}
