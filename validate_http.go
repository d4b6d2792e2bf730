package authmodule

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/authmodule/authmodule/transport"
)

// soundPrefix is one or more path segments that need no escaping and no cleaning.
var soundPrefix = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func (p *problems) http(c transport.Config) {
	if c.Prefix != "" && !soundPrefix.MatchString(c.Prefix) {
		p.add("http.prefix", "is not a plain path", "set $VAR to a path such as /auth, with a slash at its start and none at its end, and without parameters")
	}
	switch c.CheckRoutes {
	case "", transport.RouteCheckOff, transport.RouteCheckWarn, transport.RouteCheckStrict:
	default:
		p.add("http.check_routes", "is none of off, warn and strict", "set $VAR to one of them")
	}
	p.publicURL(c.PublicURL)
	for i, network := range c.TrustedProxies {
		p.proxy(i+1, network)
	}
	for i, origin := range c.TrustedOrigins {
		if !soundOrigin(origin) {
			p.add("http.trusted_origins", fmt.Sprintf("item %d is not an origin", i+1),
				"write it in $VAR as a browser does: scheme://host or scheme://host:port, in lower case, without the scheme's own port")
		}
	}
}

func (p *problems) publicURL(value string) {
	if value == "" {
		return
	}
	u, ok := parseOrigin(value)
	switch {
	case !ok:
		p.add("http.public_url", "is not the address of a site", "set $VAR to scheme and host alone, such as https://app.example.com")
	case p.strict && u.Scheme != "https":
		p.add("http.public_url", "is not an https address", "set $VAR to one that begins with https://")
	}
}

func (p *problems) proxy(item int, network string) {
	prefix, err := netip.ParsePrefix(network)
	switch {
	case err != nil:
		p.add("http.trusted_proxies", fmt.Sprintf("item %d is not a network", item),
			"write each in $VAR with its length, such as 10.0.0.0/8, or 10.0.0.5/32 for one machine")
	case prefix.Bits() == 0 || prefix.Addr().Is4In6() && prefix.Bits() <= 96:
		p.add("http.trusted_proxies", fmt.Sprintf("item %d is the whole internet, so that anybody could claim any address", item),
			"name in $VAR the networks of your own proxies")
	}
}

// soundOrigin reports whether value is an origin as browsers write it; another spelling would never match.
func soundOrigin(value string) bool {
	u, ok := parseOrigin(value)
	if !ok || value != strings.ToLower(value) {
		return false
	}
	port := u.Port()
	return !(u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80")
}

// parseOrigin parses scheme://host[:port], with nothing after it.
func parseOrigin(value string) (*url.URL, bool) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	host := u.Hostname()
	if host == "" || strings.ContainsAny(host, "*%, ") || strings.HasSuffix(u.Host, ":") {
		return nil, false
	}
	return u, strings.EqualFold(value, u.Scheme+"://"+u.Host)
}
