package authn_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha512" // for crypto.SHA384 and SHA512
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// seam are the two rings that a message is tried at, and the keys in them.
type seam struct {
	keys           map[string]tokenKey
	secrets, pairs *authn.KeyRing
}

func newSeam(t testing.TB) seam {
	t.Helper()
	keys, err := tokenKeys()
	require.NoError(t, err)
	var secrets, pairs []*authn.Key
	for _, algorithm := range tokenAlgorithms {
		key := named(t, keys[algorithm].key, "key-"+algorithm) // RS and PS share one RSA key
		if authn.SymmetricAlgorithm(algorithm) {
			secrets = append(secrets, key)
		} else {
			pairs = append(pairs, key)
		}
	}
	s := seam{keys: keys}
	var errSecrets, errPairs error
	s.secrets, errSecrets = authn.NewKeyRing(nil, secrets...)
	s.pairs, errPairs = authn.NewKeyRing(nil, pairs...)
	require.NoError(t, errors.Join(errSecrets, errPairs))
	return s
}

// message signs a header and a payload with the key of the algorithm, whatever the header says.
func (s seam) message(t testing.TB, algorithm, header string, payload []byte) string {
	t.Helper()
	signed := encode64(header) + "." + encode64(string(payload))
	signature, err := s.keys[algorithm].method.Sign(signed, s.keys[algorithm].private)
	require.NoError(t, err)
	return signed + "." + encode64(string(signature))
}

