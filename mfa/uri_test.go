package mfa_test

import (
	"net/url"
	"testing"

	"github.com/pquerna/otp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/mfa"
)

// Item 52 of the original: the label was not encoded. Whatever issuer and account are, each comes back whole, and neither adds a parameter.
func TestURIKeepsIssuerAndAccountApart(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"authmodule", "Arm & Leg", "a+b=c", "50% off", "a?b#c", "a/b", "&secret=AAAA&digits=8"} {
		for _, account := range []string{"ada@example.com", "a&b=c?d e/f@example.com", "a:b", "?secret=AAAA", "#", "100%", "+", "ä@example.com", "&issuer=evil"} {
			f := fresh(t, mfa.Config{Issuer: issuer, Digits: 8, Algorithm: mfa.SHA256})
			e, err := f.EnrollTOTP(t.Context(), ada(), account, "")
			require.NoError(t, err)
			u, err := url.Parse(e.URI.Reveal())
			require.NoError(t, err)
			assert.Equal(t, "otpauth://totp", u.Scheme+"://"+u.Host)
			assert.Equal(t, "/"+issuer+":"+account, u.Path)
			assert.Empty(t, u.Fragment)
			assert.Equal(t, url.Values{"secret": {e.Secret.Reveal()}, "issuer": {issuer}, "algorithm": {"SHA256"}, "digits": {"8"}, "period": {"30"}}, u.Query())
			assert.NotContains(t, u.RawQuery, "+", "apps do not take it for a space")
			key, err := otp.NewKeyFromURL(e.URI.Reveal())
			require.NoError(t, err)
			assert.Equal(t, issuer, key.Issuer())
			assert.Equal(t, account, key.AccountName())
		}
	}
}
