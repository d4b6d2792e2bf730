package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

const bindingChallenge = `Bearer realm="authmodule", error="invalid_token"`

// serveTLS puts the application behind a real TLS server that asks for client certificates.
func serveTLS(t testing.TB, app app, mode tls.ClientAuthType, pool *x509.CertPool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(app.echo)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: mode, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// dialed is a client of a server, with a certificate or without one.
func dialed(t testing.TB, server *httptest.Server, certificates ...leafCert) *http.Client {
	t.Helper()
	own := server.Client().Transport.(*http.Transport).Clone()
	for _, one := range certificates {
		certificate := one.tls()
		own.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Transport: own}
}

// remote sends requests over a network.
type remote struct {
	client *http.Client
	base   string
}

func (r remote) do(t testing.TB, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := request(method, path, body, headers...)
	out, err := http.NewRequestWithContext(t.Context(), method, r.base+path, strings.NewReader(body))
	require.NoError(t, err)
	out.Header = req.Header
	res, err := r.client.Do(out)
	require.NoError(t, err)
	defer res.Body.Close()
	w := httptest.NewRecorder()
	w.Code = res.StatusCode
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	_, err = io.Copy(w.Body, res.Body)
	require.NoError(t, err)
	return w
}

func loginBody(t testing.TB, email string, bind any) string {
	t.Helper()
	members := map[string]any{"email": email, "password": password}
	if bind != nil {
		members["bind"] = bind
	}
	return object(t, members)
}

func requireBindingRefused(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, w.Code, w.Body.String())
	require.Equal(t, "token_binding", problem(t, w).Code)
	require.Equal(t, bindingChallenge, w.Header().Get("WWW-Authenticate"))
}

func binding(certificate authn.CertificateBinding, source transport.CertificateSource) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.Binding.Certificate, c.HTTP.ClientCertificate = certificate, source
		c.HTTP.IntrospectionEndpoint = true
	}
}

// MTLS-01, MTLS-02, MTLS-05, REF-07 over a real handshake: the certificate of the login, and no other, makes the tokens good.
func TestCertificateBindingOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	own := ca.issue(t, "ada")
	strangers := map[string][]leafCert{
		"no certificate":                         nil,
		"another certificate":                    {ca.issue(t, "bob")},
		"renewed, same subject":                  {ca.issue(t, "ada")},
		"renewed, same subject and the same key": {ca.renew(t, "ada", own.key)},
	}
	for name, certificates := range strangers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, binding(authn.CertificateOptional, transport.CertificatesTLS))
			server := serveTLS(t, app, tls.VerifyClientCertIfGiven, ca.pool())
			user := app.User()
			ada := remote{dialed(t, server, own), server.URL}
			stranger := remote{dialed(t, server, certificates...), server.URL}

			tokens := answer(t, ada.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil)), http.StatusOK)
			access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
			claims, err := app.TokenManager.Verify(t.Context(), setting.Secret(access))
			require.NoError(t, err)
			assert.Equal(t, own.thumbprint(), claims.Confirmation.Certificate)
			answer(t, ada.do(t, "GET", "/auth/me", "", bearer(access)...), http.StatusOK)
			requireBindingRefused(t, stranger.do(t, "GET", "/auth/me", "", bearer(access)...))
			answer(t, ada.do(t, "GET", "/auth/me", "", bearer(access)...), http.StatusOK)

			next := answer(t, ada.do(t, "POST", "/auth/refresh", object(t, map[string]any{"refresh_token": refresh})), http.StatusOK)
			access, refresh = next["access_token"].(string), next["refresh_token"].(string)
			requireBindingRefused(t, stranger.do(t, "GET", "/auth/me", "", bearer(access)...))
			answer(t, ada.do(t, "GET", "/auth/me", "", bearer(access)...), http.StatusOK)

			requireBindingRefused(t, stranger.do(t, "POST", "/auth/refresh", object(t, map[string]any{"refresh_token": refresh})))
			w := ada.do(t, "GET", "/auth/me", "", bearer(access)...)
			assert.Equal(t, "session_ended", problem(t, w).Code, "theft ends the session for its owner too")
			w = ada.do(t, "POST", "/auth/refresh", object(t, map[string]any{"refresh_token": refresh}))
			assert.Equal(t, "refresh_invalid", problem(t, w).Code)
			ended := app.Events(audit.SessionEnded)
			require.Len(t, ended, 1)
			assert.Equal(t, string(authn.EndBinding), ended[0].Reason)
			failed := app.Events(audit.BindingFailed)
			require.Len(t, failed, 3)
			assert.Equal(t, map[string]string{"credential": "refresh_token"}, failed[2].Detail)
		})
	}
}

