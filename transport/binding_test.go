package transport_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/transport"
)

const (
	proxyPeer = "192.0.2.10:4711"
	otherPeer = "192.0.2.99:4711"
)

// behindProxy is an application whose proxy at 192.0.2.10 sets the header.
func behindProxy(header string, changes ...func(*authmodule.Config)) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.HTTP.TrustedProxies = []string{"192.0.2.10/32"}
		c.HTTP.ClientCertificate, c.HTTP.ClientCertificateHeader = transport.CertificatesHeader, header
		for _, change := range changes {
			change(c)
		}
	}
}

// through sends a request from a peer.
func (a app) through(peer string, r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = peer
	return a.Do(r)
}

// MTLS-04: a header makes a certificate only when a trusted proxy sent it, once and unambiguously.
func TestCertificateHeaderIsBelievedFromProxiesOnly(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	leaf := ca.issue(t, "ada")
	own := leaf.base64()
	gate := func(changes ...func(*authmodule.Config)) app {
		return startConfigured(t, behindProxy(bareHeader, changes...))
	}
	pki, self := gate(), gate(func(c *authmodule.Config) { c.HTTP.ClientCertificateTrust = transport.TrustSelfSigned })
	off := startConfigured(t, trusting("192.0.2.10/32"))
	expired := ca.issue(t, "ada", valid(-2, -1)).base64()
	testCases := []struct {
		name, peer string
		app        app
		headers    []string
		expected   bool
	}{
		{"from the proxy", proxyPeer, pki, []string{bareHeader, own}, true},
		{"from the proxy, IPv4 mapped", "[::ffff:192.0.2.10]:1", pki, []string{bareHeader, own}, true},
		{"with other headers", proxyPeer, pki, []string{bareHeader, own, "X-Ssl-Client-Cn", "ada", "Client-Cert", "-"}, true},
		{"from elsewhere", otherPeer, pki, []string{bareHeader, own}, false},
		{"from elsewhere, claiming the proxy's address", otherPeer, pki, []string{bareHeader, own, "X-Forwarded-For", "192.0.2.10"}, false},
		{"from a Unix socket", "@", pki, []string{bareHeader, own}, false},
		{"twice", proxyPeer, pki, []string{bareHeader, own, bareHeader, own}, false},
		{"twice, one of them empty", proxyPeer, pki, []string{bareHeader, "", bareHeader, own}, false},
		{"joined", proxyPeer, pki, []string{bareHeader, own + ", " + own}, false},
		{"with underscores (CVE-2025-64484)", proxyPeer, pki, []string{"X_SSL_Client_Cert", own}, false},
		{"with underscores beside it", proxyPeer, pki, []string{bareHeader, own, "X_ssl-Client_Cert", own}, false},
		{"in another case, beside it", proxyPeer, pki, []string{bareHeader, own, "x-ssl-client-cert", own}, false},
		{"under another name", proxyPeer, pki, []string{"Client-Cert", ":" + own + ":"}, false},
		{"in another form", proxyPeer, pki, []string{bareHeader, ":" + own + ":"}, false},
		{"none", proxyPeer, pki, nil, false},
		{"empty", proxyPeer, pki, []string{bareHeader, ""}, false},
		{"placeholder", proxyPeer, pki, []string{bareHeader, "{http.request.tls.client.certificate_der_base64}"}, false},
		{"MTLS-06: expired", proxyPeer, pki, []string{bareHeader, expired}, false},
		{"MTLS-06: self-signed in a PKI", proxyPeer, pki, []string{bareHeader, selfSigned(t).base64()}, false},
		{"MTLS-06: of an authority among self-signed ones", proxyPeer, self, []string{bareHeader, own}, false},
		{"MTLS-06: self-signed", proxyPeer, self, []string{bareHeader, selfSigned(t).base64()}, true},
		{"switched off", proxyPeer, off, []string{bareHeader, own, "Client-Cert", ":" + own + ":"}, false},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			have := tc.app.gate.Client(from(tc.peer, tc.headers...)).Certificate
			assert.Equal(t, tc.expected, !have.IsZero())
			if tc.expected && tc.app.gate == pki.gate {
				assert.Equal(t, leaf.thumbprint(), have)
			}
		})
	}
}

