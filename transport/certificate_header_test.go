package transport_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/transport"
)

const bareHeader = "X-Ssl-Client-Cert"

// rfc9440 is the certificate of appendix A of RFC 9440, in its header form.
const rfc9440 = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:"

// MTLS-04: the vector of RFC 9440.
func TestClientCertVector(t *testing.T) {
	t.Parallel()
	leaf := transport.ParseCertificateHeader("Client-Cert", rfc9440)
	require.NotNil(t, leaf)
	assert.Equal(t, "BC", leaf.Subject.CommonName)
	assert.Equal(t, []string{"bdc@example.com"}, leaf.EmailAddresses)
}

func TestCertificateHeaderForms(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	leaf, other := ca.issue(t, "ada"), ca.issue(t, "bob")
	sum := sha256.Sum256(leaf.Raw)
	hash := hex.EncodeToString(sum[:])
	own := `Cert="` + leaf.escaped() + `"`
	aws := strings.NewReplacer("%2B", "+", "%2F", "/", "%3D", "=").Replace(leaf.escaped())
	testCases := []struct{ name, header, value string }{
		{"RFC 9440", "Client-Cert", ":" + leaf.base64() + ":"},
		{"HAProxy, Caddy", bareHeader, leaf.base64()},
		{"nginx", bareHeader, leaf.escaped()},
		{"AWS", bareHeader, aws},
		{"Envoy", transport.HeaderXFCC, own},
		{"Envoy, with more", transport.HeaderXFCC, `By=spiffe://a/b;Hash=` + hash + `;` + own + `;Subject="CN=ada, O=\"x\"";URI=;DNS=a;DNS=b`},
		{"Envoy, hash in capitals", transport.HeaderXFCC, `Hash=` + strings.ToUpper(hash) + `;` + own},
		{"Envoy, not quoted", transport.HeaderXFCC, `Cert=` + leaf.escaped()},
		{"Envoy, the last of two", transport.HeaderXFCC, `Cert="` + other.escaped() + `",` + own},
		{"Envoy, the last of three, with space", transport.HeaderXFCC, `Hash=x, Cert="` + other.escaped() + `", Hash=` + hash + `;` + own},
		{"Envoy, text that looks like an element in a quoted value", transport.HeaderXFCC, `Subject="x\",Cert=\"` + other.escaped() + `";` + own},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			have := transport.ParseCertificateHeader(tc.header, tc.value)
			require.NotNil(t, have)
			assert.Equal(t, leaf.Raw, have.Raw)
		})
	}
}

