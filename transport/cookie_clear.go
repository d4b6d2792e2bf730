package transport

import (
	"net/http"

	"github.com/authmodule/authmodule/authn"
)

// mayClear reports whether the answer may clear a stale session cookie. Answers do not reach a
// browser in the order in which they were made: what a script of the page asks for runs beside a login, and its answer could
// clear the cookie that the login has just set. So only documents clear, and clients that say nothing about themselves.
func mayClear(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "" || mode == "navigate"
}

// cookieOf clears the session cookie of a caller whose own session was ended. A token's session is not the cookie's.
func (g *Gate) cookieOf(p authn.Principal, r *http.Request) []*http.Cookie {
	if _, present, _ := g.cookie.read(r); !present || p.TokenID != "" {
		return nil
	}
	return []*http.Cookie{g.cookie.clear()}
}

// siteData leaves out "cookies", which would take the application's own and those of other hosts of the domain.
const siteData = `"cache", "storage"`

// clearsSiteData is the Clear-Site-Data header of a logout. A page of another origin, which may log out with a token of
// its own, does not get to clear the site's data.
func (g *Gate) clearsSiteData(r *http.Request) string {
	if !g.cfg.ClearSiteData || g.CrossOrigin(r) != nil {
		return ""
	}
	return siteData
}

// dropsCookies reports a browser that would silently drop a Secure cookie: a page that came by plain
// HTTP from a host that is not the machine itself calls its own host. Clients that send no Origin are not recognised.
func (g *Gate) dropsCookies(r *http.Request) bool {
	plain := r.Header.Get("Origin") == "http://"+r.Host && r.Header.Get("Sec-Fetch-Site") == ""
	return plain && !g.cookie.insecure && !loopback(r.Host)
}

func insecureTransport() *Problem {
	return problem(http.StatusForbidden, "insecure_transport",
		"browsers keep the session cookie of this host over HTTPS alone; log in there, or with mode token (auth.http.insecure_cookies allows plain HTTP)")
}
