package transport

import (
	"net/http"
	"strings"
)

// cookieNamed returns the value of a cookie as it was sent, and how often its
// name was sent, over all Cookie headers. The value is one only when that is once.
//
// Names match byte for byte, and nothing is trimmed but the space after a
// semicolon: a name with other whitespace around it, which browsers
// store and some parsers strip, is another cookie. Values keep their quotes, and one that no
// cookie may have counts like any other, so that it cannot hide a duplicate.
func cookieNamed(r *http.Request, name string) (value string, times int) {
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			found, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if found == name {
				value, times = v, times+1
			}
		}
	}
	if times != 1 {
		return "", times
	}
	return value, times
}
