package setting

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a [Secret] shows in place of its value.
const Redacted = "[redacted]"

// Secret is a string that must not be printed: every fmt verb that suits a string, JSON, YAML,
// text and slog show [Redacted], or nothing when it is empty. [Secret.Reveal] is the one way to
// the value. The zero value is "not set".
//
// Some readers ask no method and show the value: fmt for the verbs %p and %w,
// which go vet reports, and in an unexported field of a struct that does not format
// itself; encoding/json in the key of a map; encoding/gob. A type that
// keeps a secret in an unexported field needs a Format method.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// Equal reports whether both secrets are the same, in time that depends on
// their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(other)) == 1
}

// String returns [Redacted], or the empty string for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString is String in quotes, for the %#v verb.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes the redacted form for every verb, so that %x, %q and %d leak
// nothing either.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || (verb == 'v' && f.Flag('#')) {
		text = s.GoString()
	}
	_, _ = f.Write([]byte(text))
}

// MarshalText returns the redacted form; JSON and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML returns the redacted form.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalText stores text as it is, byte for byte.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// LogValue returns the redacted form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
