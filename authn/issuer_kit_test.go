package authn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// publisher is an issuer's JWKS endpoint, without a network: an [http.RoundTripper].
type publisher struct {
	mu      sync.Mutex
	fetched int
	asked   []string
	answer  func(*http.Request) (*http.Response, error)
}

func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.fetched++
	p.asked = append(p.asked, r.Method+" "+r.URL.String())
	answer := p.answer
	p.mu.Unlock()
	return answer(r)
}

func (p *publisher) fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetched
}

// set changes the answer.
func (p *publisher) set(answer func(*http.Request) (*http.Response, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *publisher) publish(t testing.TB, keys ...*authn.Key) {
	t.Helper()
	p.serve(http.StatusOK, jwks(t, keys...))
}

func (p *publisher) down() {
	p.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
}

// hold keeps the next answers back until release is called.
func (p *publisher) hold() (release func()) {
	gate := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := p.answer
	p.answer = func(r *http.Request) (*http.Response, error) {
		<-gate
		return answer(r)
	}
	return func() { close(gate) }
}

// serve has every request answered alike.
func (p *publisher) serve(status int, body string, headers ...string) {
	p.set(func(*http.Request) (*http.Response, error) {
		header := http.Header{}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
}

func jwks(t testing.TB, keys ...*authn.Key) string {
	t.Helper()
	ring, err := authn.NewKeyRing(nil, keys...)
	require.NoError(t, err)
	text, err := json.Marshal(ring.Public())
	require.NoError(t, err)
	return string(text)
}

// kidOf is a key of the package under another kid.
func kidOf(t testing.TB, algorithm, kid string) tokenKey {
	t.Helper()
	keys, err := tokenKeys()
	require.NoError(t, err)
	named := keys[algorithm]
	named.key, err = named.key.Named(kid)
	require.NoError(t, err)
	return named
}

// issuerKit is one other issuer, and what accepts its tokens.
type issuerKit struct {
	tokenKey
	publisher *publisher
	issuers   *authn.Issuers
	now       func() time.Time
	log       *lockedBuffer
}

const (
	corpURL  = "https://idp.example.com"
	corpKeys = "https://idp.example.com/jwks"
)

func corp() authn.IssuerConfig {
	return authn.IssuerConfig{Issuer: corpURL, JWKSURL: corpKeys, Audience: "https://api.example.com", Algorithms: []string{"ES256"}}
}

// fixedRoles are the roles that are assigned here.
type fixedRoles map[authn.Subject][]string

func (f fixedRoles) RolesOf(_ context.Context, s authn.Subject) ([]string, time.Time, error) {
	return f[s], time.Time{}, nil
}

func newIssuerKit(t testing.TB, change ...func(*authn.IssuerConfig)) issuerKit {
	t.Helper()
	clock := &tokenClock{now: tokenEpoch}
	return newIssuerKitAt(t, clock.Now, change...)
}

func newIssuerKitAt(t testing.TB, now func() time.Time, change ...func(*authn.IssuerConfig)) issuerKit {
	t.Helper()
	cfg := corp()
	for _, c := range change {
		c(&cfg)
	}
	algorithm := cfg.WithDefaults().Algorithms[0]
	kit := issuerKit{tokenKey: kidOf(t, algorithm, "corp-1"), publisher: &publisher{}, now: now, log: &lockedBuffer{}}
	kit.publisher.publish(t, kit.key)
	var err error
	kit.issuers, err = authn.NewIssuers(map[string]authn.IssuerConfig{"corp": cfg}, authn.IssuerDeps{
		Roles: fixedRoles{{Tenant: cfg.Tenant, ID: "corp:user-1"}: {"editor"}}, Own: "authmodule",
		Client: &http.Client{Transport: kit.publisher}, Log: slog.New(slog.NewTextHandler(kit.log, nil)), Now: now,
	})
	require.NoError(t, err)
	t.Cleanup(kit.issuers.Close)
	return kit
}

func (k issuerKit) header(edits map[string]string) string {
	return editJSON([][2]string{{"alg", quoteJSON(k.key.Algorithm())}, {"kid", quoteJSON(k.key.ID())}, {"typ", `"at+jwt"`}}, edits)
}

func (k issuerKit) payload(edits map[string]string) string {
	now := k.now().Unix()
	return editJSON([][2]string{
		{"iss", quoteJSON(corpURL)}, {"aud", `"https://api.example.com"`}, {"sub", `"user-1"`}, {"client_id", `"app"`},
		{"iat", fmt.Sprint(now)}, {"exp", fmt.Sprint(now + 3600)}, {"jti", `"jti-1"`}, {"scope", `"openid articles.read articles.* *.*"`},
	}, edits)
}

func (k issuerKit) sign(t testing.TB, header, payload string) setting.Secret {
	t.Helper()
	return tokenKit{tokenKey: k.tokenKey}.sign(t, header, payload)
}

func (k issuerKit) token(t testing.TB, claims map[string]string) setting.Secret {
	t.Helper()
	return k.sign(t, k.header(nil), k.payload(claims))
}

// authenticate does with a token what the bearer authenticator does.
func (k issuerKit) authenticate(t testing.TB, token setting.Secret) (authn.Principal, error) {
	t.Helper()
	issuer := k.issuers.Of(token)
	require.NotNil(t, issuer, "the token names the issuer")
	return issuer.Authenticate(t.Context(), token, authn.Client{})
}

func (k issuerKit) refuses(t testing.TB, token setting.Secret, class error) {
	t.Helper()
	p, err := k.authenticate(t, token)
	require.ErrorIs(t, err, class)
	assert.Zero(t, p)
	assert.NotContains(t, err.Error(), "user-1", "the error repeats nothing of the token")
}

func (k issuerKit) accepts(t testing.TB, token setting.Secret) authn.Principal {
	t.Helper()
	p, err := k.authenticate(t, token)
	require.NoError(t, err)
	return p
}

func mustECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return private
}
