package redisstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/store/redisstore"
)

// rights are what docs/stores-redis.md says that Redis' user needs.
var rights = []string{
	"+@read", "+@write", "+@scripting", "+@pubsub", "+@connection", "+info", "+time", "+cluster", "~authmodule:*", "&authmodule:*",
}

// The store works with the rights that its page names, with a user and a password, and with no others.
func TestUserWithFewRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.MustCLI(t, append([]string{"acl", "setuser", "app", "on", ">secret"}, rights...)...)
	server.MustCLI(t, "acl", "setuser", "default", "off")
	o := redisstore.Options{Username: "app", Password: "secret", Prefix: redisstore.DefaultPrefix}
	s := open(t, o, server.Addr())
	r := created(t, s, newRecord(t, ada))
	told, stop := watch(s)
	defer stop()
	heard(t, told)
	for _, c := range calls(s, r) {
		require.NoError(t, c.do(t.Context()), c.name)
	}
	heard(t, told)
	require.ErrorIs(t, s.Check(t.Context()), redisstore.ErrForgets)

	for name, change := range map[string]func(*redisstore.Options){
		"wrong password": func(o *redisstore.Options) { o.Password = "wrong" },
		"unknown user":   func(o *redisstore.Options) { o.Username = "eve" },
		"nobody":         func(o *redisstore.Options) { o.Username, o.Password = "", "" },
	} {
		o := o
		change(&o)
		o.Addrs = []string{server.Addr()}
		_, err := redisstore.Open(t.Context(), o)
		require.ErrorContains(t, err, "redisstore: connect: ", name)
		require.NotContains(t, err.Error(), "secret", name)
	}
	elsewhere := o
	elsewhere.Prefix = "other"
	_, err := open(t, elsewhere, server.Addr()).Session(t.Context(), ada.Tenant, r.ID)
	require.ErrorContains(t, err, "NOPERM")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	certFile, keyFile, roots := certificate(t, folder)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	redistest.Start(t, redistest.Options{Args: []string{
		"--tls-port", strconv.Itoa(port), "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile, "--tls-auth-clients", "no",
	}})
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s := open(t, redisstore.Options{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, addr)
	r := created(t, s, newRecord(t, ada))
	got, err := s.Session(t.Context(), ada.Tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, r, got)
	_, err = redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{addr}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	require.ErrorContains(t, err, "certificate signed by unknown authority")
}

// certificate makes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T, folder string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile, roots = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), x509.NewCertPool()
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots.AddCert(parsed)
	return certFile, keyFile, roots
}
