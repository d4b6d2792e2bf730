package transport

import (
	"net/http"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Names of the trust cookie, by which a browser needs no second factor for a while. It authenticates nobody by itself.
const (
	TrustCookieName         = "__Host-trust"
	InsecureTrustCookieName = "trust"
)

type trustCookie struct{ insecure bool }

func (c trustCookie) name() string {
	if c.insecure {
		return InsecureTrustCookieName
	}
	return TrustCookieName
}

// read returns the value, or the empty one when there is none or several.
func (c trustCookie) read(r *http.Request) setting.Secret {
	value, times := cookieNamed(r, c.name())
	if times != 1 {
		return ""
	}
	return setting.Secret(value)
}

func (c trustCookie) set(value setting.Secret, ends time.Time) *http.Cookie {
	cookie := sessionCookie(c).set(value, ends) //nolint:gosec // the same attributes, Secure but where the configuration says insecure
	cookie.Name = c.name()
	return cookie
}
