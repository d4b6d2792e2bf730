package authn_test

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

const boundPayload = `,"cnf":{"x5t#S256":"` + thumbprintRFC8705 + `","ip_network":"203.0.113.0/24"}}`

func bindPayload(cnf string) string { return strings.TrimSuffix(plainPayload, "}") + cnf }

// MTLS-01: the binding of the session is the cnf claim of its tokens; a bearer token has none.
func TestTokenCarriesTheBinding(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "ES256")
	for _, c := range []authn.Confirmation{
		{}, {Certificate: certificateRFC8705(t)}, {Network: netip.MustParsePrefix("203.0.113.7/32")},
		{Certificate: certificateRFC8705(t), Network: netip.MustParsePrefix("2001:db8::/64")},
	} {
		session := tokenSession()
		session.Confirmation = c
		token, issued, err := kit.manager.Issue(session, nil)
		require.NoError(t, err)
		assert.Equal(t, c, issued.Confirmation)
		assert.Equal(t, c, kit.accepts(t, token).Confirmation)
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token.Reveal(), ".")[1])
		require.NoError(t, err)
		payload := string(raw)
		if c.IsZero() {
			assert.NotContains(t, payload, "cnf")
		} else {
			assert.True(t, strings.HasSuffix(payload, `,"cnf":`+c.Text()+"}"), payload)
		}
		have, plain := authn.PlainClaims(payload)
		require.True(t, plain, "the fast reader reads what is written")
		assert.Equal(t, c, have.Confirmation)
	}
}

// The two readers agree on cnf, and what the fast one leaves is judged by the strict one.
func TestPlainClaimsReadsTheBinding(t *testing.T) {
	t.Parallel()
	for _, cnf := range []string{
		boundPayload, `,"cnf":{"x5t#S256":"` + thumbprintRFC8705 + `"}}`, `,"cnf":{"ip_network":"2001:db8::/64"}}`,
	} {
		have, plain := authn.PlainClaims(bindPayload(cnf))
		require.True(t, plain, cnf)
		expected, err := authn.DecodeClaims([]byte(bindPayload(cnf)))
		require.NoError(t, err)
		assert.Equal(t, expected, have)
		assert.False(t, have.Confirmation.IsZero())
	}
	for name, cnf := range map[string]string{
		"other order": `,"cnf":{"ip_network":"203.0.113.0/24","x5t#S256":"` + thumbprintRFC8705 + `"}}`, "space": `,"cnf": {"ip_network":"203.0.113.0/24"}}`,
		"empty": `,"cnf":{}}`, "null": `,"cnf":null}`, "twice": strings.TrimSuffix(boundPayload, "}") + boundPayload, "jkt": `,"cnf":{"jkt":"x"}}`,
		"trailing comma": `,"cnf":{"x5t#S256":"` + thumbprintRFC8705 + `",}}`, "no end": strings.TrimSuffix(boundPayload, "}"), "bad thumbprint": `,"cnf":{"x5t#S256":"x"}}`,
		"bad network": `,"cnf":{"ip_network":"203.0.113.7/24"}}`, "more": `,"cnf":{"ip_network":"203.0.113.0/24"},"x":1}`, "after": boundPayload + " ",
	} {
		_, plain := authn.PlainClaims(bindPayload(cnf))
		assert.False(t, plain, name)
	}
}

// DPOP-14: a token that demands a proof which is not known here, or whose cnf cannot be read, is not a bearer token.
func TestUnknownBindingIsRefused(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	x5t := `"x5t#S256":"` + thumbprintRFC8705 + `"`
	testCases := []struct {
		name, cnf string
		expected  error
	}{
		{"jkt", `{"jkt":"` + thumbprintRFC8705 + `"}`, authn.ErrTokenBinding},
		{"jkt beside x5t#S256", `{` + x5t + `,"jkt":"` + thumbprintRFC8705 + `"}`, authn.ErrTokenBinding},
		{"jwk", `{"jwk":{"kty":"OKP","crv":"Ed25519","x":"x"}}`, authn.ErrTokenBinding},
		{"jwe", `{"jwe":"a.b.c.d.e"}`, authn.ErrTokenBinding},
		{"kid", `{"kid":"k"}`, authn.ErrTokenBinding},
		{"jku", `{"jku":"https://example.com","kid":"k"}`, authn.ErrTokenBinding},
		{"empty", `{}`, authn.ErrTokenMalformed},
		{"null", `null`, authn.ErrTokenMalformed},
		{"text", `"x"`, authn.ErrTokenMalformed},
		{"list", `[{` + x5t + `}]`, authn.ErrTokenMalformed},
		{"malformed thumbprint", `{"x5t#S256":"x"}`, authn.ErrTokenMalformed},
		{"SHA-1 thumbprint", `{"x5t":"x"}`, authn.ErrTokenBinding},
		{"duplicate", `{` + x5t + `,` + x5t + `}`, authn.ErrTokenMalformed},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"cnf": tc.cnf})), tc.expected)
		})
	}
	kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"CNF": `{}`})), authn.ErrTokenMalformed)
	kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"cnf": `{` + x5t + `}`})))
}
