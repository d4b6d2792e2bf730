package transport_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// leafCert is a client's certificate and its key.
type leafCert struct {
	*x509.Certificate
	key crypto.Signer
}

// authority issues client certificates.
type authority struct{ leafCert }

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, signer crypto.Signer) leafCert {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return leafCert{leaf, key}
}

// template is of a client certificate that is valid for a day around now.
func template(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	ca := template(t, "test authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage, ca.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	key := newKey(t)
	return authority{sign(t, ca, ca, key, key)}
}

// issue makes a certificate of the authority, for a new key.
func (a authority) issue(t testing.TB, name string, changes ...func(*x509.Certificate)) leafCert {
	t.Helper()
	return a.renew(t, name, newKey(t), changes...)
}

// renew makes one for a key that exists.
func (a authority) renew(t testing.TB, name string, key crypto.Signer, changes ...func(*x509.Certificate)) leafCert {
	t.Helper()
	leaf := template(t, name)
	for _, change := range changes {
		change(leaf)
	}
	return sign(t, leaf, a.Certificate, key, a.key)
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// selfSigned makes a certificate that nobody else vouches for.
func selfSigned(t testing.TB, changes ...func(*x509.Certificate)) leafCert {
	t.Helper()
	leaf, key := template(t, "self"), newKey(t)
	for _, change := range changes {
		change(leaf)
	}
	return sign(t, leaf, leaf, key, key)
}

func usage(u ...x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = u }
}

func valid(from, to time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to) }
}

func (l leafCert) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{l.Raw}, PrivateKey: l.key, Leaf: l.Certificate}
}

func (l leafCert) thumbprint() authn.Thumbprint { return authn.CertificateThumbprint(l.Raw) }

func (l leafCert) base64() string { return base64.StdEncoding.EncodeToString(l.Raw) }

func (l leafCert) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Raw}))
}

// escaped is the PEM form as nginx and Envoy send it.
func (l leafCert) escaped() string { return url.PathEscape(l.pem()) }
