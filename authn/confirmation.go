package authn

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// Confirmation is what a session and its tokens are bound to (cnf, RFC 7800):
// who presents them must prove every part that is set. The zero value is a
// bearer credential. It is comparable and never changes while a session lives.
//
// A thumbprint of a DPoP key (jkt, RFC 9449) would be one more field here. Until then a
// token with a cnf member that is not one of these is refused: it demands a proof that nobody here can check.
type Confirmation struct {
	// Certificate is the thumbprint of the client certificate (x5t#S256).
	Certificate Thumbprint
	// Network has the client's address: one address, or a network with a shorter prefix. It is
	// masked, and IPv4 is not mapped into IPv6. No RFC names such a member; in cnf it is the private ip_network.
	Network netip.Prefix
}

// The members of cnf.
const (
	cnfCertificate = "x5t#S256"
	cnfNetwork     = "ip_network"
)

// The parts of a binding, as callers name them and as events give them for a reason.
const (
	// BoundCertificate is a client certificate.
	BoundCertificate = "certificate"
	// BoundIP is the client's address.
	BoundIP = "ip"
)

// IsZero reports whether the credential is bound to nothing.
func (c Confirmation) IsZero() bool { return c == Confirmation{} }

// Proved reports whether the client proves all that the credential is bound
// to. A client whose certificate or address is unknown proves neither. It is
// asked at every request, and allocates nothing.
func (c Confirmation) Proved(client Client) bool { return c.Unproved(client) == "" }

// Unproved returns the first part that the client does not prove,
// [BoundCertificate] or [BoundIP], or nothing when it proves all.
func (c Confirmation) Unproved(client Client) string {
	switch {
	case !c.Certificate.IsZero() && !c.Certificate.equal(client.Certificate):
		return BoundCertificate
	case c.Network.IsValid() && !c.Network.Contains(canonicalIP(client.IP)):
		return BoundIP
	}
	return ""
}

// BoundTo returns the names of the parts that are set, never nil.
func (c Confirmation) BoundTo() []string {
	parts := []string{}
	if !c.Certificate.IsZero() {
		parts = append(parts, BoundCertificate)
	}
	if c.Network.IsValid() {
		parts = append(parts, BoundIP)
	}
	return parts
}

// canonicalIP is the one form in which addresses are compared: IPv4 not mapped
// into IPv6, and without zone. The zero Addr, which is no address, is in no network.
func canonicalIP(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

type wireConfirmation struct {
	Certificate string `json:"x5t#S256,omitempty"`
	Network     string `json:"ip_network,omitempty"`
}

func (c Confirmation) wire() *wireConfirmation {
	if c.IsZero() {
		return nil
	}
	w := &wireConfirmation{Certificate: c.Certificate.String()}
	if c.Network.IsValid() {
		w.Network = c.Network.String()
	}
	return w
}

// MarshalJSON writes the value of a cnf claim, null when there is none.
func (c Confirmation) MarshalJSON() ([]byte, error) { return json.Marshal(c.wire()) }

// Text returns the confirmation as a store keeps it: empty for none, else the
// JSON of cnf. See [ParseConfirmation].
func (c Confirmation) Text() string {
	if c.IsZero() {
		return ""
	}
	text, err := c.MarshalJSON()
	if err != nil { // two strings always encode
		return cnfUnreadable
	}
	return string(text)
}

// cnfUnreadable is refused by ParseConfirmation: better a session that nobody can use than one that lost its binding.
const cnfUnreadable = "{}"

// Room enough to tell a confirmation of another kind, such as a jwk, from a malformed one.
var confirmationLimits = strictjson.Limits{Bytes: 4 << 10, Depth: 4, Members: 32}

// ParseConfirmation reads what [Confirmation.Text] wrote. Anything else is an
// error, and never a confirmation that demands less.
func ParseConfirmation(text string) (Confirmation, error) {
	if text == "" {
		return Confirmation{}, nil
	}
	return decodeConfirmation([]byte(text))
}

var errConfirmationForm = errors.New("authn: a confirmation is not in the form that this module writes")

// decodeConfirmation reads a cnf object that binds to something. RFC 7800 lets a
// reader ignore members that it does not understand; this one refuses them with [ErrTokenBinding], because it
// reads its own tokens alone and each member is a demand.
func decodeConfirmation(text []byte) (Confirmation, error) {
	object, err := strictjson.Parse(text, confirmationLimits)
	if err != nil {
		return Confirmation{}, fmt.Errorf("%w: %w", errConfirmationForm, err)
	}
	for name := range object {
		if name != cnfCertificate && name != cnfNetwork {
			return Confirmation{}, fmt.Errorf("%w: a confirmation method that is not known here", ErrTokenBinding)
		}
	}
	var c Confirmation
	certificate, network := true, true
	if object.Has(cnfCertificate) {
		value, _ := object.String(cnfCertificate)
		c.Certificate, certificate = parseThumbprint(value)
	}
	if object.Has(cnfNetwork) {
		value, _ := object.String(cnfNetwork)
		c.Network, network = parseNetwork(value)
	}
	if !certificate || !network || c.IsZero() {
		return Confirmation{}, errConfirmationForm
	}
	return c, nil
}

// parseNetwork reads a network in the one form that this module writes it.
func parseNetwork(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p != p.Masked() || p.Addr().Is4In6() || p.String() != text {
		return netip.Prefix{}, false
	}
	return p, true
}