// MTLS-03: where a certificate is required there is no login without one, and no unbound credential is good.
func TestCertificateRequired(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	own := ca.issue(t, "ada")
	app := startConfigured(t, func(c *authmodule.Config) {
		binding(authn.CertificateOff, transport.CertificatesTLS)(c)
		c.Binding.Roles = map[string]authn.BindingRule{"admin": {Certificate: authn.CertificateRequired}}
	}, authmodule.AddRoles(authz.Role{Name: "admin"}, authz.Role{Name: "chief", Inherits: []string{"admin"}}))
	server := serveTLS(t, app, tls.VerifyClientCertIfGiven, ca.pool())
	with, without := remote{dialed(t, server, own), server.URL}, remote{dialed(t, server), server.URL}
	for _, name := range []string{"admin", "chief"} {
		user := app.User()
		early := answer(t, with.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil)), http.StatusOK)
		answer(t, without.do(t, "GET", "/auth/me", "", bearer(early["access_token"].(string))...), http.StatusOK)
		require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, name))
		requireBindingRefused(t, with.do(t, "GET", "/auth/me", "", bearer(early["access_token"].(string))...))
		requireBindingRefused(t, with.do(t, "POST", "/auth/refresh", object(t, map[string]any{"refresh_token": early["refresh_token"]})))

		refused := without.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil))
		assert.Equal(t, http.StatusForbidden, refused.Code)
		assert.Equal(t, "certificate_required", problem(t, refused).Code)
		wrong := without.do(t, "POST", "/auth/login", credentials(t, user.Email, "a wrong password of length"))
		assert.Equal(t, "invalid_credentials", problem(t, wrong).Code, "only who knows the password is told")
		bound := answer(t, with.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil)), http.StatusOK)
		answer(t, with.do(t, "GET", "/auth/me", "", bearer(bound["access_token"].(string))...), http.StatusOK)
		requireBindingRefused(t, without.do(t, "GET", "/auth/me", "", bearer(bound["access_token"].(string))...))
	}
	assert.NotEmpty(t, app.Events(audit.LoginFailed))
}

// MTLS-06: which certificates of a connection count. Each trust refuses the other's.
func TestCertificateTrustOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	expired := ca.issue(t, "ada", valid(-48*time.Hour, -time.Hour))
	server, self := ca.issue(t, "ada", usage(x509.ExtKeyUsageServerAuth)), selfSigned(t)
	testCases := []struct {
		name     string
		trust    transport.CertificateTrust
		mode     tls.ClientAuthType
		leaf     leafCert
		expected bool
	}{
		{"pki", transport.TrustPKI, tls.RequireAndVerifyClientCert, ca.issue(t, "ada"), true},
		{"pki, not verified by the handshake", transport.TrustPKI, tls.RequestClientCert, ca.issue(t, "ada"), false},
		{"pki, of a stranger's authority", transport.TrustPKI, tls.RequireAnyClientCert, newAuthority(t).issue(t, "ada"), false},
		{"pki, self-signed", transport.TrustPKI, tls.RequestClientCert, self, false},
		{"pki, expired", transport.TrustPKI, tls.RequestClientCert, expired, false},
		{"pki, for servers", transport.TrustPKI, tls.RequestClientCert, server, false},
		{"pki, for no usage in particular", transport.TrustPKI, tls.RequireAndVerifyClientCert, ca.issue(t, "ada", usage()), false},
		{"self-signed", transport.TrustSelfSigned, tls.RequireAnyClientCert, self, true},
		{"self-signed, for no usage in particular", transport.TrustSelfSigned, tls.RequireAnyClientCert, selfSigned(t, usage()), true},
		{"self-signed, for servers", transport.TrustSelfSigned, tls.RequireAnyClientCert, selfSigned(t, usage(x509.ExtKeyUsageServerAuth)), false},
		{"self-signed, expired", transport.TrustSelfSigned, tls.RequireAnyClientCert, selfSigned(t, valid(-2*time.Hour, -time.Hour)), false},
		{"self-signed, not valid yet", transport.TrustSelfSigned, tls.RequireAnyClientCert, selfSigned(t, valid(time.Hour, 2*time.Hour)), false},
		{"self-signed, of an authority", transport.TrustSelfSigned, tls.RequireAnyClientCert, ca.issue(t, "ada"), false},
		{"self-signed, of an authority that the handshake verified", transport.TrustSelfSigned, tls.RequireAndVerifyClientCert, ca.issue(t, "ada"), false},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, func(c *authmodule.Config) {
				binding(authn.CertificateOff, transport.CertificatesTLS)(c)
				c.HTTP.ClientCertificateTrust = tc.trust
			})
			server := serveTLS(t, app, tc.mode, ca.pool())
			user := app.User()
			w := remote{dialed(t, server, tc.leaf), server.URL}.do(t, "POST", "/auth/login", loginBody(t, user.Email, "certificate"))
			if tc.expected {
				answer(t, w, http.StatusOK)
				return
			}
			p := problem(t, w)
			assert.Equal(t, http.StatusBadRequest, p.Status)
			assert.Equal(t, "bind", p.Field)
		})
	}
}

// MTLS-06: a certificate that expires while its connection is open stops counting.
func TestCertificateExpiresWithinItsConnection(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	app := startConfigured(t, binding(authn.CertificateOptional, transport.CertificatesTLS))
	server := serveTLS(t, app, tls.RequireAndVerifyClientCert, ca.pool())
	ada := remote{dialed(t, server, ca.issue(t, "ada", valid(-time.Hour, 10*time.Minute))), server.URL}
	tokens := answer(t, ada.do(t, "POST", "/auth/login", loginBody(t, app.User().Email, nil)), http.StatusOK)
	answer(t, ada.do(t, "GET", "/auth/me", "", bearer(tokens["access_token"].(string))...), http.StatusOK)
	app.Advance(11 * time.Minute)
	requireBindingRefused(t, ada.do(t, "GET", "/auth/me", "", bearer(tokens["access_token"].(string))...))
}
