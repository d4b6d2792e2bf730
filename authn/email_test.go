package authn_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/authn"
)

func TestCanonicalEmailAccepts(t *testing.T) {
	t.Parallel()
	local := strings.Repeat("l", 64)
	for _, tc := range []struct{ name, have, expected string }{
		{"plain", "ada@example.com", "ada@example.com"},
		{"item 37 upper case", "Ada.Lovelace@EXAMPLE.Com", "ada.lovelace@example.com"},
		{"plus tag", "ada+news@example.com", "ada+news@example.com"},
		{"other marks", "a!#$%&'*+/=?^_`{|}~-b@example.com", "a!#$%&'*+/=?^_`{|}~-b@example.com"},
		{"digits", "1@2.com", "1@2.com"},
		{"one label", "ada@localhost", "ada@localhost"},
		{"hyphens", "a-b@c-d.example", "a-b@c-d.example"},
		{"punycode", "ada@xn--mnchen-3ya.de", "ada@xn--mnchen-3ya.de"},
		{"unicode local part", "адам@example.com", "адам@example.com"},
		{"unicode upper case", "ÅNGSTRÖM@EXAMPLE.COM", "ångström@example.com"},
		{"unicode domain", "ada@MÜNCHEN.de", "ada@münchen.de"},
		{"composed and decomposed are one", "cafe\u0301@example.com", "caf\u00e9@example.com"},
		{"fullwidth at", "ada＠example.com", "ada@example.com"},
		{"fullwidth letters", "ＡＤＡ@ｅｘａｍｐｌｅ.com", "ada@example.com"},
		{"fullwidth dot", "ada@example．com", "ada@example.com"},
		{"ligature", "ﬁ@example.com", "fi@example.com"},
		{"kelvin sign", "\u212aate@example.com", "kate@example.com"},
		{"long s", "\u017fam@example.com", "sam@example.com"},
		{"composes in lower case only", "J\u030c@example.com", "\u01f0@example.com"},
		{"composed in lower case already", "\u01f0@example.com", "\u01f0@example.com"},
		{"capital sharp s", "\u1e9e@example.com", "ß@example.com"},
		{"capital i with dot", "\u0130@example.com", "i@example.com"},
		{"254 bytes", local + "@" + strings.Repeat("d", 189), local + "@" + strings.Repeat("d", 189)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			canonical, err := authn.CanonicalEmail(tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, canonical)
			again, err := authn.CanonicalEmail(canonical)
			require.NoError(t, err)
			assert.Equal(t, canonical, again)
		})
	}
}

func TestCanonicalEmailRefuses(t *testing.T) {
	t.Parallel()
	for name, have := range map[string]string{
		"empty": "", "space": " ", "no at": "ada.example.com", "only at": "@", "no local part": "@example.com", "no domain": "ada@",
		"two ats": "ada@example.com@example.org", "double at": "ada@@example.com", "two ats, one fullwidth": "ada＠b@example.com",
		"quoted at": `"ada@b"@example.com`, "quotes": `"ada"@example.com`, "quoted space": `"ada b"@example.com`, "backslash": `a\b@example.com`,
		"space in front": " ada@example.com", "space behind": "ada@example.com ", "space inside": "ada lovelace@example.com", "space at the at": "ada @example.com",
		"newline": "ada@example.com\n", "header injection": "ada@example.com\r\nBcc: eve@example.org", "header injection, local": "ada\r\nBcc: eve@example.org",
		"tab": "ada\t@example.com", "NUL": "ada\x00@example.com", "delete": "ada\x7f@example.com", "C1 control": "ada\u0085@example.com",
		"no-break space": "ada\u00a0@example.com", "ideographic space": "ada\u3000b@example.com", "line separator": "ada\u2028@example.com",
		"zero-width space": "a\u200bda@example.com", "zero-width joiner": "a\u200dda@example.com", "byte order mark": "\ufeffada@example.com",
		"soft hyphen": "a\u00adda@example.com", "right-to-left override": "ada\u202e@example.com", "word joiner": "ada@exam\u2060ple.com",
		"tag character": "ada\U000e0041@example.com", "private use": "ada\ue000@example.com", "unassigned": "ada\u0378@example.com",
		"replacement character": "ada\ufffd@example.com", "not UTF-8": "ada\xff@example.com", "encoded surrogate": "ada\xed\xa0\x80@example.com",
		"list": "ada@example.com,eve@example.org", "list with space": "ada@example.com, eve@example.org", "list by semicolon": "ada@example.com;eve@example.org",
		"comma in the local part": "ada,eve@example.com", "fullwidth comma": "ada@example.com，eve", "display name": "Ada <ada@example.com>",
		"brackets": "<ada@example.com>", "comment": "ada(comment)@example.com", "comment behind": "ada@example.com (Ada)", "group": "friends:ada@example.com;",
		"group without members": "friends:;", "route": "@a.example:ada@example.com", "mailto": "mailto:ada@example.com",
		"address literal": "ada@[192.0.2.1]", "IPv6 literal": "ada@[IPv6:2001:db8::1]",
		"dot in front": ".ada@example.com", "dot behind": "ada.@example.com", "two dots": "ada..b@example.com", "only a dot": ".@example.com",
		"dot before the domain": "ada@.example.com", "dot behind the domain": "ada@example.com.", "two dots in the domain": "ada@example..com", "domain of a dot": "ada@.",
		"255 bytes":       strings.Repeat("l", 64) + "@" + strings.Repeat("d", 190),
		"grows too long":  strings.Repeat("ﷺ", 60) + "@example.com",
		"a megabyte":      strings.Repeat("a", 1<<20) + "@example.com",
		"a megabyte of @": strings.Repeat("@", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canonical, err := authn.CanonicalEmail(have)
			var field *authn.FieldError
			require.True(t, errors.As(err, &field), "%q", canonical)
			assert.Empty(t, canonical)
			assert.Equal(t, []string{"email", "invalid_email"}, []string{field.Field, field.Code})
		})
	}
}

// FuzzCanonicalEmail: what is accepted is canonical already, one mailbox, in lower case, and can be seen.
func FuzzCanonicalEmail(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", "Ada+Tag@EXAMPLE.COM", "ada＠example.com", "J\u030c@x.y", "\u0130@x.y", "a@b,c@d", `"a b"@c`, "a@b\r\nc", "ﷺ@x", "h\u0331\u0345@x", "\xff@x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		canonical, err := authn.CanonicalEmail(text)
		if err != nil {
			require.Empty(t, canonical)
			return
		}
		again, err := authn.CanonicalEmail(canonical)
		require.NoError(t, err)
		require.Equal(t, canonical, again)
		require.Equal(t, 1, strings.Count(canonical, "@"))
		require.Equal(t, strings.ToLower(canonical), canonical)
		require.True(t, utf8.ValidString(canonical) && norm.NFKC.IsNormalString(canonical))
		require.LessOrEqual(t, len(canonical), 254)
		require.NotContains(t, canonical, "..")
		for _, r := range canonical {
			require.True(t, unicode.IsPrint(r) && !unicode.IsSpace(r), "%q in %q", r, canonical)
		}
	})
}
