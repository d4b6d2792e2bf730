package fxtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

// IssuerAudience is the audience that an application configured by [Issuer.Configure] has.
const IssuerAudience = "fxtest"

// Issuer is another issuer, for tests of an application that accepts its
// tokens (auth.issuers): it signs access tokens and serves its keys over HTTP on a loopback address.
type Issuer struct {
	// URL is the iss of its tokens.
	URL string

	t     TB
	name  string
	now   func() time.Time
	mu    sync.Mutex
	keys  []*authn.Key
	sign  *ecdsa.PrivateKey
	made  int
	down  bool
	asked int
}

// NewIssuer starts an issuer that applications know by the name, and stops it when the test ends.
func NewIssuer(t TB, name string) *Issuer {
	t.Helper()
	i := &Issuer{t: t, name: name, now: time.Now}
	i.Rotate()
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Configure adds the issuer to an application's configuration, whose clock it
// then shares. Give it to [NewConfigured]:
//
//	app := fxtest.NewConfigured(t, issuer.Configure, …)
func (i *Issuer) Configure(c *authmodule.Config) {
	all := maps.Clone(c.Issuers)
	if all == nil {
		all = map[string]authn.IssuerConfig{}
	}
	all[i.name] = authn.IssuerConfig{Issuer: i.URL, JWKSURL: i.URL + "/jwks", Audience: IssuerAudience, Algorithms: []string{"ES256"}}
	c.Issuers = all
	if c.Now != nil {
		i.now = c.Now
	}
}

// Token signs an access token: iss, aud, iat, exp in an hour, a jti, and the
// subject user-1 of the client app, with the claims added, replaced or, where nil, left out.
func (i *Issuer) Token(claims map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	all := jwt.MapClaims{
		"iss": i.URL, "aud": IssuerAudience, "sub": "user-1", "client_id": "app", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["typ"], token.Header["kid"] = authn.AccessTokenType, i.keys[len(i.keys)-1].ID()
	text, err := token.SignedString(i.sign)
	if err != nil {
		i.t.Fatalf("fxtest: sign a token: %v", err)
	}
	return text
}

// Rotate makes a new key, which signs from now on. The keys before it stay published.
func (i *Issuer) Rotate() {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatalf("fxtest: make a key: %v", err)
	}
	key, err := authn.NewPublicKey("ES256", private.Public())
	if err != nil {
		i.t.Fatalf("fxtest: make a key: %v", err)
	}
	i.sign, i.made = private, i.made+1
	if key, err = key.Named(fmt.Sprintf("key-%d", i.made)); err != nil {
		i.t.Fatalf("fxtest: make a key: %v", err)
	}
	i.keys = append(i.keys, key)
}

// Retire leaves the newest key alone in what is published.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[len(i.keys)-1:]
}

// SetDown has the issuer answer 503 from now on, or keys again.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Fetches is how often the keys were asked for.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *Issuer) serve(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	ring, err := authn.NewKeyRing(nil, i.keys...)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_ = json.NewEncoder(w).Encode(ring.Public())
}
