package transport_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// documented returns the configuration of a proxy as docs/binding.md gives it, for this test's files and addresses.
func documented(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/binding.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, found, language)
	return strings.NewReplacer(
		"/etc/proxy/ca.pem", "{ca}", "/etc/proxy/cert.pem", "{cert}", "/etc/proxy/key.pem", "{key}", "/etc/proxy/both.pem", "{both}",
		":443", ":{port}", "https://app.example.com", "https://localhost:{port}", "127.0.0.1:8080", "{backend}",
	).Replace(string(found[1]))
}

// MTLS-04 with the proxies' real programs, configured as documented: a client's own certificate
// gets through, and none that a client writes into a header.
func TestCertificateThroughRealProxies(t *testing.T) {
	t.Parallel()
	proxies := []struct {
		name, header string
		args         []string
		config       func(t *testing.T) string
	}{
		{"haproxy", "Client-Cert", []string{"-db", "-f"}, func(t *testing.T) string { t.Helper(); return documented(t, "haproxy") }},
		{"caddy", bareHeader, []string{"run", "--adapter", "caddyfile", "--config"}, func(t *testing.T) string {
			t.Helper()
			return "{\n\tadmin off\n\tauto_https off\n}\n" + documented(t, "caddy")
		}},
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			ca := newAuthority(t)
			app := startConfigured(t, func(c *authmodule.Config) {
				c.HTTP.TrustedProxies = []string{"127.0.0.1/32"}
				c.HTTP.ClientCertificate, c.HTTP.ClientCertificateHeader = transport.CertificatesHeader, p.header
				c.Binding.Certificate = authn.CertificateOptional
			})
			backend := httptest.NewServer(app.echo)
			t.Cleanup(backend.Close)
			front := startProxy(t, p.name, ca, backend.Listener.Addr().String(), p.config(t), p.args...)
			proxyCases(t, app, front, ca, p.header)
		})
	}
}

func proxyCases(t *testing.T, app app, front proxy, ca authority, header string) {
	t.Helper()
	user, own := app.User(), ca.issue(t, "ada")
	ada, bare := remote{front.client(t, own), front.url}, remote{front.client(t), front.url}
	bob := remote{front.client(t, ca.issue(t, "bob")), front.url}

	tokens := answer(t, ada.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil)), http.StatusOK)
	token := tokens["access_token"].(string)
	claims, err := app.TokenManager.Verify(t.Context(), setting.Secret(token))
	require.NoError(t, err)
	require.Equal(t, own.thumbprint(), claims.Confirmation.Certificate, "the real certificate is through")
	me := func(r remote, headers ...string) *httptest.ResponseRecorder {
		return r.do(t, "GET", "/auth/me", "", append(headers, bearer(token)...)...)
	}
	answer(t, me(ada), http.StatusOK)
	forms := []string{own.base64(), ":" + own.base64() + ":", own.escaped()}
	names := []string{header, strings.ToLower(header), strings.ToUpper(header), strings.ReplaceAll(header, "-", "_"), strings.ToUpper(strings.ReplaceAll(header, "-", "_"))}
	for _, stranger := range []remote{bare, bob} {
		requireBindingRefused(t, me(stranger))
		for _, name := range names {
			for _, form := range forms {
				requireBindingRefused(t, me(stranger, name, form))
				requireBindingRefused(t, me(stranger, name, form, name, form))
			}
		}
	}
	unbound := answer(t, bare.do(t, "POST", "/auth/login", loginBody(t, user.Email, nil)), http.StatusOK)
	claims, err = app.TokenManager.Verify(t.Context(), setting.Secret(unbound["access_token"].(string)))
	require.NoError(t, err)
	assert.True(t, claims.Confirmation.IsZero(), "the placeholder of a missing certificate is none")
	w := bare.do(t, "POST", "/auth/login", loginBody(t, user.Email, "certificate"), header, forms[0])
	assert.Equal(t, "bind", problem(t, w).Field)
	answer(t, me(ada, header, forms[0]), http.StatusOK)
	requireBindingRefused(t, bob.do(t, "POST", "/auth/refresh", object(t, map[string]any{"refresh_token": tokens["refresh_token"]})))
	assert.Equal(t, "session_ended", problem(t, me(ada)).Code)
}
