package smtp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
)

const (
	user     = "app"
	password = setting.Secret("pass-canary-word")
	link     = setting.Secret("https://app.example.com/reset?a=1&b=%2F#token-canary-AbC_-.~")
)

// options are those of the script test/peers/smtp-server.mjs.
type options map[string]any

// received is a mail as the server has read it.
type received struct {
	From, To                              []struct{ Address, Name string }
	Subject, Text, HTML, MessageID, Hello string
	Date                                  time.Time
	Header                                map[string]string
	Raw                                   string
	Attachments                           int
	Envelope                              struct {
		From string
		To   []string
		Args any
	}
	Secure bool
	TLS    any
	User   string
}

// server is the mail server of the Node package smtp-server.
type server struct {
	port  int
	roots *x509.CertPool
	out   *bufio.Reader
}

// start starts a server whose certificate is for 127.0.0.1, or for the names that are given. It ends with the test.
func start(t *testing.T, o options, names ...string) *server {
	t.Helper()
	node, script := peer.RequireModule(t, "smtp-server", "smtp-server.mjs")
	key, certificate, roots := certify(t, names)
	all := options{"keyFile": key, "certFile": certificate}
	maps.Copy(all, o)
	argument, err := json.Marshal(all)
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	process := exec.CommandContext(ctx, node, script, string(argument))
	in, err := process.StdinPipe()
	require.NoError(t, err)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	complaint := &syncBuffer{}
	process.Stderr = complaint
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		defer stop() // kills it by its own ID, should it not have ended
		assert.NoError(t, in.Close())
		assert.NoError(t, process.Wait(), complaint.String())
	})
	s := &server{roots: roots, out: bufio.NewReader(out)}
	line, err := s.out.ReadString('\n')
	require.NoError(t, err, complaint.String())
	s.port, err = strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	return s
}

// mail waits for the next mail that the server has taken.
func (s *server) mail(t *testing.T) received {
	t.Helper()
	line, err := s.out.ReadBytes('\n')
	require.NoError(t, err)
	var m received
	require.NoError(t, json.Unmarshal(line, &m))
	return m
}

// config is sound for the server.
func (s *server) config(changes ...func(*account.SMTPConfig)) account.SMTPConfig {
	c := account.SMTPConfig{Host: "127.0.0.1", Port: setting.Count(s.port), From: "Example <noreply@example.com>", Product: "Example"}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func (s *server) sender(t *testing.T, changes ...func(*account.SMTPConfig)) *smtp.Sender {
	t.Helper()
	sender, err := smtp.New(s.config(changes...), smtp.Options{RootCAs: s.roots, Now: now})
	require.NoError(t, err)
	return sender
}

func now() time.Time { return time.Date(2026, 11, 26, 10, 57, 0, 0, time.FixedZone("", 3600)) }

func withLogin(c *account.SMTPConfig) { c.Username, c.Password = user, password }

func inClear(c *account.SMTPConfig) { c.TLS = account.SMTPInsecureNone }

func implicit(c *account.SMTPConfig) { c.TLS = account.SMTPImplicit }

// reset is a notice with a link.
func reset(to string) account.Notice {
	return account.Notice{Kind: account.NoticeResetPassword, To: to, Link: link, Expires: now().Add(time.Hour), Time: now(), IP: "192.0.2.7"}
}

// certify writes a key and a certificate that signs itself.
func certify(t *testing.T, names []string) (keyFile, certificateFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: names, IsCA: true, BasicConstraintsValid: true,
	}
	if len(names) == 0 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(certificate)
	return pemFile(t, "PRIVATE KEY", private), pemFile(t, "CERTIFICATE", der), roots
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

// syncBuffer is written by one goroutine and read by another.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
