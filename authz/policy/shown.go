package policy

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// SecretName reports whether an attribute's name says that its value is a secret, such as apiToken or
// password_hash. Explanations and recorded requests do not show its value.
func SecretName(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"secret", "password", "passwd", "token", "apikey", "api_key", "credential", "private", "otp", "cookie"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return false
}

// MarshalJSON writes the attributes, with [setting.Redacted] for those that are secrets by type or by name, and for
// what no policy can read.
func (a Attributes) MarshalJSON() ([]byte, error) {
	if a == nil {
		return []byte("null"), nil
	}
	return json.Marshal(shown("", map[string]any(a), 0))
}

// deepestShown is deeper than what a declared type can be.
const deepestShown = 2 * deepestSet

// shown returns v without secrets, in whatever maps and lists they stand.
func shown(name string, v any, depth int) any {
	if SecretName(name) || depth > deepestShown {
		return setting.Redacted
	}
	switch v := v.(type) {
	case nil, time.Time, netip.Addr, netip.Prefix, Entity, *Entity:
		return v
	case setting.Secret:
		return setting.Redacted
	case time.Duration:
		return v.String()
	}
	r := reflect.ValueOf(v)
	switch k := r.Kind(); {
	case k == reflect.Map && r.Type().Key().Kind() == reflect.String:
		return shownMap(r, depth)
	case k == reflect.Slice || k == reflect.Array:
		all := make([]any, r.Len())
		for i := range all {
			all[i] = shown("", r.Index(i).Interface(), depth+1)
		}
		return all
	case k == reflect.String || k >= reflect.Bool && k <= reflect.Float64 && k != reflect.Uintptr:
		return v
	}
	return setting.Redacted
}

func shownMap(m reflect.Value, depth int) map[string]any {
	all := make(map[string]any, m.Len())
	for key, v := range m.Seq2() {
		all[key.String()] = shown(key.String(), v.Interface(), depth+1)
	}
	return all
}

// holdsSecret reports whether v is a [setting.Secret] or has one in it.
func holdsSecret(v any, depth int) bool {
	if depth > deepestShown {
		return true
	}
	switch v.(type) {
	case setting.Secret, *setting.Secret:
		return true
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		for _, e := range r.Seq2() {
			if holdsSecret(e.Interface(), depth+1) {
				return true
			}
		}
	}
	return false
}
