package authn_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// assertNoKeyBytes looks for the secret in the forms in which fmt writes bytes and text.
func assertNoKeyBytes(t testing.TB, printed, secret string) {
	t.Helper()
	raw := []byte(secret)
	decimal := fmt.Sprint(raw)
	for _, form := range []string{
		secret, fmt.Sprintf("%q", secret), hex.EncodeToString(raw), fmt.Sprintf("%X", raw), decimal[1 : len(decimal)-1],
		fmt.Sprintf("%#v", raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), fmt.Sprintf("% x", raw),
	} {
		assert.NotContains(t, printed, form)
	}
}
