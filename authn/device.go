package authn

import "github.com/authmodule/authmodule/setting"

// DeviceClaim is what a device says of itself at login. It proves nothing: it
// tells a known device from a new one, and lends it a name.
type DeviceClaim struct {
	// Token is the value of the device's long-lived cookie, empty where there are no cookies.
	Token setting.Secret
	// Fresh says that Token was made for a device that sent none, and counts if the login ends in a cookie.
	Fresh bool
	// Name is what the device calls itself, such as "Ada's phone"; empty when it does not say.
	Name string
}

const longestDeviceName = 64

// CheckDeviceName returns a [FieldError] for a name that has more than 64
// characters, or some that do not print. An empty name is good.
func CheckDeviceName(field, name string) error { return checkName(field, name, 0, longestDeviceName) }
