package authn_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// privateForms are the PEM texts in which tools write a private key, by name.
func privateForms(t testing.TB, key crypto.PrivateKey) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	pkcs8 := pemBlock("PRIVATE KEY", der)
	forms := map[string][]byte{"PKCS #8": pkcs8, "CRLF": bytes.ReplaceAll(pkcs8, []byte("\n"), []byte("\r\n")), "text around": append([]byte("a key:\n"), append(pkcs8, "the end\n"...)...)}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		forms["PKCS #1"] = pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k))
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(k)
		require.NoError(t, err)
		forms["SEC 1"] = pemBlock("EC PRIVATE KEY", der)
		oid := []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
		forms["SEC 1 after parameters"] = append(pemBlock("EC PARAMETERS", oid), forms["SEC 1"]...)
	}
	return forms
}

func writeKey(t testing.TB, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

// Item 12: a file with nothing but the private key signs and verifies, and is
// read once: the test removes it before the first use.
func TestItem12PrivateKeyFiles(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	for _, algorithm := range tokenAlgorithms {
		if authn.SymmetricAlgorithm(algorithm) {
			continue
		}
		for name, text := range privateForms(t, keys[algorithm].private) {
			t.Run(algorithm+" "+name, func(t *testing.T) {
				t.Parallel()
				file := writeKey(t, text)
				key, err := authn.LoadPrivateKey(algorithm, file)
				require.NoError(t, err)
				assert.Equal(t, keys[algorithm].key.ID(), key.ID(), "the ID is the key's, not the file's")
				require.NoError(t, os.Remove(file))
				kit := newTokenKit(t, algorithm, func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, key) })
				kit.accepts(t, kit.issue(t))
			})
		}
	}
}

// JWT-04: nothing else is taken for a private key.
func TestParsePrivateKeyRefuses(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	rs, es := keys["RS256"].private.(*rsa.PrivateKey), keys["ES256"]
	pkcs1 := x509.MarshalPKCS1PrivateKey(rs)
	public, err := x509.MarshalPKIXPublicKey(rs.Public())
	require.NoError(t, err)
	p384, err := x509.MarshalECPrivateKey(ecKey(t, elliptic.P384()))
	require.NoError(t, err)
	ecdh, err := ecKey(t, elliptic.P256()).ECDH()
	require.NoError(t, err)
	exchange, err := x509.MarshalPKCS8PrivateKey(ecdh)
	require.NoError(t, err)
	oldEncrypted := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: bytes.Repeat([]byte{0xa5}, 1200),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00112233445566778899AABBCCDDEEFF"},
	})
	for _, tc := range []struct {
		name, algorithm string
		have            []byte
	}{
		{"nothing", "RS256", nil},
		{"garbage", "RS256", []byte("garbage")},
		{"the path of a file", "RS256", []byte("key.pem")},
		{"DER without PEM", "RS256", pkcs1},
		{"public key", "RS256", pemBlock("PUBLIC KEY", public)},
		{"public key, PKCS #1", "RS256", pemBlock("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rs.PublicKey))},
		{"certificate", "RS256", pemBlock("CERTIFICATE", public)},
		{"public key under a private name", "RS256", pemBlock("PRIVATE KEY", public)},
		{"encrypted, PKCS #8", "RS256", pemBlock("ENCRYPTED PRIVATE KEY", pkcs1)},
		{"encrypted, old form", "RS256", oldEncrypted},
		{"OpenSSH", "EdDSA", pemBlock("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00"))},
		{"cut off", "RS256", pemBlock("RSA PRIVATE KEY", pkcs1)[:500]},
		{"truncated DER", "RS256", pemBlock("RSA PRIVATE KEY", pkcs1[:len(pkcs1)-9])},
		{"empty block", "RS256", pemBlock("PRIVATE KEY", nil)},
		{"P-384", "ES256", pemBlock("EC PRIVATE KEY", p384)},
		{"RSA for EdDSA", "EdDSA", pemBlock("RSA PRIVATE KEY", pkcs1)},
		{"EC for RS256", "RS256", privateForms(t, es.private)["PKCS #8"]},
		{"an EC key for exchange is an EC key, for RS256 not", "RS256", pemBlock("PRIVATE KEY", exchange)},
		{"HS256", "HS256", pemBlock("RSA PRIVATE KEY", pkcs1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := authn.ParsePrivateKey(tc.algorithm, tc.have)
			require.ErrorIs(t, err, authn.ErrKey)
			assert.Nil(t, key)
			assert.Less(t, len(err.Error()), 300, "the error does not repeat the text")
		})
	}
}

func TestLoadPrivateKeyRefusesFiles(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	good := privateForms(t, keys["ES256"].private)["PKCS #8"]
	pad := func(size int) []byte { return append(bytes.Repeat([]byte("\n"), size-len(good)), good...) }
	missing := filepath.Join(t.TempDir(), "missing.pem")

	_, err = authn.LoadPrivateKey("ES256", missing)
	require.ErrorIs(t, err, authn.ErrKey)
	require.ErrorIs(t, err, os.ErrNotExist)
	for name, file := range map[string]string{
		"empty": writeKey(t, nil), "a directory": t.TempDir(), "too long": writeKey(t, pad(64<<10+1)), "no name": "", "endless": "/dev/zero",
	} {
		key, err := authn.LoadPrivateKey("ES256", file)
		require.ErrorIs(t, err, authn.ErrKey, name)
		assert.Nil(t, key, name)
	}
	_, err = authn.LoadPrivateKey("ES256", writeKey(t, pad(64<<10)))
	require.NoError(t, err, "exactly 64 KiB")
	_, err = authn.LoadPrivateKey("RS256", writeKey(t, good))
	require.ErrorIs(t, err, authn.ErrKey)
	assert.ErrorContains(t, err, "key.pem", "the error names the file")
}
