package authn_test

import (
	"encoding/base64"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// The JWT of RFC 7515, appendix A.1, and its key. It verifies, and is no
// access token: without our kid and typ a signature means nothing here.
func TestTokenRFC7515A1IsNoAccessToken(t *testing.T) {
	t.Parallel()
	const (
		token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
			".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
			".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
		octets = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	)
	secret, err := base64.RawURLEncoding.DecodeString(octets)
	require.NoError(t, err)
	_, err = jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(token, func(*jwt.Token) (any, error) { return secret, nil })
	require.NoError(t, err)

	key, err := authn.NewSecretKey("HS256", setting.Secret(secret))
	require.NoError(t, err)
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, key) })
	kit.refuses(t, token, authn.ErrTokenKey)
}

// The unsecured JWT of RFC 7515, appendix A.5.
func TestTokenRFC7515A5IsRefused(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) { kit.refuses(t, token, authn.ErrTokenAlgorithm) })
}
