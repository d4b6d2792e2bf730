package authn_test

import (
	"encoding/pem"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// thumbprintRFC8705 is that of the certificate in appendix A of RFC 8705.
const thumbprintRFC8705 = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"

func certificateRFC8705(t testing.TB) authn.Thumbprint {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc8705.pem")
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	return authn.CertificateThumbprint(block.Bytes)
}

// MTLS-01: x5t#S256 is base64url without padding of the SHA-256 of the DER form.
func TestThumbprintVector(t *testing.T) {
	t.Parallel()
	have := certificateRFC8705(t)
	assert.Equal(t, thumbprintRFC8705, have.String())
	assert.Empty(t, authn.Thumbprint{}.String())
	c := authn.Confirmation{Certificate: have, Network: netip.MustParsePrefix("203.0.113.0/24")}
	assert.Equal(t, `{"x5t#S256":"`+thumbprintRFC8705+`","ip_network":"203.0.113.0/24"}`, c.Text())
}

func TestConfirmationRoundTrip(t *testing.T) {
	t.Parallel()
	certificate := certificateRFC8705(t)
	for _, c := range []authn.Confirmation{
		{},
		{Certificate: certificate},
		{Network: netip.MustParsePrefix("203.0.113.7/32")},
		{Network: netip.MustParsePrefix("2001:db8::/64")},
		{Certificate: certificate, Network: netip.MustParsePrefix("2001:db8::1/128")},
	} {
		have, err := authn.ParseConfirmation(c.Text())
		require.NoError(t, err, c.Text())
		assert.Equal(t, c, have)
		assert.Equal(t, c.IsZero(), c.Text() == "")
	}
}

// A text that is not exactly a binding is an error, never a weaker binding. DPOP-14: a method that is not known here is a demand that nobody can check.
func TestConfirmationIsReadStrictly(t *testing.T) {
	t.Parallel()
	x5t := `"x5t#S256":"` + thumbprintRFC8705 + `"`
	for name, text := range map[string]string{
		"empty object": `{}`, "no object": `null`, "list": `[]`, "text": `"x"`, "garbage": `{`, "space alone": " ", "two objects": `{` + x5t + `}{` + x5t + `}`,
		"duplicate": `{` + x5t + `,` + x5t + `}`, "padded": `{"x5t#S256":"` + thumbprintRFC8705 + `="}`, "short": `{"x5t#S256":"A4Dt"}`,
		"spare bits": `{"x5t#S256":"` + thumbprintRFC8705[:42] + `1"}`, "not base64url": `{"x5t#S256":"` + strings.Repeat("+", 43) + `"}`,
		"line break": `{"x5t#S256":"` + thumbprintRFC8705[:41] + `\n` + "0" + `"}`, "all zero": `{"x5t#S256":"` + strings.Repeat("A", 43) + `"}`, "number": `{"x5t#S256":1}`,
		"no network": `{"ip_network":""}`, "address": `{"ip_network":"203.0.113.7"}`, "not masked": `{"ip_network":"203.0.113.7/24"}`, "mapped": `{"ip_network":"::ffff:203.0.113.0/120"}`,
		"other spelling": `{"ip_network":"2001:DB8::/64"}`, "list of networks": `{"ip_network":["203.0.113.0/24"]}`, "good and bad": `{` + x5t + `,"ip_network":"x"}`,
		"other case": `{"X5T#S256":"` + thumbprintRFC8705 + `"}`, "beside a good one": `{` + x5t + `,"jkt":"` + thumbprintRFC8705 + `"}`,
		"jkt": `{"jkt":"` + thumbprintRFC8705 + `"}`, "jwk": `{"jwk":{"kty":"EC"}}`, "jwe": `{"jwe":"x"}`, "kid": `{"kid":"k"}`, "jku": `{"jku":"https://example.com","kid":"k"}`,
		"long": `{"kid":"` + strings.Repeat("k", 8<<10) + `"}`,
	} {
		c, err := authn.ParseConfirmation(text)
		assert.Error(t, err, name)
		assert.Zero(t, c, name)
	}
	for _, text := range []string{`{"jkt":"x"}`, `{"jwk":{"kty":"EC"}}`, `{` + x5t + `,"jkt":"x"}`} {
		_, err := authn.ParseConfirmation(text)
		assert.ErrorIs(t, err, authn.ErrTokenBinding, text)
	}
}

// MTLS-02, IP-04, IP-05: what is proved, what is not, and that the question costs no memory.
func TestConfirmationProved(t *testing.T) {
	t.Parallel()
	own, other := certificateRFC8705(t), authn.CertificateThumbprint([]byte("other"))
	network := netip.MustParsePrefix("203.0.113.0/24")
	ip := func(text string) authn.Client { return authn.Client{IP: netip.MustParseAddr(text)} }
	testCases := []struct {
		name     string
		c        authn.Confirmation
		client   authn.Client
		expected string
	}{
		{"bearer", authn.Confirmation{}, authn.Client{}, ""},
		{"bearer with a certificate", authn.Confirmation{}, authn.Client{Certificate: own}, ""},
		{"own certificate", authn.Confirmation{Certificate: own}, authn.Client{Certificate: own}, ""},
		{"other certificate", authn.Confirmation{Certificate: own}, authn.Client{Certificate: other}, "certificate"},
		{"no certificate", authn.Confirmation{Certificate: own}, ip("203.0.113.7"), "certificate"},
		{"in the network", authn.Confirmation{Network: network}, ip("203.0.113.255"), ""},
		{"outside", authn.Confirmation{Network: network}, ip("203.0.114.0"), "ip"},
		{"IPv4 mapped into IPv6", authn.Confirmation{Network: network}, ip("::ffff:203.0.113.9"), ""},
		{"other family", authn.Confirmation{Network: network}, ip("2001:db8::1"), "ip"},
		{"no address", authn.Confirmation{Network: network}, authn.Client{}, "ip"},
		{"no address, network of all", authn.Confirmation{Network: netip.MustParsePrefix("0.0.0.0/0")}, authn.Client{}, "ip"},
		{"zone", authn.Confirmation{Network: netip.MustParsePrefix("fe80::/64")}, ip("fe80::1%eth0"), ""},
		{"exact", authn.Confirmation{Network: netip.MustParsePrefix("2001:db8::1/128")}, ip("2001:db8::1"), ""},
		{"neighbour", authn.Confirmation{Network: netip.MustParsePrefix("2001:db8::1/128")}, ip("2001:db8::2"), "ip"},
		{"certificate without address", authn.Confirmation{Certificate: own, Network: network}, authn.Client{Certificate: own}, "ip"},
		{"address without certificate", authn.Confirmation{Certificate: own, Network: network}, ip("203.0.113.7"), "certificate"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.expected, tc.c.Unproved(tc.client))
			assert.Equal(t, tc.expected == "", tc.c.Proved(tc.client))
		})
	}
}

