package authn_test

import (
	"crypto/sha3"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/setting"
)

// V1.5.3 and REL-23, in a small form: what this package accepts, jose for node
// accepts as well and reads alike, over a few thousand mutated tokens of every algorithm. The other way round differences are meant.
func TestDifferentialJose(t *testing.T) {
	t.Parallel()
	const each = 200
	var kits []tokenKit
	var tokens [][]string
	for _, algorithm := range tokenAlgorithms {
		kit := newTokenKit(t, algorithm)
		m := newMutator(kit)
		var made []string
		for range each {
			made = append(made, m.token(t))
		}
		kits, tokens = append(kits, kit), append(tokens, made)
	}
	both, stricter, neither := 0, 0, 0
	jose := startJose(t) // when all tokens are made: it has two minutes
	for k, kit := range kits {
		// jose knows one leeway for all times; it is given ours, which for exp it is more lenient with.
		request := joseStrict(kit, joseRequest{"clockTolerance": 30}).with("tokens", tokens[k])
		answer := jose.ask(t, "verifyAll", request)
		require.Empty(t, answer.Error)
		require.Len(t, answer.Verdicts, each)
		for i, theirs := range answer.Verdicts {
			token := tokens[k][i]
			claims, err := kit.manager.Verify(t.Context(), setting.Secret(token))
			switch {
			case err != nil && theirs.Error != "":
				neither++
			case err != nil:
				stricter++
			case assert.Empty(t, theirs.Error, "we accept and jose refuses: %s", token):
				both++
				assert.Equal(t,
					[]any{claims.Subject.ID, string(claims.Subject.Tenant), claims.SessionID, claims.ID, float64(claims.Expires.Unix())},
					[]any{theirs.Payload["sub"], theirs.Payload["tenant"], theirs.Payload["sid"], theirs.Payload["jti"], theirs.Payload["exp"]},
					token)
			}
		}
	}
	t.Logf("%d tokens: both accept %d, jose alone %d, neither %d, we alone 0", each*len(tokenAlgorithms), both, stricter, neither)
	assert.Greater(t, both, each, "mutations that keep a token good")
	assert.Greater(t, stricter, each/10, "mutations that only this package refuses")
	assert.Greater(t, neither, each)
}

// mutator makes tokens from a good one; the same ones in each run.
type mutator struct {
	kit    tokenKit
	random *sha3.SHAKE
}

func newMutator(kit tokenKit) *mutator {
	m := &mutator{kit: kit, random: sha3.NewSHAKE128()}
	_, _ = m.random.Write([]byte(kit.key.Algorithm())) // never fails
	return m
}

// below returns a number from 0 to n-1.
func (m *mutator) below(n int) int {
	var raw [8]byte
	_, _ = m.random.Read(raw[:]) // never fails
	return int(binary.BigEndian.Uint64(raw[:]) % uint64(n))
}

func pick[T any](m *mutator, of []T) T { return of[m.below(len(of))] }

// token returns a token whose signature holds and whose header or payload was changed, or one whose text was.
func (m *mutator) token(t testing.TB) string {
	header, payload := m.kit.header(nil), m.kit.payload(nil)
	switch m.below(6) {
	case 0:
		header = m.kit.header(m.headerEdit())
	case 1, 2:
		payload = m.kit.payload(m.claimEdit())
	case 3:
		payload = m.bytes(payload)
	case 4:
		header = m.bytes(header)
	case 5:
		return m.text(m.kit.sign(t, header, payload).Reveal())
	}
	return m.kit.sign(t, header, payload).Reveal()
}

// headerEdit changes members of the header, or adds some.
func (m *mutator) headerEdit() map[string]string {
	alg := quoteJSON(m.kit.key.Algorithm())
	return map[string]string{pick(m, []string{"alg", "kid", "typ", "crit", "b64", "zip", "jku", "x", "cty", "ALG", `\u0061lg`, `k\u0069d`}): pick(m, []string{
		alg, `"none"`, `"HS256"`, `"RS256"`, `"ES256"`, quoteJSON(m.kit.key.ID()), `"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"application/AT+jwt"`,
		`"JWT"`, `"at+jwt "`, `"text/at+jwt"`, `"application/application/at+jwt"`, "null", "true", "0", `""`, "[]", `["exp"]`, `["b64"]`, "{}", `{"a":1,"a":2}`, "[" + alg + "]",
	})}
}

// claimEdit changes claims of the payload, or adds some.
func (m *mutator) claimEdit() map[string]string {
	now := m.kit.clock.Now()
	var values []string
	for _, ahead := range []time.Duration{-25 * time.Hour, -31 * time.Second, -30 * time.Second, -1, 0, 1, 29 * time.Second, 30 * time.Second, 31 * time.Second, time.Hour, 24 * time.Hour} {
		values = append(values, strconv.FormatInt(now.Add(ahead).Unix(), 10))
	}
	values = append(values, "0", "-1", "1.5", "1e3", "1.7673230e9", "1e999", "9007199254740993", "253402300799", "253402300800",
		`"1767323045"`, `"authmodule"`, `["authmodule"]`, `["authmodule","x"]`, `["x","authmodule"]`, `["x"]`, `"authmodule\u0000"`, `"Authmodule"`,
		`"user-2"`, `"\u00fc"`, `"\ud83d\ude00"`, `"\ud800"`, "\"\xff\"", `""`, `" "`, "null", "true", "[]", "{}", `[1]`, `["a","a"]`, `{"a":{"a":1,"a":2}}`, `{"sub":"root"}`, `{"sub":"root","sub":"x"}`, `"__proto__"`)
	names := []string{"iss", "aud", "sub", "tenant", "sid", "jti", "iat", "nbf", "exp", "auth_time", "amr", "roles", "mfa_time", "acr", "act", "x", "EXP", `s\u0075b`, "__proto__", "constructor", `\u017fub`}
	edits := map[string]string{}
	for range 1 + m.below(2) {
		edits[pick(m, names)] = pick(m, values)
	}
	return edits
}

// bytes changes a byte or two of a text, which is then signed.
func (m *mutator) bytes(text string) string {
	raw := []byte(text)
	for range 1 + m.below(2) {
		i, c := m.below(len(raw)), pick(m, []byte("\"\\{}[],: \t\n\r\x00\x7f\xff0aA-+.eE/"))
		switch m.below(4) {
		case 0:
			raw[i] = c
		case 1:
			raw = slices.Insert(raw, i, c)
		case 2:
			raw = slices.Delete(raw, i, i+1)
		case 3:
			raw = append(raw, c)
		}
	}
	return string(raw)
}

// text changes a token as it stands, as somebody without the key can.
func (m *mutator) text(token string) string {
	i := m.below(len(token))
	c := string(pick(m, []byte(base64URL+"=+/. \n\r\t!%,\"")))
	parts := strings.Split(token, ".")
	switch m.below(9) {
	case 0:
		return token[:i] + c + token[i+1:]
	case 1:
		return token[:i] + c + token[i:]
	case 2:
		return token[:i] + token[i+1:]
	case 3:
		return token[:i]
	case 4:
		return token + c
	case 5:
		a, b := m.below(3), m.below(3)
		parts[a], parts[b] = parts[b], parts[a]
	case 6:
		a := m.below(3)
		parts[a] = base64.URLEncoding.EncodeToString(decode64(parts[a]))
	case 7:
		a := m.below(3)
		parts[a] = parts[a][:len(parts[a])-1] + pick(m, strings.Split(base64URL, ""))
	case 8:
		parts = slices.Insert(parts, m.below(4), "")
	}
	return strings.Join(parts, ".")
}
