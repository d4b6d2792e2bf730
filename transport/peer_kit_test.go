package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// proxy is a real program that terminates TLS in front of an application.
type proxy struct {
	url  string
	pool *x509.CertPool
}

// freePort returns a port of this machine that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// startProxy runs the program with its configuration, in which words in braces
// stand for this test's files and addresses, until the test ends.
func startProxy(t *testing.T, name string, ca authority, backend, config string, args ...string) proxy {
	t.Helper()
	program, dir, port := peer.Require(t, name), t.TempDir(), freePort(t)
	server := newAuthority(t)
	leaf := server.issue(t, "localhost", usage(x509.ExtKeyUsageServerAuth), func(c *x509.Certificate) { c.DNSNames = []string{"localhost"} })
	key, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	require.NoError(t, err)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	file := write("config", strings.NewReplacer(
		"{port}", fmt.Sprint(port), "{backend}", backend, "{ca}", write("ca.pem", ca.pem()),
		"{cert}", write("cert.pem", leaf.pem()), "{key}", write("key.pem", private), "{both}", write("both.pem", leaf.pem()+private),
	).Replace(config))

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, append(args, file)...) // killed by its own process ID
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said)
		}
	})
	p := proxy{url: fmt.Sprintf("https://localhost:%d", port), pool: server.pool()}
	p.awaits(t)
	return p
}

// awaits returns when the proxy answers.
func (p proxy) awaits(t *testing.T) {
	t.Helper()
	client := p.client(t)
	require.Eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/.well-known/jwks.json", nil)
		if err != nil {
			return false
		}
		answer, err := client.Do(r)
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond)
}

// client connects with a certificate or without one.
func (p proxy) client(t testing.TB, certificates ...leafCert) *http.Client {
	t.Helper()
	cfg := &tls.Config{RootCAs: p.pool, MinVersion: tls.VersionTLS12}
	for _, one := range certificates {
		certificate := one.tls()
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	carrier := &http.Transport{TLSClientConfig: cfg}
	t.Cleanup(carrier.CloseIdleConnections)
	return &http.Client{Transport: carrier, Timeout: 10 * time.Second}
}

// output collects what a program writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
