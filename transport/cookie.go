package transport

import (
	"net/http"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Names of the session cookie. The __Host- prefix makes browsers refuse it
// without Secure, with a Domain, or for another path (RFC 6265bis, section 4.1.3.2).
const (
	CookieName         = "__Host-session"
	InsecureCookieName = "session"
)

// sessionCookie reads and writes the session cookie.
type sessionCookie struct {
	insecure bool
}

func (s sessionCookie) name() string {
	if s.insecure {
		return InsecureCookieName
	}
	return CookieName
}

// read returns the cookie's value. Two cookies of the name are a sign of
// tossing, and none of them is believed.
func (s sessionCookie) read(r *http.Request) (value setting.Secret, present, single bool) {
	text, times := cookieNamed(r, s.name())
	return setting.Secret(text), times > 0, times == 1
}

func (s sessionCookie) set(value setting.Secret, ends time.Time) *http.Cookie {
	c := s.cookie(value.Reveal())
	c.Expires = ends.UTC()
	return c
}

func (s sessionCookie) clear() *http.Cookie {
	c := s.cookie("")
	c.MaxAge = -1
	return c
}

func (s sessionCookie) cookie(value string) *http.Cookie {
	return &http.Cookie{
		Name: s.name(), Value: value, Path: "/", HttpOnly: true, Secure: !s.insecure, SameSite: http.SameSiteLaxMode,
	}
}
