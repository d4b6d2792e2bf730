package transport

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// Names of the device cookie, which tells a known browser from a new one and
// authenticates nobody. It is set at a cookie login and outlives the session.
const (
	DeviceCookieName         = "__Host-device"
	InsecureDeviceCookieName = "device"
	// deviceCookieAge is as long as browsers keep a cookie at most (RFC 6265bis, section 5.5).
	deviceCookieAge = 400 * 24 * time.Hour
)

type deviceCookie struct{ insecure bool }

func (d deviceCookie) name() string {
	if d.insecure {
		return InsecureDeviceCookieName
	}
	return DeviceCookieName
}

// read returns the value, or the empty one when there is none, when there are several or when it is not one of ours.
func (d deviceCookie) read(r *http.Request) setting.Secret {
	value, _ := cookieNamed(r, d.name())
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != credential.SecretSize {
		return ""
	}
	return setting.Secret(value)
}

// issue returns a value for a browser that has none.
func (d deviceCookie) issue(random io.Reader) (setting.Secret, error) {
	secret, err := credential.NewSecret(random)
	if err != nil {
		return "", fmt.Errorf("transport: make a device cookie: %w", err)
	}
	return setting.Secret(base64.RawURLEncoding.EncodeToString(secret)), nil
}

func (d deviceCookie) set(value setting.Secret) *http.Cookie {
	c := sessionCookie(d).cookie(value.Reveal()) //nolint:gosec // the same attributes, Secure but where the configuration says insecure
	c.Name = d.name()
	c.MaxAge = int(deviceCookieAge.Seconds())
	return c
}