func seamHeader(algorithm string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"x+jwt"}`, algorithm, "key-"+algorithm)
}

// FuzzVerifyJWS: no text makes VerifyJWS panic, and none is accepted that the
// standard library's own packages would not verify.
func FuzzVerifyJWS(f *testing.F) {
	s := newSeam(f)
	for _, algorithm := range tokenAlgorithms {
		message := s.message(f, algorithm, seamHeader(algorithm), []byte("no JSON"))
		_, errSecrets := s.secrets.VerifyJWS(message, authn.JWSPolicy{Type: "x+jwt"})
		_, errPairs := s.pairs.VerifyJWS(message, authn.JWSPolicy{})
		require.NotEqual(f, errSecrets == nil, errPairs == nil, "%s: one ring takes it", algorithm)
		f.Add(message)
	}
	good := s.message(f, "HS256", seamHeader("HS256"), nil)
	for _, text := range []string{"", "..", "...", good + ".", good + "=", good[:len(good)-1] + "\n", "eyJhbGciOiJub25lIn0.e30.", strings.Replace(good, ".", "..", 1)} {
		f.Add(text)
	}
	for _, vector := range rfcVectors() {
		f.Add(vector.jws)
	}
	f.Fuzz(func(t *testing.T, text string) { s.check(t, text) })
}

// FuzzVerifyJWSSigned is FuzzVerifyJWS with a valid signature over whatever header and payload are.
func FuzzVerifyJWSSigned(f *testing.F) {
	s := newSeam(f)
	for i, algorithm := range tokenAlgorithms {
		f.Add(uint(i), seamHeader(algorithm), []byte("payload"))
		f.Add(uint(i), fmt.Sprintf(`{"typ":"JWT","alg":%q}`, algorithm), []byte{})
	}
	for _, header := range []string{
		"", "{}", "null", `{"alg":"none"}`, `{"alg":"HS256","alg":"HS256","kid":"key-HS256"}`, `{"alg":"HS256","kid":"key-HS256","\u0061lg":"none"}`,
		`{"alg":"HS256","kid":"key-HS256","crit":["exp"]}`, `{"alg":"HS256","kid":"key-HS256","Kid":"x"}`, `{"alg":"HS256","kid":"key-HS256"}{}`,
		`{"\u0061lg":"HS256","k\u0069d":"key-HS256"}`, "\ufeff" + seamHeader("HS256"), `{"alg":"HS256","kid":"key-HS256","x":[[[[[]]]]]}`,
	} {
		f.Add(uint(0), header, []byte("payload"))
	}
	f.Fuzz(func(t *testing.T, algorithm uint, header string, payload []byte) {
		s.check(t, s.message(t, tokenAlgorithms[algorithm%uint(len(tokenAlgorithms))], header, payload))
	})
}

// check holds both rings to the independent reading of a message.
func (s seam) check(t *testing.T, text string) {
	t.Helper()
	for _, ring := range []*authn.KeyRing{s.secrets, s.pairs} {
		for _, policy := range []authn.JWSPolicy{{}, {Type: "x+jwt"}, {WithoutKeyID: true}, {Type: authn.AccessTokenType}} {
			jws, err := ring.VerifyJWS(text, policy)
			if err != nil {
				require.Zero(t, jws)
				continue
			}
			require.NoError(t, s.reread(text, jws))
			require.Equal(t, authn.SymmetricAlgorithm(jws.Algorithm), ring == s.secrets)
			if policy.Type != "" {
				require.Equal(t, policy.Type, strings.TrimPrefix(strings.ToLower(jws.Type), "application/"))
			}
		}
	}
}

// reread reads an accepted message again, with encoding/json and crypto alone.
func (s seam) reread(text string, jws authn.JWS) error {
	segments := strings.Split(text, ".")
	if len(segments) != 3 {
		return errors.New("segments")
	}
	var raw [3][]byte
	for i, segment := range segments {
		decoded, err := base64.RawURLEncoding.DecodeString(segment)
		if err != nil || base64.RawURLEncoding.EncodeToString(decoded) != segment {
			return fmt.Errorf("segment %d: %w", i, err)
		}
		raw[i] = decoded
	}
	if err := strictHeader(raw[0], jws); err != nil {
		return err
	}
	if !bytes.Equal(raw[1], jws.Payload) {
		return errors.New("payload")
	}
	return s.reverify(jws.Algorithm, []byte(segments[0]+"."+segments[1]), raw[2])
}

// strictHeader compares what was read with what encoding/json reads.
func strictHeader(raw []byte, jws authn.JWS) error {
	members := map[string]any{}
	if err := errors.Join(uniqueMembers(raw), json.Unmarshal(raw, &members)); err != nil {
		return err
	}
	typ, _ := members["typ"].(string)
	if !utf8.Valid(raw) || members["alg"] != jws.Algorithm || members["kid"] != jws.KeyID || typ != jws.Type || jws.KeyID != "key-"+jws.Algorithm {
		return fmt.Errorf("header %q, read as %+v", raw, jws)
	}
	for name := range members {
		if slices.Contains([]string{"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"}, strings.ToLower(name)) {
			return errors.New("member " + name)
		}
	}
	return nil
}

// reverify checks a signature without any JWT library (RFC 7518, section 3; RFC 8037, section 3.1).
func (s seam) reverify(algorithm string, signed, signature []byte) error {
	wrong := errors.New("signature of " + algorithm)
	if algorithm == "EdDSA" {
		return unless(ed25519.Verify(s.keys[algorithm].public.(ed25519.PublicKey), signed, signature), wrong)
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[2:]]
	hasher := hash.New()
	hasher.Write(signed)
	sum := hasher.Sum(nil)
	switch algorithm[:2] {
	case "HS":
		mac := hmac.New(hash.New, []byte(tokenSecret))
		mac.Write(signed)
		return unless(bytes.Equal(mac.Sum(nil), signature), wrong)
	case "RS":
		return rsa.VerifyPKCS1v15(s.keys[algorithm].public.(*rsa.PublicKey), hash, sum, signature)
	case "PS":
		return rsa.VerifyPSS(s.keys[algorithm].public.(*rsa.PublicKey), hash, sum, signature, &rsa.PSSOptions{SaltLength: hash.Size()})
	}
	key := s.keys[algorithm].public.(*ecdsa.PublicKey)
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return wrong
	}
	r, q := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return unless(ecdsa.Verify(key, sum, r, q), wrong)
}

func unless(good bool, err error) error {
	if good {
		return nil
	}
	return err
}
