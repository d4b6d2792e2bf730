package sqlstore

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestEscapeText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, have, expected string }{
		{"empty", "", ""},
		{"plain", "ada@example.com", "ada@example.com"},
		{"not ASCII", "日本語 \ufffd 🔑", "日本語 \ufffd 🔑"},
		{"a zero byte", "a\x00b", "a\x010062"},
		{"the escape itself", "a\x01b", "a\x010162"},
		{"not UTF-8", "ä\xffb", "ä\x01ff62"},
		{"half a character", "ä\xc3", "ä\x01c3"},
		{"a surrogate", "\xed\xa0\x80", "\x01eda080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.expected, escapeText(c.have))
			assert.Equal(t, c.have, unescapeText(c.expected))
		})
	}
	assert.Equal(t, "a\x01not hex", unescapeText("a\x01not hex"), "stored by an older version")
}

// Any text comes back as it was, in a form that PostgreSQL stores; a text with a zero byte keeps its place.
func FuzzEscapeText(f *testing.F) {
	for _, s := range []string{"", "ada", "a\x00b", "a\x01b", "\x01ff", "\xff", "ä\xc3", "\ufffd"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		escaped := escapeText(a)
		assert.Equal(t, a, unescapeText(escaped))
		assert.True(t, utf8.ValidString(escaped))
		assert.NotContains(t, escaped, "\x00")
		assert.Equal(t, a == b, escaped == escapeText(b))
		if utf8.ValidString(a) && utf8.ValidString(b) && !strings.ContainsAny(a+b, "\x00\x01") {
			assert.Equal(t, strings.Compare(a, b), strings.Compare(escaped, escapeText(b)))
		}
	})
}
