package echoauth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// maced is a token with an HMAC for a signature.
func maced(a target, e edits, newHash func() hash.Hash, secret []byte) string {
	text := unsigned(a.header(e), a.payload(nil))
	mac := hmac.New(newHash, secret)
	mac.Write([]byte(text))
	return text + "." + encode64(string(mac.Sum(nil)))
}

// attackConfusion takes what everybody may know of a key for the secret.
func attackConfusion(t testing.TB, a target, l *attacks) {
	for name, secret := range knownForms(t, a) {
		l.add("own alg, "+name, "token_signature", maced(a, nil, sha256.New, secret))
		if a.serves("HS256") {
			continue
		}
		l.add("HS256, "+name, "token_algorithm", maced(a, edits{"alg": `"HS256"`}, sha256.New, secret))
		l.add("HS384, "+name, "token_algorithm", maced(a, edits{"alg": `"HS384"`}, sha512.New384, secret))
		l.add("HS512, "+name, "token_algorithm", maced(a, edits{"alg": `"HS512"`}, sha512.New, secret))
	}
}

func knownForms(t testing.TB, a target) map[string][]byte {
	t.Helper()
	forms := map[string][]byte{"kid": []byte(a.kid), "alg": []byte(a.algorithm), "issuer": []byte("authmodule"), "subject": []byte(a.owner.Subject.ID)}
	if secret, isSecret := a.private.([]byte); isSecret {
		forms["secret in base64"] = []byte(base64.StdEncoding.EncodeToString(secret))
		forms["secret in hex"] = []byte(hex.EncodeToString(secret))
		forms["secret cut"], forms["secret twice"] = secret[:len(secret)-1], append(slices.Clone(secret), secret...)
		forms["secret in capitals"] = bytes.ToUpper(secret)
		return forms
	}
	der, err := x509.MarshalPKIXPublicKey(a.public())
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	set, err := json.Marshal(a.TokenManager.PublicKeys())
	require.NoError(t, err)
	jwk, err := json.Marshal(a.TokenManager.PublicKeys().Keys[0])
	require.NoError(t, err)
	forms["DER"], forms["PEM"], forms["PEM without newline"], forms["JWK"], forms["JWK set"] = der, text, bytes.TrimSpace(text), jwk, set
	switch key := a.public().(type) {
	case *rsa.PublicKey:
		pkcs1 := x509.MarshalPKCS1PublicKey(key)
		forms["modulus"], forms["PKCS #1 DER"] = key.N.Bytes(), pkcs1
		forms["PKCS #1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})
	case *ecdsa.PublicKey:
		forms["point"], err = key.Bytes()
		require.NoError(t, err)
	case ed25519.PublicKey:
		forms["raw"] = key
	}
	return forms
}

func attackWeakKeys(t testing.TB, a target, l *attacks) {
	for name, secret := range map[string][]byte{
		"no bytes": {}, "one byte": {1}, "64 ones": bytes.Repeat([]byte{1}, 64), "word": []byte("secret"), "null": []byte("null"), "nil": []byte("<nil>"),
	} {
		l.add("HMAC with "+name, "token_signature", maced(a, nil, sha256.New, secret))
		l.add("longer HMAC with "+name, "token_signature", maced(a, nil, sha512.New, secret))
	}
	if _, isSecret := a.private.([]byte); !isSecret {
		forger := attackKey{method: a.method, private: foreignSigner(t, a.public())}
		l.add("another key of the kind", "token_signature", forger.signed(t, a.header(nil), a.payload(nil)))
	}
}

var weakRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1536) })

func foreignSigner(t testing.TB, public crypto.PublicKey) (signer crypto.Signer) {
	t.Helper()
	var err error
	switch key := public.(type) {
	case *rsa.PublicKey:
		signer, err = weakRSA()
	case *ecdsa.PublicKey:
		signer, err = ecdsa.GenerateKey(key.Curve, rand.Reader)
	default:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	}
	require.NoError(t, err)
	return signer
}

