package authn_test

import (
	"crypto/rsa"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// JWT-04: a key of a broken generator is refused for each algorithm that it could serve. It is Wycheproof's.
func TestRocaKeysAreRefused(t *testing.T) {
	t.Parallel()
	var file jwsVectors
	wycheproof(t, "json_web_key_test.json", &file)
	refused := 0
	for _, group := range file.TestGroups {
		if group.Comment != "jws_rsa_roca_key" {
			continue
		}
		for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
			jwk := group.Public.Keys[0]
			jwk.Algorithm = algorithm
			_, err := jwk.key()
			require.ErrorIs(t, err, authn.ErrKey)
			require.ErrorContains(t, err, "CVE-2017-15361")
			refused++
		}
	}
	require.Equal(t, 6, refused)
	keys, err := tokenKeys()
	require.NoError(t, err)
	_, err = authn.NewPublicKey("RS256", keys["RS256"].public.(*rsa.PublicKey))
	require.NoError(t, err, "a key of this machine")
}