// No t.Parallel: what runs beside it would be counted as well.
func TestProvedAllocatesNothing(t *testing.T) {
	own := certificateRFC8705(t)
	bound := authn.Confirmation{Certificate: own, Network: netip.MustParsePrefix("fe80::/64")}
	client := authn.Client{Certificate: own, IP: netip.MustParseAddr("fe80::1%eth0")}
	require.True(t, bound.Proved(client))
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = bound.Proved(client) }))
}

// FuzzParseConfirmation: what is accepted binds to something, and is written in the same form again.
func FuzzParseConfirmation(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"x5t#S256":"` + thumbprintRFC8705 + `"}`, `{"ip_network":"2001:db8::/64"}`, `{"x5t#S256":"` + thumbprintRFC8705 + `","ip_network":"203.0.113.0/24"}`,
		`{"jkt":"x"}`, `{"ip_network":"203.0.113.7/24"}`, ` { "ip_network" : "10.0.0.0\/8" } `,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := authn.ParseConfirmation(text)
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.Equal(t, text == "", c.IsZero())
		require.Equal(t, !c.IsZero(), len(c.BoundTo()) > 0)
		again, err := authn.ParseConfirmation(c.Text())
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.Equal(t, c.IsZero(), c.Proved(authn.Client{}), "nobody proves a binding with nothing")
	})
}