// MTLS-04: a header from elsewhere is removed, so that no handler behind believes it.
func TestForgedCertificateHeaderIsStripped(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, behindProxy(bareHeader))
	for peer, kept := range map[string]bool{proxyPeer: true, otherPeer: false} {
		r := from(peer, bareHeader, "x", "X_Ssl_Client_Cert", "y", "X-Other", "z")
		app.gate.Authenticate(r)
		assert.Equal(t, "z", r.Header.Get("X-Other"))
		assert.Equal(t, kept, len(r.Header) == 3, r.Header)
	}
}

// A caller asks for a binding at login; what it cannot have is a fault of the field.
func TestBindAtLogin(t *testing.T) {
	t.Parallel()
	leaf := newAuthority(t).issue(t, "ada")
	app := startConfigured(t, behindProxy(bareHeader))
	user := app.User()
	proxied := []string{bareHeader, leaf.base64(), "X-Forwarded-For", "203.0.113.7"}
	testCases := []struct {
		name, peer string
		bind       any
		headers    []string
		// code is that of the field's fault; empty is a login.
		code     string
		expected []any
	}{
		{"nothing", proxyPeer, nil, proxied, "", []any{}},
		{"empty list", proxyPeer, []string{}, proxied, "", []any{}},
		{"certificate", proxyPeer, "certificate", proxied, "", []any{"certificate"}},
		{"ip", proxyPeer, "ip", proxied, "", []any{"ip"}},
		{"list", proxyPeer, []string{"ip", "certificate", "ip"}, proxied, "", []any{"certificate", "ip"}},
		{"certificate without one", proxyPeer, "certificate", []string{"X-Forwarded-For", "203.0.113.7"}, "invalid_request", nil},
		{"certificate with a forged one", otherPeer, "certificate", proxied, "invalid_request", nil},
		{"ip that is not known", "@", "ip", nil, "invalid_request", nil},
		{"unknown word", proxyPeer, "jkt", proxied, "invalid_request", nil},
		{"unknown word in a list", proxyPeer, []string{"ip", "Certificate"}, proxied, "invalid_request", nil},
		{"empty word", proxyPeer, "", proxied, "invalid_request", nil},
		{"number", proxyPeer, 1, proxied, "invalid_request", nil},
		{"list of numbers", proxyPeer, []int{1}, proxied, "invalid_request", nil},
		{"object", proxyPeer, map[string]any{"ip": true}, proxied, "invalid_request", nil},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			w := app.through(tc.peer, request("POST", "/auth/login", loginBody(t, user.Email, tc.bind), tc.headers...))
			if tc.code != "" {
				p := problem(t, w)
				assert.Equal(t, http.StatusBadRequest, p.Status)
				assert.Equal(t, tc.code, p.Code)
				assert.Equal(t, "bind", p.Field)
				return
			}
			token := answer(t, w, http.StatusOK)["access_token"].(string)
			list := answer(t, app.through(tc.peer, request("GET", "/auth/sessions", "", append(tc.headers, bearer(token)...)...)), http.StatusOK)
			for _, one := range list["sessions"].([]any) {
				if session := one.(map[string]any); session["current"] == true {
					assert.Equal(t, tc.expected, session["bound_to"])
				}
			}
		})
	}
}

