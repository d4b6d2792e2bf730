package authn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

const steppedPayload = `,"mfa_time":1767323045,"acr":"aal2","act":{"sub":"root"}`

// STEP-01: a token says how and when its user proved who they are, and who acts in it (RFC 8693, section 4.1).
func TestTokenSaysHowItsUserProvedIt(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	for _, tc := range []struct {
		name       string
		change     func(*authn.Session)
		want, lack []string
	}{
		{"a password", func(*authn.Session) {}, []string{`"acr":"aal1"`}, []string{"mfa_time", "act"}},
		{"a mailbox", func(s *authn.Session) { s.Methods = []string{authn.MethodEmail} }, []string{`"acr":"aal0"`}, []string{"mfa_time", "act"}},
		{"two factors", func(s *authn.Session) {
			s.Methods, s.MFATime = []string{"pwd", "otp", "mfa"}, tokenEpoch.Add(-time.Minute+time.Millisecond)
		}, []string{`"mfa_time":1767322985`, `"acr":"aal2"`}, []string{`"act"`}},
		{"a recovery code", func(s *authn.Session) {
			s.Methods, s.MFATime = []string{"pwd", "recovery", "mfa"}, tokenEpoch
		}, []string{`"mfa_time":1767323045`, `"acr":"aal1"`}, []string{`"act"`}},
		{"somebody else", func(s *authn.Session) { s.Methods, s.Actor = nil, `ro"ot` }, []string{`"act":{"sub":"ro\"ot"}`, `"amr":[]`}, []string{"mfa_time", "acr"}},
	} {
		session := tokenSession()
		tc.change(&session)
		token, issued, err := kit.manager.Issue(session, nil)
		require.NoError(t, err, tc.name)
		assert.Equal(t, issued, kit.accepts(t, token), tc.name)
		payload := decode64(strings.Split(token.Reveal(), ".")[1])
		for _, part := range tc.want {
			assert.Contains(t, string(payload), part, tc.name)
		}
		for _, part := range tc.lack {
			assert.NotContains(t, string(payload), part, tc.name)
		}
	}
	session := tokenSession()
	for _, actor := range []string{"\xff", strings.Repeat("a", 256)} {
		session.Actor = actor
		_, _, err := kit.manager.Issue(session, nil)
		assert.Error(t, err, "what Verify would refuse is not issued")
	}
}

// The two readers agree on what may be absent, and what the fast one leaves is judged by the strict one.
func TestPlainClaimsReadsWhatMayBeAbsent(t *testing.T) {
	t.Parallel()
	for _, more := range []string{
		steppedPayload + "}", `,"acr":"x"}`, `,"mfa_time":1}`, `,"act":{"sub":"a"}}`, `,"mfa_time":1,"act":{"sub":"a"}}`, steppedPayload + boundPayload,
	} {
		have, plain := authn.PlainClaims(bindPayload(more))
		require.True(t, plain, more)
		expected, err := authn.DecodeClaims([]byte(bindPayload(more)))
		require.NoError(t, err)
		assert.Equal(t, expected, have)
	}
	for _, more := range []string{
		`,"acr":"x","mfa_time":1}`, `,"acr":""}`, `,"mfa_time":0}`, `,"act":{"sub":""}}`, `,"act":{}}`, `,"act":{"sub":"a"}`, `,"act":{"sub":"a","x":1}}`,
		`,"act":{ "sub":"a"}}`, `,"acr":"x","acr":"x"}`, boundPayload[:len(boundPayload)-1] + steppedPayload + "}",
	} {
		_, plain := authn.PlainClaims(bindPayload(more))
		assert.False(t, plain, more)
	}
}

// RFC 8693, section 4.1: an actor that is not in the one form that this module writes is not overlooked.
func TestTokenActorIsReadStrictly(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	for claim, values := range map[string][]string{
		"act": {
			"null", "true", "1", `"root"`, "[]", `["root"]`, "{}", `{"sub":1}`, `{"sub":null}`, `{"sub":""}`, `{"sub":["root"]}`, `{"sub":{"sub":"root"}}`,
			`{"Sub":"root"}`, `{"sub":"root","sub":"root"}`, `{"sub":"root","iss":"x"}`, `{"sub":"root","act":{"sub":"x"}}`, `{"iss":"x"}`,
			`{"sub":"` + strings.Repeat("x", 256) + `"}`, `{"sub":"\ud800"}`,
		},
		"acr": badTexts[1:], "mfa_time": badTimes[1:],
		"ACR": {`"aal2"`}, "Mfa_time": {"1"}, "Act": {`{"sub":"root"}`},
	} {
		for _, value := range values {
			kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{claim: value})), authn.ErrTokenMalformed)
		}
	}
	claims := kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"act": ` { "sub" : "r\u006fot" } `, "acr": `"urn:x"`, "mfa_time": "1"})))
	assert.Equal(t, []any{"root", "urn:x", time.Unix(1, 0).UTC()}, []any{claims.Actor, claims.ACR, claims.MFATime})
	kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"mfa_time": "1767323076"})), authn.ErrTokenNotYetValid)
}
