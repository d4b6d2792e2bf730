package authn_test

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// rawVectors are signatures over bytes that are no JWS.
type rawVectors struct {
	NumberOfTests int
	TestGroups    []struct {
		PublicKeyPem string
		TagSize      int
		Tests        []rawVector
	}
}

type rawVector struct {
	TcID                                int
	Comment, Key, Msg, Sig, Tag, Result string
	Flags                               []string
}

// rawFile is a file of vectors and what is expected of them.
type rawFile struct {
	name, algorithm string
	// accepted and refused are decided as the vector says; the others differ.
	accepted, refused int
	// differs says which vectors this module decides the other way.
	differs func(v rawVector, tagBits int) bool
}

func rawFiles() []rawFile {
	none := func(rawVector, int) bool { return false }
	// Keys shorter than the hash are refused (RFC 7518, section 3.2), and so are the shortened tags that JWS does not have.
	weak := func(hashBits int) func(rawVector, int) bool {
		return func(v rawVector, tagBits int) bool {
			return v.Result == "valid" && (len(v.Key)*4 < hashBits || tagBits < hashBits)
		}
	}
	return []rawFile{
		{"ecdsa_secp256r1_sha256_p1363", "ES256", 173, 89, none},
		{"ecdsa_secp384r1_sha384_p1363", "ES384", 193, 87, none},
		{"ecdsa_secp521r1_sha512_p1363", "ES512", 231, 87, none},
		{"ed25519", "EdDSA", 88, 63, none},
		{"rsa_pss_2048_sha256_mgf1_32", "PS256", 63, 45, none},
		{"rsa_pss_2048_sha384_mgf1_48", "PS384", 95, 46, none},
		// JWT-40: the file is about signatures without salt, which RFC 7518, section 3.5, does not have. The salt of 69 has 32 bytes, as it has there.
		{"rsa_pss_2048_sha256_mgf1_0", "PS256", 0, 41, func(v rawVector, _ int) bool { return v.Result == "valid" || v.TcID == 69 }},
		// 8 is "acceptable": the encoding lacks a NULL. The keys of 258 and 259 have the exponent 3 (JWT-04).
		{"rsa_signature_2048_sha256", "RS256", 7, 249, func(v rawVector, _ int) bool { return v.TcID == 8 || v.Result == "valid" && v.TcID >= 258 }},
		{"hmac_sha256", "HS256", 30, 108, weak(256)},
		{"hmac_sha384", "HS384", 30, 108, weak(384)},
		{"hmac_sha512", "HS512", 30, 108, weak(512)},
	}
}

// JWT-39, JWT-40 and the algorithms beneath VerifyJWS: signatures at the edges of their ranges.
func TestWycheproofSignatures(t *testing.T) {
	t.Parallel()
	for _, tc := range rawFiles() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var file rawVectors
			wycheproof(t, tc.name+"_test.json", &file)
			accepted, refused, differ := 0, 0, 0
			for _, group := range file.TestGroups {
				for _, vector := range group.Tests {
					name := fmt.Sprintf("%d %s %v", vector.TcID, vector.Comment, vector.Flags)
					verifies, err := vector.verifies(tc.algorithm, group.PublicKeyPem)
					if err != nil {
						require.ErrorIs(t, err, authn.ErrKey, name)
					}
					expected := vector.Result != "invalid"
					switch {
					case tc.differs(vector, group.TagSize):
						differ++
						expected = !expected
					case expected:
						accepted++
					default:
						refused++
					}
					assert.Equal(t, expected, verifies, name)
				}
			}
			assert.Equal(t, []int{tc.accepted, tc.refused}, []int{accepted, refused})
			assert.Equal(t, file.NumberOfTests, accepted+refused+differ)
		})
	}
}

// verifies asks the algorithm about the signature or tag.
func (v rawVector) verifies(algorithm, public string) (bool, error) {
	message, errMessage := hex.DecodeString(v.Msg)
	signature, errSignature := hex.DecodeString(v.Sig + v.Tag)
	if errMessage != nil || errSignature != nil {
		panic("the vector is not hexadecimal")
	}
	if public == "" {
		return v.authenticates(algorithm, message, signature)
	}
	block, _ := pem.Decode([]byte(public))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return false, err
	}
	key, err := authn.NewPublicKey(algorithm, parsed)
	if err != nil {
		return false, err
	}
	return key.Verifies(message, signature), nil
}

func (v rawVector) authenticates(algorithm string, message, tag []byte) (bool, error) {
	secret, err := hex.DecodeString(v.Key)
	if err != nil || len(secret) < authn.ShortestSecretFor(algorithm) {
		return false, authn.ErrKey
	}
	key, err := authn.NewSecretKey(algorithm, setting.Secret(secret))
	if err != nil {
		return false, err
	}
	return key.Verifies(message, tag), nil
}
