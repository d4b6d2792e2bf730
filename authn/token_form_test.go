package authn_test

import (
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Each of these is signed by the right key: the signature alone does not make a token.
func TestTokenPayloadForms(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	good := kit.payload(nil)
	with := func(tail string) string { return good[:len(good)-1] + "," + tail + "}" }
	cases := map[string][]string{
		"JWT-19 not UTF-8": {
			with("\"x\":\"\xff\""), with("\"\xc0\xaf\":1"), with("\"x\":\"\xed\xa0\x80\""), with("\"x\":\"\xf4\x90\x80\x80\""), with("\"x\":\"\xe2\x82\""),
			"\ufeff" + good, "\xff\xfe" + good, utf16Text(good), utf16Text("\ufeff" + good),
		},
		"JWT-19 lone surrogates": {
			with(`"x":"\ud800"`), with(`"x":"\udc00"`), with(`"x":"\ud800\u0041"`), with(`"x":"\udc00\ud800"`), with(`"x":"\ud800\ud800"`),
			with(`"\ud83d":1`), with(`"x":["\udfff"]`), with(`"x":"\ud800\\udc00"`),
		},
		"JWT-30 duplicates": {
			with(`"exp":9999999999`), with(`"sub":"user-1"`), with(`"roles":["admin"]`), with(`"x":1,"x":1`), with(`"x":{"y":1,"y":2}`), with(`"x":[{"y":1,"y":2}]`),
			with(`"\u0065xp":9999999999`), with(`"x":1,"\u0078":2`), with(`"":1,"":2`), with(`"x":{"a":{"b":{"c":1,"c":1}}}`),
		},
		"JWT-31 other case": {
			with(`"EXP":9999999999`), with(`"Sub":"admin"`), with(`"ROLES":["admin"]`), with(`"Tenant":"x"`), with(`"AUTH_TIME":1`), with(`"jtI":"x"`),
			kit.payload(map[string]string{"exp": "", "Exp": "1767323100"}),
		},
		"JWT-32 homoglyphs": {
			with(`"i\u017f\u017f":"x"`), with(`"\u017fub":"admin"`), with(`"role\u017f":["admin"]`), with("\"ſid\":\"x\""), with("\"iſs\":\"x\""),
		},
		"JWT-33 trailing data": {good + "{}", good + " x", good + ",", good + "}", good + "\x00", good + good, good + "null", good + "//", "[" + good + "]"},
		"JWT-34 not an object": {"null", "[]", `"x"`, "1", "true", "", " ", "{", "}", `[{"sub":"user-1"}]`, `"` + strings.ReplaceAll(good, `"`, `\"`) + `"`},
		"not JSON": {
			strings.ReplaceAll(good, `"`, "'"), strings.Replace(good, ",", ",,", 1), strings.Replace(good, "}", ",}", 1), "{,}", "{}",
			strings.Replace(good, ":", "=", 1), with("x:1"), with(`"x":undefined`), with("\"x\":\"\n\""), with(`"x":"\x41"`), with(`"x":01`), with(`"x":1.`), with(`"x":/**/1`),
		},
		"JWT-20 deep":         {with(`"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32)), with(`"x":` + strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32))},
		"JWT-20 deeper":       {strings.Repeat("[", 10000), strings.Repeat(`{"a":`, 2000), with(`"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000))},
		"JWT-20 many members": {with(manyMembers(245)), with(`"x":{` + manyMembers(244) + "}")},
		"JWT-20 long":         {with(`"x":"` + strings.Repeat("y", 10<<10) + `"`)},
	}
	for name, payloads := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, payload := range payloads {
				claims, err := kit.manager.Verify(t.Context(), kit.sign(t, kit.header(nil), payload))
				require.ErrorIsf(t, err, authn.ErrTokenMalformed, "%.200q", payload)
				require.Zero(t, claims)
			}
		})
	}
	for name, payload := range map[string]string{
		"31 arrays in the object": with(`"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31)),
		"256 members":             with(manyMembers(244)),
		"space around":            " \r\n\t" + good + " \n",
		"surrogate pair":          with(`"x":"\ud83d\uDE00"`),
		"10 KiB":                  with(`"x":"` + strings.Repeat("y", 10<<10-len(good)-7) + `"`),
	} {
		t.Run("within the limits: "+name, func(t *testing.T) {
			t.Parallel()
			kit.accepts(t, kit.sign(t, kit.header(nil), payload))
		})
	}
}

func utf16Text(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		out.WriteByte(byte(unit))
		out.WriteByte(byte(unit >> 8))
	}
	return out.String()
}

// manyMembers are n members in text, none of them a claim.
func manyMembers(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = `"m` + strings.Repeat("m", i%8) + string(rune('0'+i/8%64)) + string(rune(0x4e00+i)) + `":0`
	}
	return strings.Join(names, ",")
}

func TestTokenHeaderForms(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	good := kit.header(nil)
	with := func(tail string) string { return good[:len(good)-1] + "," + tail + "}" }
	cases := map[string][]string{
		"JWT-30 duplicates": {
			`{"alg":"none",` + good[1:], with(`"alg":"HS256"`), with(`"kid":"x"`), with(`"typ":"at+jwt"`), with(`"x":{"y":1,"y":1}`), with(`"\u0061lg":"none"`),
		},
		"JWT-31 other case":   {with(`"ALG":"none"`), with(`"Kid":"x"`), with(`"TYP":"x"`), with(`"CRIT":["x"]`), with(`"Zip":"DEF"`), with(`"B64":false`), with(`"JKU":"x"`)},
		"JWT-32 homoglyphs":   {with(`"\u212aid":"x"`), with(`"j\u212au":"x"`)},
		"JWT-33 trailing":     {good + "{}", good + "x", good + "\x00"},
		"JWT-34 no object":    {"null", "[]", `"x"`, "1", "", "true"},
		"JWT-19 not UTF-8":    {with("\"x\":\"\xff\""), with(`"x":"\ud800"`), utf16Text(good), "\ufeff" + good},
		"JWT-20 long":         {with(`"x":"` + strings.Repeat("y", 2<<10) + `"`)},
		"JWT-20 deep":         {with(`"x":[[[[]]]]`), strings.Repeat("[", 2000)},
		"JWT-20 many members": {with(manyMembers(30))},
	}
	for name, headers := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, header := range headers {
				kit.refuses(t, kit.sign(t, header, kit.payload(nil)), authn.ErrTokenMalformed)
			}
		})
	}
	t.Run("within the limits", func(t *testing.T) {
		t.Parallel()
		kit.accepts(t, kit.sign(t, with(`"x":"`+strings.Repeat("y", 2<<10-len(good)-7)+`"`), kit.payload(nil)))
		kit.accepts(t, kit.sign(t, with(`"x":[[[]]]`), kit.payload(nil)))
		kit.accepts(t, kit.sign(t, with(manyMembers(29)), kit.payload(nil)))
	})
}

// JWT-17: neither an encrypted token nor the JSON serialisations.
func TestTokenOtherSerialisations(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		text := kit.issue(t).Reveal()
		p := strings.Split(text, ".")
		for _, other := range []string{
			`{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`,
			`{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`,
			`{"protected":"a.b","payload":"c.d","signature":"e"}`,
			p[0] + ".." + p[1] + "." + p[2] + ".", p[0] + "." + p[1] + "." + p[2] + ".AA.AA", text + "." + p[2], text + ".", "." + text, p[0] + ".." + p[2], "..", ".", "...", "",
			p[0], p[0] + "." + p[1], p[1] + "." + p[0] + "." + p[2], text + text, text + "," + text, text + "\n" + text, "." + p[1] + "." + p[2],
			strings.ReplaceAll(text, ".", "%2E"), strings.ReplaceAll(text, ".", "．"), strings.ReplaceAll(text, ".", "。"),
		} {
			_, err := kit.manager.Verify(t.Context(), setting.Secret(other))
			require.Errorf(t, err, "%q", other)
		}
	})
}

// JWT-18, JWT-37 and JWT-38: one spelling of each segment, and no other even when it is signed as it stands.
func TestTokenSegmentsAreCanonical(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	odd := []string{" ", "\x00", "=", "==", "+", "/", "\r", "\n", "\r\n", "\ufeff", `"`, "'", "\t", "%", ",", "\u00a0", "é", "\xff", "~", "!", "\v", "\x7f"}
	header, payload := encode64(kit.header(nil)), encode64(kit.payload(nil))
	kit.accepts(t, kit.signText(t, header+"."+payload))
	for _, edit := range odd {
		for _, at := range []int{0, 1, 4, len(header) - 1} {
			kit.refuses(t, kit.signText(t, header[:at]+edit+header[at:]+"."+payload), authn.ErrTokenMalformed)
		}
		for _, at := range []int{0, 1, 4, len(payload)} {
			kit.refuses(t, kit.signText(t, header+"."+payload[:at]+edit+payload[at:]), authn.ErrTokenMalformed)
		}
		kit.refuses(t, kit.signText(t, header+"."+payload)+setting.Secret(edit), authn.ErrTokenMalformed)
	}
	for _, pad := range []string{"", " ", "  "} {
		spacedHeader, spacedPayload := encode64(kit.header(nil)+pad), encode64(kit.payload(nil)+pad)
		kit.accepts(t, kit.signText(t, spacedHeader+"."+spacedPayload))
		for _, twin := range spareBits(spacedHeader) {
			kit.refuses(t, kit.signText(t, twin+"."+spacedPayload), authn.ErrTokenMalformed)
		}
		for _, twin := range spareBits(spacedPayload) {
			kit.refuses(t, kit.signText(t, spacedHeader+"."+twin), authn.ErrTokenMalformed)
		}
	}
}

// JWT-37: the spare bits of the signature's last character.
func TestTokenSignatureSpareBits(t *testing.T) {
	t.Parallel()
	variants := []int{0: 0, 2: 15, 3: 3} // by the characters left over from groups of four
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		signed, signature, _ := cutLast(kit.issue(t).Reveal())
		twins := spareBits(signature)
		require.Len(t, twins, variants[len(signature)%4])
		for _, twin := range twins {
			kit.refuses(t, setting.Secret(signed+"."+twin), authn.ErrTokenMalformed)
		}
	})
}

// JWT-20: size is judged before anything is decoded. This test measures
// memory, so it does not run beside others.
func TestTokenSizeIsJudgedFirst(t *testing.T) {
	kit := newTokenKit(t, "HS256")
	const limit = 16 << 10
	good := kit.issue(t).Reveal()
	for name, have := range map[string]string{
		"one byte more":     good + strings.Repeat("A", limit+1-len(good)),
		"as long as it may": good + strings.Repeat("A", limit-len(good)),
		"8 MiB":             strings.Repeat("A", 8<<20),
		"8 MiB of dots":     strings.Repeat(".", 8<<20),
		"16 KiB of dots":    strings.Repeat(".", limit),
		"long header":       strings.Repeat("A", limit-len(good)) + good,
		"8 MiB payload":     strings.Replace(good, ".", "."+strings.Repeat("A", 8<<20), 1),
	} {
		t.Run(name, func(t *testing.T) {
			token := setting.Secret(have)
			const runs = 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range runs {
				if _, err := kit.manager.Verify(t.Context(), token); err == nil {
					t.Fatal("accepted")
				}
			}
			runtime.ReadMemStats(&after)
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/runs, uint64(2*limit), "bytes for each token")
		})
	}
}