// IP-05, REF-07 over HTTP: a token that is bound to an address is good there and nowhere else.
func TestIPBindingOverHTTP(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name, home, near, far string
		ip                    authn.IPBinding
		// nearGood says whether the neighbour may use the token.
		nearGood bool
	}{
		{"IPv4 exact", "203.0.113.7:1", "203.0.113.8:1", "198.51.100.7:1", authn.IPExact, false},
		{"IPv4 prefix", "203.0.113.7:1", "203.0.113.8:1", "203.0.114.7:1", authn.IPPrefix, true},
		{"IPv6 exact", "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db9::1]:1", authn.IPExact, false},
		{"IPv6 prefix", "[2001:db8::1]:1", "[2001:db8::ffff]:1", "[2001:db8:0:1::1]:1", authn.IPPrefix, true},
		{"another family", "203.0.113.7:1", "[::ffff:203.0.113.7]:2", "[2001:db8::1]:1", authn.IPExact, true},
		{"no address", "203.0.113.7:1", "203.0.113.7:2", "@", authn.IPPrefix, true},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, func(c *authmodule.Config) { c.Binding.IP = tc.ip })
			user := app.User()
			tokens := answer(t, app.through(tc.home, request("POST", "/auth/login", loginBody(t, user.Email, nil))), http.StatusOK)
			me := func(peer string, headers ...string) *httptest.ResponseRecorder {
				return app.through(peer, request("GET", "/auth/me", "", append(headers, bearer(tokens["access_token"].(string))...)...))
			}
			answer(t, me(tc.home), http.StatusOK)
			answer(t, me(tc.home, "X-Forwarded-For", "198.51.100.99"), http.StatusOK)
			requireBindingRefused(t, me(tc.far))
			requireBindingRefused(t, me(tc.far, "X-Forwarded-For", "203.0.113.7", "X-Real-Ip", "203.0.113.7", "Forwarded", "for=203.0.113.7"))
			assert.Equal(t, tc.nearGood, me(tc.near).Code == http.StatusOK)

			refresh := object(t, map[string]any{"refresh_token": tokens["refresh_token"]})
			requireBindingRefused(t, app.through(tc.far, request("POST", "/auth/refresh", refresh)))
			assert.Equal(t, "session_ended", problem(t, me(tc.home)).Code)
		})
	}
}

// A bound cookie elsewhere is refused, counts as no use, and is good again at home.
func TestBoundCookie(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	body := object(t, map[string]any{"email": user.Email, "password": password, "mode": "cookie", "bind": "ip"})
	cookie := cookieOf(t, app.through("203.0.113.7:1", request("POST", "/auth/login", body)))
	me := func(peer string) *httptest.ResponseRecorder {
		return app.through(peer, request("GET", "/auth/sessions", "", "Cookie", cookie.Name+"="+cookie.Value))
	}
	before := answer(t, me("203.0.113.7:1"), http.StatusOK)
	w := me(otherPeer)
	requireBindingRefused(t, w)
	assert.Empty(t, w.Header().Values("Set-Cookie"), "a thief's request does not log the owner out")
	assert.Equal(t, before, answer(t, me("203.0.113.7:1"), http.StatusOK), "address and last use stay the owner's")
	require.Len(t, app.Events(audit.BindingFailed), 1)
	w = app.through(otherPeer, request("POST", "/auth/login", credentials(t, user.Email, password), "Cookie", cookie.Name+"="+cookie.Value))
	assert.Equal(t, http.StatusOK, w.Code, "a bad credential never blocks a login")
}

// RFC 8705, section 3.2: introspection needs no proof of the token's binding, and shows it.
func TestIntrospectionShowsTheBinding(t *testing.T) {
	t.Parallel()
	leaf := newAuthority(t).issue(t, "ada")
	app := startConfigured(t, behindProxy(bareHeader, func(c *authmodule.Config) { c.HTTP.IntrospectionEndpoint = true }),
		authmodule.AddRoles(authz.Role{Name: "gateway", Permissions: []string{transport.PermissionIntrospect}}))
	gateway := app.Token(app.Principal("gateway"))
	user := app.User()
	proxied := []string{bareHeader, leaf.base64(), "X-Forwarded-For", "203.0.113.7"}
	tokens := answer(t, app.through(proxyPeer, request("POST", "/auth/login", loginBody(t, user.Email, []string{"certificate", "ip"}), proxied...)), http.StatusOK)
	look := func(token string) map[string]any {
		form := url.Values{"token": {token}}.Encode()
		return answer(t, app.through(otherPeer, request("POST", "/auth/introspect", form, append(bearer(gateway), "Content-Type", "application/x-www-form-urlencoded")...)), http.StatusOK)
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		have := look(tokens[name].(string))
		assert.Equal(t, true, have["active"])
		assert.Equal(t, map[string]any{"x5t#S256": leaf.thumbprint().String(), "ip_network": "203.0.113.7/32"}, have["cnf"], name)
	}
	have := look(gateway)
	assert.Equal(t, true, have["active"])
	assert.NotContains(t, have, "cnf")
	assert.Empty(t, app.Events(audit.BindingFailed))
}
