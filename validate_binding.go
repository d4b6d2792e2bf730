package authmodule

import (
	"fmt"
	"maps"
	"net/textproto"
	"regexp"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// soundCertificateHeader has no underscore: some software takes one for a dash, so that proxies which remove the one name let the other through.
var soundCertificateHeader = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func (p *problems) binding(c authn.BindingConfig) {
	c = c.WithDefaults()
	if !knownCertificate(c.Certificate) {
		p.add("binding.certificate", "is unknown", "set $VAR to off, optional or required")
	}
	if !knownIP(c.IP) {
		p.add("binding.ip", "is unknown", "set $VAR to off, prefix or exact")
	}
	p.widest("binding.ipv4_prefix", int(c.IPv4Prefix), authn.ShortestIPv4Prefix)
	p.widest("binding.ipv6_prefix", int(c.IPv6Prefix), authn.ShortestIPv6Prefix)
	p.bindingRules("binding.roles.", c.Roles)
	p.bindingRules("binding.tenants.", c.Tenants)
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		if _, err := authn.ParseTenant(name); err != nil || name == "" {
			p.addFile("binding.tenants", fmt.Sprintf("names %q, which is no tenant", name), "use the names of tenants as they stand in accounts")
		}
	}
}

func (p *problems) widest(key string, bits, shortest int) {
	if bits >= 0 && bits < shortest {
		p.add(key, "is so short that it binds to nearly nothing", fmt.Sprintf("set $VAR to %d or more", shortest))
	}
}

func (p *problems) bindingRules(key string, rules map[string]authn.BindingRule) {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if !knownCertificate(rules[name].Certificate) {
			p.addFile(key+name+".certificate", "is unknown", "use off, optional or required")
		}
		if !knownIP(rules[name].IP) {
			p.addFile(key+name+".ip", "is unknown", "use off, prefix or exact")
		}
	}
}

func knownCertificate(b authn.CertificateBinding) bool {
	return slices.Contains([]authn.CertificateBinding{"", authn.CertificateOff, authn.CertificateOptional, authn.CertificateRequired}, b)
}

func knownIP(b authn.IPBinding) bool {
	return slices.Contains([]authn.IPBinding{"", authn.IPOff, authn.IPPrefix, authn.IPExact}, b)
}

// clientCertificate checks where client certificates come from, and that they come from somewhere if a binding wants them.
func (p *problems) clientCertificate(c Config) {
	h := c.HTTP.WithDefaults()
	switch h.ClientCertificate {
	case transport.CertificatesOff:
		if c.Binding.WantsCertificates() {
			p.add("http.client_certificate", "is off and auth.binding wants client certificates", "set $VAR to tls or header")
		}
	case transport.CertificatesTLS:
	case transport.CertificatesHeader:
		p.certificateHeader(c, h.ClientCertificateHeader)
	default:
		p.add("http.client_certificate", "is unknown", "set $VAR to off, tls or header")
	}
	if h.ClientCertificateHeader != transport.HeaderClientCert && h.ClientCertificate != transport.CertificatesHeader {
		p.add("http.client_certificate_header", "is set and auth.http.client_certificate is not header", "leave $VAR out, or set LEX_AUTH__HTTP__CLIENT_CERTIFICATE to header")
	}
	if h.ClientCertificateTrust != transport.TrustPKI && h.ClientCertificateTrust != transport.TrustSelfSigned {
		p.add("http.client_certificate_trust", "is unknown", "set $VAR to pki or self_signed")
	}
}

func (p *problems) certificateHeader(c Config, name string) {
	if len(c.HTTP.TrustedProxies) == 0 {
		p.add("http.client_certificate", "is header, and no proxy is trusted to set one", "name your proxies in LEX_AUTH__HTTP__TRUSTED_PROXIES, or set $VAR to tls")
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case !soundCertificateHeader.MatchString(name):
		p.add("http.client_certificate_header", "is not the name of a header in letters, digits and dashes", "set $VAR to Client-Cert or to the name that your proxy sets")
	case slices.Contains(takenHeaders(), canonical) || c.APIKeys.Header != "" && canonical == textproto.CanonicalMIMEHeaderKey(c.APIKeys.Header):
		p.add("http.client_certificate_header", "has a meaning of its own", "set $VAR to a header that nothing else uses, such as Client-Cert")
	}
}
