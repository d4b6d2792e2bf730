package doortest_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// asTold authenticates callers whose proofs the test writes down: the header X-As names one.
type asTold map[string]authn.Principal

func (a asTold) Name() string { return "as told" }

func (a asTold) Authenticate(r *http.Request) (authn.Principal, error) {
	p, found := a[r.Header.Get("X-As")]
	if !found {
		return authn.Principal{}, transport.ErrNoCredential
	}
	p.Kind, p.Subject = authn.KindUser, authn.Subject{ID: "ada"}
	return p, nil
}

func proofGuards() []route {
	add := func(path string, kind transport.GuardKind, names ...string) route {
		return route{method: "GET", path: path, guards: []guard{{kind, names}}, handle: who}
	}
	return []route{
		add("/mfa", transport.KindMFA, "0s"), add("/mfa5", transport.KindMFA, "5m"), add("/mfa-bad", transport.KindMFA, "-1ns"),
		add("/recent5", transport.KindRecentAuth, "5m"), add("/recent-bad", transport.KindRecentAuth, "0s"),
		add("/aal2", transport.KindACR, authn.ACR2), add("/aal1", transport.KindACR, authn.ACR1), add("/gold", transport.KindACR, "urn:gold", authn.ACR2),
		add("/acr-none", transport.KindACR), add("/acr-bad", transport.KindACR, `x" y`),
	}
}

// proofHouse has callers of every age and strength. Its clock stands still.
func proofHouse(t testing.TB) *house {
	t.Helper()
	told := asTold{}
	h := open(t, plan{routes: proofGuards(), options: []fx.Option{authmodule.AddAuthenticator(func() transport.Authenticator { return told })}})
	ago := func(d time.Duration) time.Time { return h.Now().Add(-d) }
	login := func(p authn.Principal) authn.Principal { p.SessionID = "s"; return p }
	told["password"] = login(authn.Principal{AuthTime: ago(0), ACR: authn.ACR1, Methods: []string{"pwd"}})
	told["old"] = login(authn.Principal{AuthTime: ago(5*time.Minute + 1), ACR: authn.ACR1})
	told["edge"] = login(authn.Principal{AuthTime: ago(5 * time.Minute), MFATime: ago(5 * time.Minute), ACR: authn.ACR2})
	told["old mfa"] = login(authn.Principal{AuthTime: ago(0), MFATime: ago(5*time.Minute + 1), ACR: authn.ACR2})
	told["mailbox"] = login(authn.Principal{AuthTime: ago(0), ACR: authn.ACR0})
	told["fast clock"] = login(authn.Principal{AuthTime: ago(-time.Minute), MFATime: ago(-time.Minute), ACR: authn.ACR2})
	told["future"] = login(authn.Principal{AuthTime: ago(-time.Minute - 1), MFATime: ago(-time.Minute - 1), ACR: authn.ACR2})
	told["key"] = authn.Principal{KeyID: "k", AuthTime: ago(0), MFATime: ago(0), ACR: authn.ACR2}
	told["scoped"] = login(authn.Principal{Scopes: []string{"**"}, AuthTime: ago(0), MFATime: ago(0), ACR: authn.ACR2})
	told["impersonator"] = login(authn.Principal{Actor: "root", AuthTime: ago(0), MFATime: ago(0), ACR: authn.ACR2})
	told["issuer"] = authn.Principal{Issuer: "idp", Scopes: []string{}, AuthTime: ago(0), ACR: "urn:gold", Methods: []string{"pwd", "mfa"}}
	told["weak issuer"] = authn.Principal{Issuer: "idp", Scopes: []string{}, AuthTime: ago(time.Hour), Methods: []string{"pwd"}}
	told["silent issuer"] = authn.Principal{Issuer: "idp", Scopes: []string{}, ACR: authn.ACR2}
	told["own authenticator"] = authn.Principal{AuthTime: ago(0), Methods: []string{"mfa"}}
	return h
}

// STEP-01, STEP-02, V7.5.3: every guard lets through who has proved enough, recently enough by the gate's clock, and answers 401 to who can prove
// more; never a 403 that they would run into again, and never a 401 to those whom it would not help.
func TestSTEP01ProofGuards(t *testing.T) {
	t.Parallel()
	h := proofHouse(t)
	callers := []string{"password", "old", "edge", "old mfa", "mailbox", "fast clock", "future", "key", "scoped", "impersonator", "issuer", "weak issuer", "silent issuer", "own authenticator"}
	testCases := []struct {
		path     string
		expected [14]int
	}{
		{"/mfa", [14]int{401, 401, 200, 200, 401, 200, 401, 403, 403, 403, 200, 401, 200, 200}},
		{"/mfa5", [14]int{401, 401, 200, 401, 401, 200, 401, 403, 403, 403, 200, 401, 401, 200}},
		{"/recent5", [14]int{200, 401, 200, 200, 200, 200, 401, 403, 403, 403, 200, 401, 401, 200}},
		{"/aal2", [14]int{401, 401, 200, 200, 401, 200, 200, 403, 403, 403, 401, 401, 200, 401}},
		{"/aal1", [14]int{200, 200, 200, 200, 401, 200, 200, 403, 403, 403, 401, 401, 200, 401}},
		{"/gold", [14]int{401, 401, 200, 200, 401, 200, 200, 403, 403, 403, 200, 401, 200, 401}},
		{"/mfa-bad", [14]int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}},
		{"/recent-bad", [14]int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}},
		{"/acr-none", [14]int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}},
		{"/acr-bad", [14]int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}},
	}
	for _, tc := range testCases {
		for i, caller := range callers {
			w := h.same(t, get(tc.path, "X-As", caller))
			assert.Equal(t, tc.expected[i], w.Code, "%s as %s: %s", tc.path, caller, w.Body)
			switch code := codeOf(t, w); {
			case caller == "impersonator" && w.Code == http.StatusForbidden:
				assert.Equal(t, "impersonated", code)
			case w.Code == http.StatusForbidden:
				assert.Equal(t, "session_required", code)
			case w.Code == http.StatusUnauthorized:
				assert.Equal(t, "insufficient_user_authentication", code)
			}
		}
		for _, headers := range [][]string{nil, webtest.Bearer("x")} { // who is nobody is told to log in, and nothing else
			w := h.same(t, get(tc.path, headers...))
			assert.Equal(t, http.StatusUnauthorized, w.Code, tc.path)
			assert.NotContains(t, w.Header().Get("WWW-Authenticate"), "insufficient")
		}
	}
	assert.Contains(t, h.log.String(), "RequireRecentAuth has no age")
}

