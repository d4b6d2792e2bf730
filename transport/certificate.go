package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// CertificateSource says where a client certificate is found.
type CertificateSource string

// The certificate sources.
const (
	// CertificatesOff: nobody has a certificate.
	CertificatesOff CertificateSource = "off"
	// CertificatesTLS takes that of the connection, whose TLS this program terminates.
	CertificatesTLS CertificateSource = "tls"
	// CertificatesHeader takes that of a header that a trusted proxy, which terminates TLS, has set.
	CertificatesHeader CertificateSource = "header"
)

// CertificateTrust says which certificates count. Either kind excludes the other.
type CertificateTrust string

// The kinds of trust.
const (
	// TrustPKI is for certificates of an authority, whose chain was verified: here by the TLS handshake, or by the
	// proxy. The certificate must be for client authentication and not be self-signed.
	TrustPKI CertificateTrust = "pki"
	// TrustSelfSigned is for self-signed certificates, which prove no name: that a token comes with the same key as its login, and nothing else (RFC 8705, section 2.2).
	TrustSelfSigned CertificateTrust = "self_signed"
)

// certificates finds the certificate that a client proved to have the key of.
// Whatever is absent, malformed, ambiguous, expired or from elsewhere is no certificate.
type certificates struct {
	source  CertificateSource
	trust   CertificateTrust
	header  string
	proxies clientResolver
	now     func() time.Time
}

func newCertificates(cfg Config, proxies clientResolver, now func() time.Time) certificates {
	return certificates{
		source: cfg.ClientCertificate, trust: cfg.ClientCertificateTrust, proxies: proxies, now: now,
		header: textproto.CanonicalMIMEHeaderKey(cfg.ClientCertificateHeader),
	}
}

// thumbprint returns that of the client's certificate, zero for none.
func (c certificates) thumbprint(r *http.Request) authn.Thumbprint {
	var leaf *x509.Certificate
	switch c.source {
	case CertificatesTLS:
		leaf = c.ofConnection(r.TLS)
	case CertificatesHeader:
		leaf = c.ofHeader(r)
	default:
		return authn.Thumbprint{}
	}
	if leaf == nil || !c.accepts(leaf) {
		return authn.Thumbprint{}
	}
	return authn.CertificateThumbprint(leaf.Raw)
}

// ofConnection returns the leaf of a handshake. In a PKI one of the chains
// that the handshake verified must still be valid: the connection may be older than its end.
func (c certificates) ofConnection(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || !state.HandshakeComplete || len(state.PeerCertificates) == 0 {
		return nil
	}
	if c.trust == TrustPKI && !slices.ContainsFunc(state.VerifiedChains, c.current) {
		return nil
	}
	return state.PeerCertificates[0]
}

func (c certificates) current(chain []*x509.Certificate) bool {
	return len(chain) > 0 && !slices.ContainsFunc(chain, func(one *x509.Certificate) bool { return !c.inTime(one) })
}

// ofHeader believes one header line, when the connection is a trusted proxy's. A
// second line, and a name that some software takes for the header's (X_SSL_Client_Cert, CVE-2025-64484), are
// signs that the proxy let the client's own headers through.
func (c certificates) ofHeader(r *http.Request) *x509.Certificate {
	values := r.Header[c.header]
	if len(values) != 1 || !c.proxies.trustsPeer(r) {
		return nil
	}
	for name := range r.Header {
		if name != c.header && looksLike(name, c.header) {
			return nil
		}
	}
	return parseCertificateHeader(c.header, values[0])
}

// looksLike reports whether names differ only in case and in underscores for dashes.
func looksLike(name, header string) bool {
	return len(name) == len(header) && strings.EqualFold(strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(header, "_", "-"))
}

// strip removes the certificate header, in every spelling, from a request that does not come from a trusted
// proxy, so that no handler behind believes it either.
func (c certificates) strip(r *http.Request) {
	if c.source != CertificatesHeader || c.proxies.trustsPeer(r) {
		return
	}
	for name := range r.Header {
		if looksLike(name, c.header) {
			delete(r.Header, name)
		}
	}
}

// accepts checks what a leaf says of itself. A certificate that names its
// subject as its issuer is self-signed; the two kinds of trust are never mixed.
func (c certificates) accepts(leaf *x509.Certificate) bool {
	if !c.inTime(leaf) {
		return false
	}
	selfSigned := bytes.Equal(leaf.RawIssuer, leaf.RawSubject)
	switch c.trust {
	case TrustPKI:
		return !selfSigned && forClients(leaf)
	case TrustSelfSigned:
		return selfSigned && (anyUsage(leaf) || forClients(leaf))
	default:
		return false
	}
}

func (c certificates) inTime(one *x509.Certificate) bool {
	now := c.now()
	return !now.Before(one.NotBefore) && !now.After(one.NotAfter)
}

// forClients reports an extended key usage of clientAuth (RFC 5280, section 4.2.1.12).
func forClients(leaf *x509.Certificate) bool {
	return slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// anyUsage reports a certificate that does not restrict its usage.
func anyUsage(leaf *x509.Certificate) bool {
	return len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 0
}
