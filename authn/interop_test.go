package authn_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
)

// josePeer is a process of node that runs the package jose.
type josePeer struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

// startJose starts the one process of a test, which ends with it.
func startJose(t *testing.T) *josePeer {
	t.Helper()
	node, script := peer.RequireModule(t, "jose", "jose.mjs")
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	process := exec.CommandContext(ctx, node, script)
	in, err := process.StdinPipe()
	require.NoError(t, err)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	var complaint strings.Builder
	process.Stderr = &complaint
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		defer stop() // kills it by its own ID, should it not have ended
		assert.NoError(t, in.Close())
		assert.NoError(t, process.Wait(), complaint.String())
	})
	return &josePeer{in: in, out: bufio.NewReader(out)}
}

type joseRequest map[string]any

type joseAnswer struct {
	Error, Token, PEM, Thumbprint, URL string
	Header, Payload                    map[string]any
	JWK                                authn.JWK
	Verdicts                           []joseVerdict
}

// joseVerdict is what jose says of one token of many.
type joseVerdict struct {
	Error   string
	Payload map[string]any
}

// ask sends one request and reads its answer.
func (j *josePeer) ask(t *testing.T, operation string, request joseRequest) joseAnswer {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	request["operation"] = operation
	require.NoError(t, json.NewEncoder(j.in).Encode(request))
	line, err := j.out.ReadBytes('\n')
	require.NoError(t, err)
	var answer joseAnswer
	require.NoError(t, json.Unmarshal(line, &answer))
	return answer
}

// verify has jose check a token as strictly as its options allow, with what the manager publishes.
func (j *josePeer) verify(t *testing.T, kit tokenKit, token string, options joseRequest) joseAnswer {
	t.Helper()
	return j.ask(t, "verify", joseStrict(kit, options).with("token", token))
}

// joseStrict is the part of a request that has jose verify as strictly as its options allow, and the options beyond that.
func joseStrict(kit tokenKit, options joseRequest) joseRequest {
	all := joseRequest{
		"issuer": authn.DefaultIssuer, "audience": authn.DefaultAudience, "typ": authn.AccessTokenType, "algorithms": []string{kit.key.Algorithm()},
		"requiredClaims": []string{"iss", "aud", "sub", "exp", "nbf", "iat", "jti", "sid"}, "currentDate": kit.clock.Now().UnixMilli(),
	}
	for name, value := range options {
		all[name] = value
	}
	request := joseRequest{"jwks": kit.manager.PublicKeys(), "options": all}
	if secret, symmetric := kit.private.([]byte); symmetric {
		request["secret"] = string(secret)
	}
	return request
}

func (r joseRequest) with(name string, value any) joseRequest {
	r[name] = value
	return r
}