// STEP-01: the challenge is that of RFC 9470, section 3, to the byte, and the body says the same.
func TestSTEP01Challenge(t *testing.T) {
	t.Parallel()
	h := proofHouse(t)
	testCases := []struct{ path, challenge, body string }{
		{
			"/mfa", `error_description="this needs a login by a second factor", acr_values="aal2"`,
			`"detail":"this needs a login by a second factor","acr_values":"aal2"`,
		},
		{
			"/mfa5", `error_description="this needs a second factor that was proved recently", acr_values="aal2", max_age="300"`,
			`"detail":"this needs a second factor that was proved recently","acr_values":"aal2","max_age":300`,
		},
		{"/recent5", `error_description="this needs a login that is more recent", max_age="300"`, `"detail":"this needs a login that is more recent","max_age":300`},
		{"/gold", `error_description="this needs a stronger login", acr_values="urn:gold aal2"`, `"detail":"this needs a stronger login","acr_values":"urn:gold aal2"`},
	}
	for _, tc := range testCases {
		w := h.same(t, get(tc.path, "X-As", "weak issuer"))
		assert.Equal(t, []string{`Bearer realm="authmodule", error="insufficient_user_authentication", ` + tc.challenge}, w.Header()["Www-Authenticate"])
		begin := `{"type":"about:blank","title":"Unauthorized","status":401,"code":"insufficient_user_authentication",`
		assert.Equal(t, begin+tc.body+"}", w.Body.String())
		caller := "password"
		if tc.path == "/recent5" {
			caller = "old"
		}
		own := h.same(t, get(tc.path, "X-As", caller)) // whose session can step up here
		assert.Equal(t, w.Header(), own.Header())
		assert.Equal(t, begin+tc.body+`,"step_up":"/auth/step-up"}`, own.Body.String())
		assert.Equal(t, own.Body.String(), h.same(t, get(tc.path, "X-As", caller)).Body.String())
	}
}

// The table of routes, the document for clients and the check at start know these guards.
func TestProofGuardsAreListed(t *testing.T) {
	t.Parallel()
	h := open(t, plan{})
	var rows []transport.Route
	expected := map[string]string{
		"/mfa": "mfa", "/mfa5": "mfa within 300 s", "/mfa-bad": "mfa within -1 s", "/recent5": "recent_auth within 300 s", "/recent-bad": "recent_auth",
		"/aal2": "acr aal2", "/aal1": "acr aal1", "/gold": "acr urn:gold, aal2", "/acr-none": "acr", "/acr-bad": `acr x" y`,
	}
	for _, r := range proofGuards() {
		var want transport.Guarding
		switch g := r.guards[0]; g.kind {
		case transport.KindMFA:
			want = transport.GuardMFA(g.age()).Describe()
		case transport.KindRecentAuth:
			want = transport.GuardRecentAuth(g.age()).Describe()
		default:
			want = transport.GuardACR(g.names...).Describe()
		}
		assert.Equal(t, expected[r.path], want.String())
		rows = append(rows, transport.Route{Method: "GET", Path: r.path, Requires: []transport.Guarding{want}})
	}
	table := h.gate.RouteTable("echoauth", rows)
	document, err := table.OpenAPI("")
	require.NoError(t, err)
	assert.Contains(t, string(document), `"x-requires":[{"kind":"mfa","max_age":300}]`)
	assert.NotContains(t, string(document), `{"api_key":[`, "a key never passes")

	err = h.gate.CheckRoutes(t.Context(), table)
	require.Error(t, err)
	for path := range expected {
		faulty := strings.Contains(path, "bad") || strings.Contains(path, "none")
		assert.Equal(t, faulty, strings.Contains(err.Error(), "GET "+path+" "), path)
	}
}

// A guard that lets a caller through takes nothing but memory, and makes no garbage.
func TestProofGuardsPassWithoutAllocation(t *testing.T) {
	h := proofHouse(t)
	caller := h.gate.Authenticate(webtest.Request("GET", "/", "", "X-As", "edge"))
	for i, g := range []*transport.Guard{transport.GuardMFA(5 * time.Minute), transport.GuardRecentAuth(5 * time.Minute), transport.GuardACR("urn:gold", authn.ACR1)} {
		require.True(t, g.Passes(&caller), strconv.Itoa(i))
		assert.Zero(t, testing.AllocsPerRun(100, func() { g.Passes(&caller) }), strconv.Itoa(i))
	}
}