// MTLS-04: placeholders, and whatever else is not exactly one certificate, are none.
func TestCertificateHeaderRefusals(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	leaf, other := ca.issue(t, "ada"), ca.issue(t, "bob")
	b64, escaped := leaf.base64(), leaf.escaped()
	own := `Cert="` + escaped + `"`
	sum := sha256.Sum256(leaf.Raw)
	hash := hex.EncodeToString(sum[:])
	everywhere := []string{
		"", " ", "-", "(null)", "null", "none", "NONE", "0", "{http.request.tls.client.certificate_der_base64}", "%[ssl_c_der,base64]", "$ssl_client_escaped_cert",
		"CN=ada", hash, strings.Repeat("A", 20<<10), ":" + strings.Repeat("A", 20<<10) + ":", "AAAA", "::", ":", "%", "\x00", base64.StdEncoding.EncodeToString([]byte("no DER")),
		base64.StdEncoding.EncodeToString(append(bytes.Clone(leaf.Raw), 0)), base64.StdEncoding.EncodeToString(leaf.Raw[:len(leaf.Raw)-1]),
		base64.StdEncoding.EncodeToString(leaf.RawTBSCertificate), base64.StdEncoding.EncodeToString(leaf.RawSubjectPublicKeyInfo),
	}
	testCases := map[string][]string{
		"Client-Cert": {
			b64, ":" + b64, b64 + ":", ":" + b64 + ":;a=b", ":" + b64 + ":, :" + b64 + ":", `"` + b64 + `"`, ": " + b64 + ":", ":" + strings.TrimRight(b64, "=") + "=:=", escaped, own,
			":" + base64.RawURLEncoding.EncodeToString(leaf.Raw) + ":", ":" + b64[:20] + "\n" + b64[20:] + ":", "::" + b64 + "::",
		},
		bareHeader: {
			":" + b64 + ":", b64 + "," + b64, b64 + " ", b64[:20] + "\n" + b64[20:], own, strings.TrimSuffix(escaped, "%0A") + escaped, escaped + other.escaped(),
			"x" + escaped, escaped + "x", escaped + "%zz", strings.ReplaceAll(escaped, "CERTIFICATE", "X509%20CRL"), strings.ReplaceAll(escaped, "-----END", "-----"),
			url.PathEscape("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\n" + b64 + "\n-----END CERTIFICATE-----\n"), "-----BEGIN", "-----BEGIN CERTIFICATE-----",
			url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: leaf.Raw}))),
		},
		transport.HeaderXFCC: {
			b64, escaped, "Hash=" + hash, "Hash=" + hash + ";Subject=\"CN=ada\"", own + "," + "Hash=" + hash, own + ",", own + ";", own + "x", own + ";" + own,
			`Cert="` + escaped, `Cert=` + escaped + `"`, "Hash=" + strings.Repeat("0", 64) + ";" + own, "Hash=;" + own, `cert="` + escaped + `"`, `Chain="` + escaped + `"`,
			own + `,Cert=""`, own + `,Cert="-"`, `Cert="` + escaped + other.escaped() + `"`, `;` + own, `,` + own, `=x;` + own, `"Cert"="` + escaped + `"`, `Subject="CN=\",` + own,
			"Hash=" + hash + ";Hash=" + hash + ";" + own, `Cert="` + b64 + `"`,
		},
	}
	for header, values := range testCases {
		for _, value := range append(values, everywhere...) {
			assert.Nil(t, transport.ParseCertificateHeader(header, value), "%s: %.90q", header, value)
		}
	}
}

// FuzzCertificateHeader: what is accepted is the certificate that lenient
// decoders find in the text as well, and nothing panics.
func FuzzCertificateHeader(f *testing.F) {
	ca := newAuthority(f)
	leaf := ca.issue(f, "ada")
	headers := []string{"Client-Cert", bareHeader, transport.HeaderXFCC}
	for _, value := range []string{
		rfc9440, ":" + leaf.base64() + ":", leaf.base64(), leaf.escaped(), `Hash=x,By=a;Cert="` + leaf.escaped() + `"`, `Subject="a\"b";Cert=` + leaf.escaped(),
		"-", "(null)", "{http.request.tls.client.certificate_der_base64}", `Cert="\`, `=;,"`,
	} {
		for i := range headers {
			f.Add(uint8(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		header := headers[int(which)%len(headers)]
		have := transport.ParseCertificateHeader(header, value)
		if have == nil {
			return
		}
		require.True(t, slices.ContainsFunc(lenient(value), func(der []byte) bool {
			again, err := x509.ParseCertificate(der)
			return err == nil && bytes.Equal(again.Raw, have.Raw)
		}), "it is not in the text")
	})
}

// lenient decodes whatever in a header may be a certificate: as base64, and from each place where a PEM block begins.
func lenient(value string) (all [][]byte) {
	if der, err := base64.StdEncoding.DecodeString(strings.Trim(value, ":")); err == nil {
		all = append(all, der)
	}
	text := strings.ReplaceAll(value, `\`, "")
	text = regexp.MustCompile("%[0-9A-Fa-f]{2}").ReplaceAllStringFunc(text, func(escape string) string {
		char, _ := hex.DecodeString(escape[1:])
		return string(char)
	})
	for _, part := range strings.Split(text, "-----BEGIN")[1:] {
		if block, _ := pem.Decode([]byte("-----BEGIN" + part)); block != nil {
			all = append(all, block.Bytes)
		}
	}
	return all
}
