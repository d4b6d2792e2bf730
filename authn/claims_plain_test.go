package authn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

const plainPayload = `{"iss":"authmodule","aud":"authmodule","sub":"user-1","tenant":"acme","sid":"sid-1","jti":"id","iat":1767323045,"nbf":1767323045,"exp":1767324845,"auth_time":1767323045,"amr":["pwd"],"roles":["viewer","editor"]}`

// What this module writes is read by the plain reader.
func TestPlainClaimsReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	expected, err := authn.DecodeClaims([]byte(plainPayload))
	require.NoError(t, err)
	have, plain := authn.PlainClaims(plainPayload)
	require.True(t, plain)
	assert.Equal(t, expected, have)
	for _, empty := range []string{`"amr":[]`, `"roles":[]`} {
		name := empty[:strings.IndexByte(empty, ':')]
		start := strings.Index(plainPayload, name)
		end := start + strings.IndexByte(plainPayload[start:], ']') + 1
		payload := plainPayload[:start] + empty + plainPayload[end:]
		have, plain := authn.PlainClaims(payload)
		require.True(t, plain, payload)
		expected, err := authn.DecodeClaims([]byte(payload))
		require.NoError(t, err)
		assert.Equal(t, expected, have)
	}
}

// Everything else is left to the strict reader, which may accept or refuse it.
func TestPlainClaimsLeavesTheRest(t *testing.T) {
	t.Parallel()
	replace := func(old, with string) string { return strings.Replace(plainPayload, old, with, 1) }
	for name, payload := range map[string]string{
		"empty": "", "space": " " + plainPayload, "trailing": plainPayload + " ", "twice": plainPayload + plainPayload,
		"escape": replace("user-1", `user\u002d1`), "not ASCII": replace("user-1", "ü"), "control": replace("user-1", "a\x01"),
		"empty text": replace(`"user-1"`, `""`), "long text": replace("user-1", strings.Repeat("x", 256)),
		"other order":  replace(`"sid":"sid-1","jti":"id"`, `"jti":"id","sid":"sid-1"`),
		"more members": replace(`{"iss"`, `{"x":1,"iss"`), "duplicate": replace(`,"sid"`, `,"sub":"root","sid"`),
		"leading zero": replace("1767323045", "01767323045"), "fraction": replace("1767323045", "1767323045.0"), "sixteen digits": replace("1767323045", "1000000000000000"),
		"negative": replace("1767323045", "-1"), "zero": replace("1767323045", "0"), "number in a list": replace(`["pwd"]`, `[1]`),
		"trailing comma": replace(`["pwd"]`, `["pwd",]`), "list without end": replace(`"editor"]}`, `"editor"`), "null": replace(`"user-1"`, "null"),
		"audience as a list": replace(`"aud":"authmodule"`, `"aud":["authmodule"]`), "tenant in capitals": replace("acme", "Acme"),
		"longer than a payload may be": replace(`"viewer"`, `"`+strings.Repeat("v", 11<<10)+`"`),
	} {
		_, plain := authn.PlainClaims(payload)
		assert.False(t, plain, name)
	}
}

// FuzzPlainClaims: what the plain reader accepts, the strict one accepts with the same result.
func FuzzPlainClaims(f *testing.F) {
	f.Add(plainPayload)
	f.Add(strings.ReplaceAll(plainPayload, "viewer", `]"`))
	f.Add(strings.Replace(plainPayload, `["pwd"]`, `[]`, 1))
	f.Add(bindPayload(boundPayload))
	f.Add(bindPayload(steppedPayload + boundPayload))
	f.Add(bindPayload(steppedPayload + "}"))
	f.Add(bindPayload(`,"act":{"sub":"root"}}`))
	f.Add(bindPayload(`,"cnf":{"ip_network":"2001:db8::/64"}}`))
	f.Fuzz(func(t *testing.T, payload string) {
		have, plain := authn.PlainClaims(payload)
		if !plain {
			return
		}
		expected, err := authn.DecodeClaims([]byte(payload))
		if err != nil {
			t.Fatalf("the strict reader refuses it: %v", err)
		}
		if !assert.ObjectsAreEqual(expected, have) {
			t.Fatalf("%+v, the strict reader %+v", have, expected)
		}
	})
}

// A forged token allocates nothing before its signature is refused; a good one little.
func TestVerificationAllocatesLittle(t *testing.T) {
	kit := newTokenKit(t, "HS256")
	token := kit.issue(t)
	forged := setting.Secret(token.Reveal()[:len(token)-4] + "AAAA")
	kit.accepts(t, token)
	kit.refuses(t, forged, authn.ErrTokenSignature)
	ctx := t.Context()
	good := testing.AllocsPerRun(200, func() { _, _ = kit.manager.Verify(ctx, token) })
	bad := testing.AllocsPerRun(200, func() { _, _ = kit.manager.Verify(ctx, forged) })
	if !raceEnabled { // the race detector allocates
		assert.LessOrEqual(t, good, 6.0)
		assert.Zero(t, bad)
	}
}
