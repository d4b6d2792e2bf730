package authn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// joesClaims is the payload of RFC 7515, A.1 to A.3, encoded.
const joesClaims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

// rfcVector is a compact JWS as a standard prints it, with its key.
type rfcVector struct {
	name, jws string
	jwk       vectorJWK
}

func rfcVectors() []rfcVector {
	return []rfcVector{
		{
			"RFC 7515 A.1", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joesClaims + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
			vectorJWK{
				KeyType: "oct", Algorithm: "HS256",
				K: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
			},
		},
		{
			"RFC 7515 A.2", "eyJhbGciOiJSUzI1NiJ9." + joesClaims + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5j" +
				"ujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi1" +
				"2jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
			vectorJWK{
				KeyType: "RSA", Algorithm: "RS256", E: "AQAB",
				N: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6" +
					"b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_" +
					"I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
			},
		},
		{
			"RFC 7515 A.3", "eyJhbGciOiJFUzI1NiJ9." + joesClaims + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
			vectorJWK{
				KeyType: "EC", Algorithm: "ES256", Curve: "P-256",
				X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
			},
		},
		{
			"RFC 7515 A.4", "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_" +
				"7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
			vectorJWK{
				KeyType: "EC", Algorithm: "ES512", Curve: "P-521",
				X: "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
				Y: "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
			},
		},
		{
			"RFC 8037 A.4", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
				"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
			vectorJWK{KeyType: "OKP", Algorithm: "EdDSA", Curve: "Ed25519", X: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		},
	}
}

// The compact messages of RFC 7515, appendices A.1 to A.4, and of RFC 8037, appendix A.4 and A.5, through
// VerifyJWS. They name no key, so they are refused where the policy does not say that they may.
func TestRFC7515AndRFC8037(t *testing.T) {
	t.Parallel()
	for _, vector := range rfcVectors() {
		t.Run(vector.name, func(t *testing.T) {
			t.Parallel()
			ring, err := vector.jwk.ring()
			require.NoError(t, err)
			verifies(t, ring, vector.jws, authn.JWSPolicy{WithoutKeyID: true})
			_, err = ring.VerifyJWS(vector.jws, authn.JWSPolicy{})
			require.ErrorIs(t, err, authn.ErrTokenKey)
			_, err = ring.VerifyJWS(vector.jws, authn.JWSPolicy{WithoutKeyID: true, Type: authn.AccessTokenType})
			require.ErrorIs(t, err, authn.ErrTokenType)
		})
	}
}

// RFC 8037, appendix A.3: the thumbprint of the Ed25519 key is its kid here.
func TestRFC8037A3(t *testing.T) {
	t.Parallel()
	key, err := rfcVectors()[4].jwk.key()
	require.NoError(t, err)
	assert.Equal(t, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", key.ID())
}

// RFC 7520, sections 4.1 to 4.4: RS256, PS384, ES512 and HS256, each with a key for that algorithm. Wycheproof has the texts.
func TestRFC7520(t *testing.T) {
	t.Parallel()
	var file jwsVectors
	wycheproof(t, "json_web_signature_test.json", &file)
	algorithms := map[string]string{"Figure13": "RS256", "Figure20": "PS384", "Figure27": "ES512", "Figure35": "HS256"}
	found := map[string]bool{}
	for _, group := range file.TestGroups {
		if group.Comment != "rfc7520" {
			continue
		}
		jwk := group.Public
		if jwk == nil {
			jwk = group.Private
		}
		vector := group.Tests[0]
		jwk.Algorithm = algorithms[vector.Comment]
		ring, err := jwk.ring()
		require.NoError(t, err, vector.Comment)
		jws := verifies(t, ring, vector.JWS, authn.JWSPolicy{})
		assert.Equal(t, algorithms[vector.Comment], jws.Algorithm)
		assert.Equal(t, jwk.KeyID, jws.KeyID)
		assert.True(t, strings.HasPrefix(string(jws.Payload), "It’s a dangerous business, Frodo"), vector.Comment)
		found[vector.Comment] = true
	}
	assert.Len(t, found, len(algorithms))
}

// verifies requires that the message holds and that the same one with a signature of other bytes does not.
func verifies(t *testing.T, ring *authn.KeyRing, message string, policy authn.JWSPolicy) authn.JWS {
	t.Helper()
	jws, err := ring.VerifyJWS(message, policy)
	require.NoError(t, err)
	signed, signature, _ := cutLast(message)
	assert.Equal(t, decode64(strings.Split(signed, ".")[1]), jws.Payload)
	_, err = ring.VerifyJWS(signed+"."+otherStart(signature), policy)
	require.ErrorIs(t, err, authn.ErrTokenSignature)
	return jws
}
