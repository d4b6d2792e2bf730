// Package tokentest makes tokens by hand, for tests that need one which no
// proper signer would write: keys of every algorithm, JSON text with members
// edited, and a valid signature over whatever the segments are.
//
//	signers, err := tokentest.Signers()
//	header := tokentest.Object([][2]string{{"alg", `"ES256"`}, {"typ", `"at+jwt"`}}, map[string]string{"typ": "null"})
//	token, err := tokentest.Sign("ES256", signers["ES256"], tokentest.Unsigned(header, `{}`))
//
// It is for tests of this module and does not import testing.
package tokentest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// Signers returns a private key for each algorithm that takes one, made once
// for the process. RS and PS share one RSA key: only the algorithm tells them apart. Callers do not change the map.
func Signers() (map[string]crypto.Signer, error) { return signers() }

var signers = sync.OnceValues(func() (map[string]crypto.Signer, error) {
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	p256, err256 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err384 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, err521 := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, edKey, errEd := ed25519.GenerateKey(rand.Reader)
	all := map[string]crypto.Signer{"ES256": p256, "ES384": p384, "ES512": p521, "EdDSA": edKey}
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		all[algorithm] = rsaKey
	}
	return all, errors.Join(errRSA, err256, err384, err521, errEd)
})

// Object returns a JSON object of the members, which are names and JSON texts.
// Edits replace them by the JSON text given, add others, or leave them out where the text is empty. Nothing is checked or escaped.
func Object(members [][2]string, edits map[string]string) string {
	edits = maps.Clone(edits)
	var out []string
	for _, m := range members {
		if text, edited := edits[m[0]]; edited {
			delete(edits, m[0])
			m[1] = text
		}
		if m[1] != "" {
			out = append(out, Quote(m[0])+":"+m[1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		out = append(out, Quote(name)+":"+edits[name])
	}
	return "{" + strings.Join(out, ",") + "}"
}

// Quote puts plain text in quotes and leaves escapes in it as they are.
func Quote(text string) string { return `"` + text + `"` }

// Encode returns text in base64url without padding.
func Encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Unsigned returns what a signature of the two is made over.
func Unsigned(header, payload string) string { return Encode(header) + "." + Encode(payload) }

// Sign appends a signature over the text, which need not be two segments. The
// key is a private key, or the bytes of a secret.
func Sign(algorithm string, key any, text string) (string, error) {
	method := jwt.GetSigningMethod(algorithm)
	if method == nil {
		return "", fmt.Errorf("tokentest: no algorithm %q", algorithm)
	}
	signature, err := method.Sign(text, key)
	if err != nil {
		return "", fmt.Errorf("tokentest: sign: %w", err)
	}
	return text + "." + Encode(string(signature)), nil
}
