package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// clientResolver finds the caller's address: the connection's own, unless that
// belongs to a trusted proxy.
type clientResolver struct {
	trusted []netip.Prefix
}

func newClientResolver(cidrs []string) (clientResolver, error) {
	var c clientResolver
	for _, text := range cidrs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return clientResolver{}, fmt.Errorf("transport: trusted proxy %q is not a network such as 10.0.0.0/8", text)
		}
		c.trusted = append(c.trusted, prefix.Masked())
	}
	return c, nil
}

func (c clientResolver) client(r *http.Request) authn.Client {
	return authn.Client{IP: c.address(r), UserAgent: authn.CleanUserAgent(r.UserAgent())}
}

// address walks X-Forwarded-For from the right, as long as each hop is a
// trusted proxy. The first that is not is the caller; a hop that cannot be
// read ends the walk at the last good one.
func (c clientResolver) address(r *http.Request) netip.Addr {
	hop, ok := parseHop(r.RemoteAddr)
	if !ok || !c.trusts(hop) {
		return hop
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0; i-- {
		next, ok := parseHop(strings.TrimSpace(forwarded[i]))
		if !ok {
			return hop
		}
		if hop = next; !c.trusts(hop) {
			return hop
		}
	}
	return hop
}

// trustsPeer reports whether the connection itself is a trusted proxy's.
func (c clientResolver) trustsPeer(r *http.Request) bool {
	peer, ok := parseHop(r.RemoteAddr)
	return ok && c.trusts(peer)
}

// forwarded reports whether somebody says that the request is another's.
func forwarded(r *http.Request) bool {
	return r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
}

// warnOfProxy logs once, at the first request that a peer which is no trusted proxy says to have forwarded: either somebody invents
// addresses, which count for nothing, or a proxy is not named and all its clients have one address.
func (g *Gate) warnOfProxy(r *http.Request) {
	if g.warned.Load() || !forwarded(r) {
		return
	}
	peer, ok := parseHop(r.RemoteAddr)
	if !ok || g.clients.trusts(peer) || !g.warned.CompareAndSwap(false, true) {
		return
	}
	g.deps.Log.WarnContext(r.Context(), "a request was forwarded by a peer that is no trusted proxy: throttling, bindings and events go by the peer's own address. "+
		"If it is your proxy, name its network in auth.http.trusted_proxies (LEX_AUTH__HTTP__TRUSTED_PROXIES); this is told once", "peer", peer.String())
}

func (c clientResolver) trusts(a netip.Addr) bool {
	for _, prefix := range c.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// parseHop reads an address with or without port, and returns its one
// canonical form: IPv4 in IPv6 unmapped, no zone.
func parseHop(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if inner, found := strings.CutPrefix(text, "["); found && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return address.Unmap().WithZone(""), true
}
