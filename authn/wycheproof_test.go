package authn_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// vectorJWK is a key as published vectors write it. An oct key's value is k.
type vectorJWK struct {
	KeyType, Algorithm, KeyID, Use, Curve string
	K, X, Y, N, E                         string
	Keys                                  []vectorJWK
}

// UnmarshalJSON reads the members that a verification needs; the private ones are left aside.
func (j *vectorJWK) UnmarshalJSON(text []byte) error {
	var wire struct {
		Kty, Alg, Kid, Use, Crv, K, X, Y, N, E string
		Keys                                   []vectorJWK
	}
	err := json.Unmarshal(text, &wire)
	*j = vectorJWK{
		KeyType: wire.Kty, Algorithm: wire.Alg, KeyID: wire.Kid, Use: wire.Use, Curve: wire.Crv,
		K: wire.K, X: wire.X, Y: wire.Y, N: wire.N, E: wire.E, Keys: wire.Keys,
	}
	return err
}

// key makes the module's key of it, under its kid if it has one. A secret that the configuration would call weak is refused.
func (j vectorJWK) key() (*authn.Key, error) {
	key, err := j.unnamed()
	if err != nil || j.KeyID == "" {
		return key, err
	}
	return key.Named(j.KeyID)
}

func (j vectorJWK) unnamed() (*authn.Key, error) {
	whole := func(text string) *big.Int { return new(big.Int).SetBytes(decode64(text)) }
	switch j.KeyType {
	case "oct":
		secret := decode64(j.K)
		if len(secret) < authn.ShortestSecretFor(j.Algorithm) {
			return nil, fmt.Errorf("%w: weak secret", authn.ErrKey)
		}
		return authn.NewSecretKey(j.Algorithm, setting.Secret(secret))
	case "RSA":
		return authn.NewPublicKey(j.Algorithm, &rsa.PublicKey{N: whole(j.N), E: int(whole(j.E).Int64())})
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[j.Curve]
		return authn.NewPublicKey(j.Algorithm, &ecdsa.PublicKey{Curve: curve, X: whole(j.X), Y: whole(j.Y)}) //nolint:staticcheck // deprecated, because points off the curve come of it: they are the test
	case "OKP":
		return authn.NewPublicKey(j.Algorithm, ed25519.PublicKey(decode64(j.X)))
	}
	return nil, errors.New("unknown key type " + j.KeyType)
}

// ring makes a ring of the key, or of the set's keys.
func (j vectorJWK) ring() (*authn.KeyRing, error) {
	if len(j.Keys) == 0 {
		j.Keys = []vectorJWK{j}
	}
	var keys []*authn.Key
	for _, jwk := range j.Keys {
		key, err := jwk.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return authn.NewKeyRing(nil, keys...)
}

// decode64 takes published keys, which are well formed.
func decode64(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return raw
}

// wycheproof reads one file of vectors.
func wycheproof(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "wycheproof", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

type jwsVectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment         string
		Public, Private *vectorJWK
		Tests           []jwsVector
	}
}

type jwsVector struct {
	TcID            int
	Comment, Result string
	JWS             string
}

// stricter are vectors called valid that this module refuses, by tcId, with the class of the error.
var stricter = map[int]error{
	// The key is for PS256 and the header says PS384. One key serves one algorithm (JWT-02); TestRFC7520 has the same message and a key for PS384.
	346: authn.ErrTokenAlgorithm, 350: authn.ErrTokenAlgorithm,
	// The key is for "ES521", which is no algorithm (RFC 7518, section 3.1). TestRFC7520 has the same message and a key for ES512.
	347: authn.ErrKey, 351: authn.ErrKey,
	// A question mark stands in the header and in the payload, which is no character of base64url (JWT-18). It is not what was signed either.
	372: authn.ErrTokenMalformed, 373: authn.ErrTokenSignature,
}

// left are vectors called invalid that this module cannot refuse.
type left map[int]bool

// JWT-01 to JWT-06, JWT-17, JWT-18, JWT-37, JWT-39: the JWS vectors of Wycheproof.
func TestWycheproofJWS(t *testing.T) {
	t.Parallel()
	var file jwsVectors
	wycheproof(t, "json_web_signature_test.json", &file)
	// The text of both is that of 357, which is valid: the padding that they are about was lost before they were published.
	unmet := left{367: true, 370: true}
	accepted, refused, byPolicy := runJWS(t, file, stricter, unmet)
	assert.Equal(t, 401, file.NumberOfTests)
	assert.Equal(t, []int{40, 353, 6}, []int{accepted, refused, byPolicy}, "accepted, refused, refused by policy alone")
}

// JWT-40: the six signatures with a salt of another length are among the refused, for their signature.
func TestWycheproofSaltLength(t *testing.T) {
	t.Parallel()
	var file jwsVectors
	wycheproof(t, "json_web_signature_test.json", &file)
	changed := 0
	for _, group := range file.TestGroups {
		for _, vector := range group.Tests {
			if vector.Comment != "SaltLenChanged" {
				continue
			}
			changed++
			ring, err := group.Public.ring()
			require.NoError(t, err)
			_, err = ring.VerifyJWS(vector.JWS, authn.JWSPolicy{})
			require.ErrorIs(t, err, authn.ErrTokenSignature, vector.TcID)
		}
	}
	assert.Equal(t, 6, changed)
}

// JWT-02, JWT-04, JWT-07: keys and sets of keys that must not be used.
func TestWycheproofJWK(t *testing.T) {
	t.Parallel()
	var file jwsVectors
	wycheproof(t, "json_web_key_test.json", &file)
	// The key is for encryption. A Key has no use, and the constructors read no JWK: that is for whoever does.
	unmet := left{21: true}
	accepted, refused, byPolicy := runJWS(t, file, nil, unmet)
	assert.Equal(t, 26, file.NumberOfTests)
	assert.Equal(t, []int{5, 20, 0}, []int{accepted, refused, byPolicy}, "accepted, refused, refused by policy alone")
}

// runJWS runs each vector against its group's key. A key that is refused refuses all of its messages.
func runJWS(t *testing.T, file jwsVectors, stricter map[int]error, unmet left) (accepted, refused, byPolicy int) {
	t.Helper()
	for _, group := range file.TestGroups {
		jwk := group.Public
		if jwk == nil {
			jwk = group.Private
		}
		ring, keyErr := jwk.ring()
		for _, vector := range group.Tests {
			name := fmt.Sprintf("%s %d %s", group.Comment, vector.TcID, vector.Comment)
			jws, err := authn.JWS{}, keyErr
			if keyErr == nil {
				jws, err = ring.VerifyJWS(vector.JWS, authn.JWSPolicy{})
			}
			class := stricter[vector.TcID]
			switch {
			case unmet[vector.TcID]:
				require.NoError(t, err, "%s: no longer an exception", name)
			case vector.Result == "valid" && class == nil:
				accepted++
				require.NoError(t, err, name)
				assert.Equal(t, decode64(strings.Split(vector.JWS, ".")[1]), append([]byte{}, jws.Payload...), name)
			case vector.Result == "valid":
				byPolicy++
				require.ErrorIs(t, err, class, name)
			default:
				refused++
				require.Error(t, err, name)
			}
			if err != nil {
				assert.Zero(t, jws, name)
			}
		}
	}
	return accepted, refused, byPolicy
}
