package setting

import "errors"

// ErrNotToggle is the reason a [Toggle] is refused when read.
var ErrNotToggle = errors.New("must be true or false")

// Toggle is a switch whose zero value is [On]. It reads true and false.
type Toggle uint8

// The two positions of a [Toggle].
const (
	On Toggle = iota
	Off
)

// Enabled reports whether the switch is on.
func (t Toggle) Enabled() bool { return t != Off }

// String returns "true" or "false", as it is written in files and variables.
func (t Toggle) String() string {
	if t.Enabled() {
		return "true"
	}
	return "false"
}

// MarshalText returns "true" or "false".
func (t Toggle) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads "true" or "false".
func (t *Toggle) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true":
		*t = On
	case "false":
		*t = Off
	default:
		return ErrNotToggle
	}
	return nil
}