// sign has jose sign what a kit would sign by hand.
func (j *josePeer) sign(t *testing.T, kit tokenKit, header, payload map[string]string) setting.Secret {
	t.Helper()
	request := joseRequest{"header": json.RawMessage(kit.header(header)), "payload": json.RawMessage(kit.payload(payload))}
	if secret, symmetric := kit.private.([]byte); symmetric {
		request["secret"] = string(secret)
	} else {
		der, err := x509.MarshalPKCS8PrivateKey(kit.private)
		require.NoError(t, err)
		request["pem"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	answer := j.ask(t, "sign", request)
	require.Empty(t, answer.Error)
	return setting.Secret(answer.Token)
}

// Tokens of every algorithm go both ways between this package and jose for node.
func TestInteropJose(t *testing.T) {
	t.Parallel()
	jose := startJose(t)
	for _, algorithm := range tokenAlgorithms {
		t.Run(algorithm, func(t *testing.T) {
			kit := newTokenKit(t, algorithm)
			t.Run("verifies ours", func(t *testing.T) { joseVerifiesOurs(t, jose, kit) })
			t.Run("is verified by us", func(t *testing.T) { weVerifyJoses(t, jose, kit) })
			if kit.public != nil {
				t.Run("agrees on the kid (RFC 7638)", func(t *testing.T) {
					answer := jose.ask(t, "thumbprint", joseRequest{"jwk": kit.manager.PublicKeys().Keys[0]})
					assert.Equal(t, kit.key.ID(), answer.Thumbprint)
				})
			}
		})
	}
	t.Run("a set of many keys", func(t *testing.T) { joseReadsTheSet(t, jose) })
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run("a key file of jose for "+algorithm, func(t *testing.T) { weReadJosesKey(t, jose, algorithm) })
	}
}

func joseVerifiesOurs(t *testing.T, jose *josePeer, kit tokenKit) {
	token := kit.issue(t).Reveal()
	answer := jose.verify(t, kit, token, nil)
	require.Empty(t, answer.Error)
	assert.Equal(t, map[string]any{"alg": kit.key.Algorithm(), "kid": kit.key.ID(), "typ": "at+jwt"}, answer.Header)
	assert.Equal(t, "user-1", answer.Payload["sub"])
	assert.Equal(t, []any{"viewer"}, answer.Payload["roles"])
	assert.InDelta(t, tokenEpoch.Add(30*time.Minute).Unix(), answer.Payload["exp"], 0)

	signed, signature, _ := cutLast(token)
	for name, tc := range map[string]struct {
		token    string
		options  joseRequest
		expected string
	}{
		"changed":        {signed + "." + otherStart(signature), nil, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"},
		"expired":        {token, joseRequest{"currentDate": tokenEpoch.Add(time.Hour).UnixMilli()}, "ERR_JWT_EXPIRED"},
		"other audience": {token, joseRequest{"audience": "other"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"},
	} {
		assert.Equal(t, tc.expected, jose.verify(t, kit, tc.token, tc.options).Error, "%s: jose looks at what it is given", name)
	}
}

func weVerifyJoses(t *testing.T, jose *josePeer, kit tokenKit) {
	claims := kit.accepts(t, jose.sign(t, kit, nil, nil))
	assert.Equal(t, kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(nil))), claims)
	kit.refuses(t, jose.sign(t, kit, map[string]string{"kid": `"other"`}, nil), authn.ErrTokenKey)
	kit.refuses(t, jose.sign(t, kit, map[string]string{"typ": `"JWT"`}, nil), authn.ErrTokenType)
	kit.refuses(t, jose.sign(t, kit, nil, map[string]string{"aud": `"other"`}), authn.ErrTokenAudience)
	kit.refuses(t, jose.sign(t, kit, nil, map[string]string{"exp": fmt.Sprint(tokenEpoch.Unix() + 25*3600)}), authn.ErrTokenMalformed)
	signed, signature, _ := cutLast(jose.sign(t, kit, nil, nil).Reveal())
	kit.refuses(t, setting.Secret(signed+"."+otherStart(signature)), authn.ErrTokenSignature)
}

// otherStart changes the first character of a signature.
func otherStart(signature string) string {
	if signature[0] == 'A' {
		return "B" + signature[1:]
	}
	return "A" + signature[1:]
}

// joseReadsTheSet finds each key of a ring among all the others, by its kid.
func joseReadsTheSet(t *testing.T, jose *josePeer) {
	keys, err := tokenKeys()
	require.NoError(t, err)
	var ring []*authn.Key
	for _, algorithm := range tokenAlgorithms {
		if keys[algorithm].public != nil {
			key, err := keys[algorithm].key.Named("key-" + algorithm)
			require.NoError(t, err)
			ring = append(ring, key)
		}
	}
	for i, signing := range ring {
		kit := newTokenKit(t, signing.Algorithm(), func(_ *authn.TokenConfig, deps *authn.TokenDeps) {
			all, err := authn.NewKeyRing(signing, slices.Delete(slices.Clone(ring), i, i+1)...)
			require.NoError(t, err)
			deps.Keys = all
		})
		require.Len(t, kit.manager.PublicKeys().Keys, len(ring))
		answer := jose.verify(t, kit, kit.issue(t).Reveal(), nil)
		require.Empty(t, answer.Error, signing)
		assert.Equal(t, signing.ID(), answer.Header["kid"])
	}
}

// weReadJosesKey takes a key that jose generated and wrote, and publishes what jose publishes.
func weReadJosesKey(t *testing.T, jose *josePeer, algorithm string) {
	made := jose.ask(t, "generate", joseRequest{"alg": algorithm})
	require.Empty(t, made.Error)
	key, err := authn.ParsePrivateKey(algorithm, []byte(made.PEM))
	require.NoError(t, err)
	assert.Equal(t, made.Thumbprint, key.ID())
	kit := newTokenKit(t, algorithm, func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, key) })
	published := kit.manager.PublicKeys().Keys[0]
	published.Use, published.Algorithm, published.KeyID = "", "", ""
	assert.Equal(t, made.JWK, published)

	assert.Empty(t, jose.verify(t, kit, kit.issue(t).Reveal(), nil).Error)
	header := json.RawMessage(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, algorithm, key.ID()))
	answer := jose.ask(t, "sign", joseRequest{"header": header, "payload": json.RawMessage(kit.payload(nil)), "pem": made.PEM})
	require.Empty(t, answer.Error)
	assert.Equal(t, "user-1", kit.accepts(t, setting.Secret(answer.Token)).Subject.ID)
}
