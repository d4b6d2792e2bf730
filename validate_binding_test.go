package authmodule_test

import (
	"testing"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

func TestValidateBinding(t *testing.T) {
	t.Parallel()
	header := func(name string, proxies ...string) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.HTTP.ClientCertificate, c.HTTP.ClientCertificateHeader, c.HTTP.TrustedProxies = transport.CertificatesHeader, name, proxies
		}
	}
	const noSource = "auth.http.client_certificate is off and auth.binding wants client certificates: set LEX_AUTH__HTTP__CLIENT_CERTIFICATE to tls or header"
	const noName = "auth.http.client_certificate_header is not the name of a header in letters, digits and dashes: set LEX_AUTH__HTTP__CLIENT_CERTIFICATE_HEADER to Client-Cert or to the name that your proxy sets"
	const taken = "auth.http.client_certificate_header has a meaning of its own: set LEX_AUTH__HTTP__CLIENT_CERTIFICATE_HEADER to a header that nothing else uses, such as Client-Cert"
	roles := func(rule authn.BindingRule) map[string]authn.BindingRule {
		return map[string]authn.BindingRule{"admin": rule}
	}
	check(t, authmodule.ProfileProduction, []change{
		{"addresses", func(c *authmodule.Config) { c.Binding.IP = authn.IPPrefix }, ""},
		{"certificates of connections", func(c *authmodule.Config) {
			c.Binding.Certificate, c.HTTP.ClientCertificate = authn.CertificateRequired, transport.CertificatesTLS
		}, ""},
		{"certificates in a header", header("", "10.0.0.1/32"), ""},
		{"certificates in Envoy's header", header("x-forwarded-client-cert", "10.0.0.1/32"), ""},
		{"unknown certificate", func(c *authmodule.Config) { c.Binding.Certificate, c.HTTP.ClientCertificate = "yes", "tls" },
			"auth.binding.certificate is unknown: set LEX_AUTH__BINDING__CERTIFICATE to off, optional or required"},
		{"unknown ip", func(c *authmodule.Config) { c.Binding.IP = "yes" }, "auth.binding.ip is unknown: set LEX_AUTH__BINDING__IP to off, prefix or exact"},
		{"short IPv4 prefix", func(c *authmodule.Config) { c.Binding.IPv4Prefix = 7 },
			"auth.binding.ipv4_prefix is so short that it binds to nearly nothing: set LEX_AUTH__BINDING__IPV4_PREFIX to 8 or more"},
		{"long IPv4 prefix", func(c *authmodule.Config) { c.Binding.IPv4Prefix = 33 },
			"auth.binding.ipv4_prefix is out of range: set LEX_AUTH__BINDING__IPV4_PREFIX to a whole number from 0 to 32"},
		{"short IPv6 prefix", func(c *authmodule.Config) { c.Binding.IPv6Prefix = 15 },
			"auth.binding.ipv6_prefix is so short that it binds to nearly nothing: set LEX_AUTH__BINDING__IPV6_PREFIX to 16 or more"},
		{"long IPv6 prefix", func(c *authmodule.Config) { c.Binding.IPv6Prefix = 129 },
			"auth.binding.ipv6_prefix is out of range: set LEX_AUTH__BINDING__IPV6_PREFIX to a whole number from 0 to 128"},
		{"unknown certificate of a role", func(c *authmodule.Config) {
			c.Binding.Roles, c.HTTP.ClientCertificate = roles(authn.BindingRule{Certificate: "x"}), "tls"
		}, "auth.binding.roles.admin.certificate is unknown: use off, optional or required"},
		{"unknown ip of a tenant", func(c *authmodule.Config) { c.Binding.Tenants = map[string]authn.BindingRule{"acme": {IP: "x"}} },
			"auth.binding.tenants.acme.ip is unknown: use off, prefix or exact"},
		{"no tenant", func(c *authmodule.Config) {
			c.Binding.Tenants = map[string]authn.BindingRule{"Acme 1": {IP: authn.IPExact}}
		},
			`auth.binding.tenants names "Acme 1", which is no tenant: use the names of tenants as they stand in accounts`},
		{"no source", func(c *authmodule.Config) { c.Binding.Certificate = authn.CertificateOptional }, noSource},
		{"no source for a role", func(c *authmodule.Config) {
			c.Binding.Roles = roles(authn.BindingRule{Certificate: authn.CertificateRequired})
		}, noSource},
		{"unknown source", func(c *authmodule.Config) { c.HTTP.ClientCertificate = "mtls" },
			"auth.http.client_certificate is unknown: set LEX_AUTH__HTTP__CLIENT_CERTIFICATE to off, tls or header"},
		{"unknown trust", func(c *authmodule.Config) { c.HTTP.ClientCertificateTrust = "both" },
			"auth.http.client_certificate_trust is unknown: set LEX_AUTH__HTTP__CLIENT_CERTIFICATE_TRUST to pki or self_signed"},
		{"header without proxies", header(""),
			"auth.http.client_certificate is header, and no proxy is trusted to set one: name your proxies in LEX_AUTH__HTTP__TRUSTED_PROXIES, or set LEX_AUTH__HTTP__CLIENT_CERTIFICATE to tls"},
		{"header with an underscore", header("X_SSL_Client_Cert", "10.0.0.1/32"), noName},
		{"no header name", header("X Client", "10.0.0.1/32"), noName},
		{"taken header", header("authorization", "10.0.0.1/32"), taken},
		{"header of API keys", func(c *authmodule.Config) {
			header("x-api-key", "10.0.0.1/32")(c)
			c.APIKeys.Header = "X-API-Key"
		}, taken},
		{"header that nobody reads", func(c *authmodule.Config) { c.HTTP.ClientCertificateHeader = "X-Client" },
			"auth.http.client_certificate_header is set and auth.http.client_certificate is not header: leave LEX_AUTH__HTTP__CLIENT_CERTIFICATE_HEADER out, or set LEX_AUTH__HTTP__CLIENT_CERTIFICATE to header"},
	})
}
