package authn_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

func cutLast(token string) (signed, signature string, found bool) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:], i > 0
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// publicForms are the texts of a public key that a confused verifier could take for an HMAC secret.
func publicForms(t testing.TB, kit tokenKit) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(kit.public)
	require.NoError(t, err)
	jwk, err := json.Marshal(kit.manager.PublicKeys().Keys[0])
	require.NoError(t, err)
	set, err := json.Marshal(kit.manager.PublicKeys())
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	forms := map[string][]byte{
		"DER": der, "PEM": text, "PEM without newline": []byte(strings.TrimSpace(string(text))), "JWK": jwk, "JWK set": set,
		"kid": []byte(kit.key.ID()), "empty": {}, "x": []byte(kit.manager.PublicKeys().Keys[0].X), "n": []byte(kit.manager.PublicKeys().Keys[0].N),
	}
	switch key := kit.public.(type) {
	case *rsa.PublicKey:
		forms["modulus"] = key.N.Bytes()
		forms["PKCS #1 DER"] = x509.MarshalPKCS1PublicKey(key)
		forms["PKCS #1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		require.NoError(t, err)
		forms["point"] = point
	case ed25519.PublicKey:
		forms["raw"] = key
	}
	return forms
}

// JWT-03: a public key is no secret.
func TestTokenPublicKeyAsHMACSecret(t *testing.T) {
	t.Parallel()
	for _, algorithm := range tokenAlgorithms {
		if authn.SymmetricAlgorithm(algorithm) {
			continue
		}
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			kit := newTokenKit(t, algorithm)
			for name, secret := range publicForms(t, kit) {
				t.Run("JWT-03 "+name, func(t *testing.T) {
					kit.refuses(t, macToken(kit, secret, `"HS256"`), authn.ErrTokenAlgorithm)
					kit.refuses(t, macToken(kit, secret, `"HS512"`), authn.ErrTokenAlgorithm)
					kit.refuses(t, macToken(kit, secret, quoteJSON(algorithm)), authn.ErrTokenSignature)
				})
			}
		})
	}
}

func macToken(kit tokenKit, secret []byte, alg string) setting.Secret {
	signed := encode64(kit.header(map[string]string{"alg": alg})) + "." + encode64(kit.payload(nil))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return setting.Secret(signed + "." + encode64(string(mac.Sum(nil))))
}

// JWT-16 and item 10: what is not an access token is not taken for one, though our own key signed it.
func TestItem10OtherKindsAreNoAccessTokens(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		as := func(typ string, claims map[string]string) setting.Secret {
			return kit.sign(t, kit.header(map[string]string{"typ": typ}), kit.payload(claims))
		}
		for name, tc := range map[string]struct {
			have     setting.Secret
			expected error
		}{
			"refresh token":    {opaque(t, "rt"), authn.ErrTokenMalformed},
			"cookie value":     {opaque(t, "cs"), authn.ErrTokenMalformed},
			"ID token":         {as(`"JWT"`, map[string]string{"nonce": `"n"`, "at_hash": `"h"`, "sid": ""}), authn.ErrTokenType},
			"ID token no typ":  {as("", map[string]string{"nonce": `"n"`}), authn.ErrTokenType},
			"logout token":     {as(`"logout+jwt"`, map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`}), authn.ErrTokenType},
			"DPoP proof":       {as(`"dpop+jwt"`, map[string]string{"htm": `"GET"`, "htu": `"https://x"`}), authn.ErrTokenType},
			"client assertion": {as(`"client-authentication+jwt"`, nil), authn.ErrTokenType},
			"no expiry":        {as(`"at+jwt"`, map[string]string{"exp": ""}), authn.ErrTokenMalformed},
			"expiry 0":         {as(`"at+jwt"`, map[string]string{"exp": "0"}), authn.ErrTokenMalformed},
			"no subject":       {as(`"at+jwt"`, map[string]string{"sub": ""}), authn.ErrTokenMalformed},
			"no session":       {as(`"at+jwt"`, map[string]string{"sid": ""}), authn.ErrTokenMalformed},
			"no token ID":      {as(`"at+jwt"`, map[string]string{"jti": ""}), authn.ErrTokenMalformed},
			"a key's ID":       {setting.Secret(kit.key.ID()), authn.ErrTokenMalformed},
			"nothing":          {"", authn.ErrTokenMalformed},
		} {
			t.Run(name, func(t *testing.T) { kit.refuses(t, tc.have, tc.expected) })
		}
	})
}

func opaque(t testing.TB, kind string) setting.Secret {
	t.Helper()
	id, err := credential.NewID(rand.Reader, "acme", "user-1")
	require.NoError(t, err)
	secret, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	return credential.Credential{Kind: kind, ID: id, Secret: secret}.Encode()
}
