package bundle

import (
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/transport"
)

func newHTTPDoor(gate *transport.Gate, extra slot.Members[transport.Endpoint]) (*httpauth.Auth, error) {
	return httpauth.New(gate, slot.Values(extra.List)...)
}