// attackSignatures change a signature that holds.
func attackSignatures(t testing.TB, a target, l *attacks) {
	text := unsigned(a.header(nil), a.payload(edits{"jti": `"signature"`}))
	own := a.mac(t, text)
	flipped := func(at int) []byte { c := slices.Clone(own); c[at] ^= 1; return c }
	reversed := slices.Clone(own)
	slices.Reverse(reversed)
	forged := map[string][]byte{
		"one byte": {1}, "one byte less": own[:len(own)-1], "first byte less": own[1:], "half": own[:len(own)/2], "a zero behind": append(slices.Clone(own), 0),
		"a zero in front": append([]byte{0}, own...), "twice": append(slices.Clone(own), own...), "zeros": make([]byte, len(own)), "ones": bytes.Repeat([]byte{255}, len(own)),
		"first bit": flipped(0), "a bit in the middle": flipped(len(own) / 2), "last bit": flipped(len(own) - 1), "reversed": reversed,
		"of another token": a.mac(t, unsigned(a.header(nil), a.payload(nil))), "of the header": a.mac(t, encode64(a.header(nil))), "of the payload": a.mac(t, a.payload(nil)),
		"of the text with a dot": a.mac(t, text+"."), "of nothing": a.mac(t, ""),
	}
	for name, signature := range numbers(t, a, own) {
		forged[name] = signature
	}
	for name, signature := range forged {
		l.add(name, "token_signature", text+"."+encode64(string(signature)))
	}
	l.add("none", "token_malformed", text+".")
	l.add("longer than any", "token_malformed", text+"."+strings.Repeat("A", 1400))
	other := unsigned(a.header(edits{"x": "1"}), a.payload(nil))
	l.add("on another header", "token_signature", other+"."+encode64(string(own)))
	l.add("on other claims", "token_signature", unsigned(a.header(nil), a.payload(edits{"roles": `["admin"]`}))+"."+encode64(string(own)))
}

// numbers are signatures whose numbers are out of range, or written in another way.
func numbers(t testing.TB, a target, own []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	fixed := func(n *big.Int, size int) []byte { return n.FillBytes(make([]byte, size)) }
	zero, one := new(big.Int), big.NewInt(1)
	switch key := a.private.(type) {
	case *ecdsa.PrivateKey:
		half, order := len(own)/2, key.Params().N
		r, s := new(big.Int).SetBytes(own[:half]), new(big.Int).SetBytes(own[half:])
		for name, pair := range map[string][2]*big.Int{
			"r 0": {zero, s}, "s 0": {r, zero}, "r n": {order, s}, "s n": {r, order}, "r and s 1": {one, one}, "r and s swapped": {s, r},
			"negated r": {new(big.Int).Sub(order, r), s},
		} {
			out[name] = append(fixed(pair[0], half), fixed(pair[1], half)...)
		}
		der, err := asn1.Marshal([]*big.Int{r, s})
		require.NoError(t, err)
		out["DER"] = der
		out["longer numbers"] = append(fixed(r, half+1), fixed(s, half+1)...)
	case *rsa.PrivateKey:
		size, s := key.Size(), new(big.Int).SetBytes(own)
		for name, n := range map[string]*big.Int{"1": one, "n": key.N, "n - 1": new(big.Int).Sub(key.N, one), "n - s": new(big.Int).Sub(key.N, s)} {
			out[name] = fixed(n, size)
		}
		out["s + n"] = fixed(new(big.Int).Add(s, key.N), size+1)
	case ed25519.PrivateKey:
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		s := slices.Clone(own[32:])
		slices.Reverse(s)
		twin := fixed(new(big.Int).Add(new(big.Int).SetBytes(s), order), 32)
		slices.Reverse(twin)
		out["S + L (RFC 8032, section 8.4)"] = append(slices.Clone(own[:32]), twin...)
		out["R and S identity"] = append([]byte{1}, make([]byte, 63)...)
	}
	return out
}

func attackSalts(t testing.TB, a target, l *attacks) {
	method, isPSS := a.method.(*jwt.SigningMethodRSAPSS)
	if !isPSS {
		return
	}
	text := unsigned(a.header(nil), a.payload(nil))
	digest := method.Hash.New()
	digest.Write([]byte(text))
	size := method.Hash.Size()
	for _, salt := range []int{rsa.PSSSaltLengthAuto, 1, size - 1, size + 1, 100} {
		signature, err := rsa.SignPSS(rand.Reader, a.private.(*rsa.PrivateKey), method.Hash, digest.Sum(nil), &rsa.PSSOptions{SaltLength: salt})
		require.NoError(t, err)
		l.add(fmt.Sprint("salt of ", salt), "token_signature", text+"."+encode64(string(signature)))
	}
}

// twin is the other signature that holds for an ECDSA signature: (r, n-s).
func (a target) twin(token string) (string, bool) {
	key, isEC := a.private.(*ecdsa.PrivateKey)
	if !isEC {
		return "", false
	}
	at := strings.LastIndexByte(token, '.') + 1
	raw, _ := base64.RawURLEncoding.DecodeString(token[at:])
	half := len(raw) / 2
	s := new(big.Int).SetBytes(raw[half:])
	s.Sub(key.Params().N, s).FillBytes(raw[half:])
	return token[:at] + encode64(string(raw)), true
}
