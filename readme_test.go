package authmodule_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README's first program is built and run as it stands: 401, then 200.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	base := startReadmeProgram(t)
	status, body := call(t, http.MethodGet, base+"/me", "", "")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, body, `"code":"unauthenticated"`)

	const ada = `{"email":"ada@example.com","password":"correct horse battery staple"}`
	status, _ = call(t, http.MethodPost, base+"/auth/register", "", ada)
	require.Equal(t, http.StatusCreated, status)
	status, body = call(t, http.MethodPost, base+"/auth/login", "", ada)
	require.Equal(t, http.StatusOK, status)
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &grant))

	status, body = call(t, http.MethodGet, base+"/me", grant.AccessToken, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "hello ada@example.com", body)
	status, body = call(t, http.MethodDelete, base+"/admin/articles/1", grant.AccessToken, "")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, body, "role admin")
}

func startReadmeProgram(t *testing.T) (base string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	program := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(text)
	require.NotNil(t, program, "README has no program")
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(source, program[1], 0o600))
	out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, "%s", out)

	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := reserved.Addr().String()
	require.NoError(t, reserved.Close())
	cmd := exec.Command(binary)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR="+address, "LEX_ENV=")
	started := waitFor(t, cmd, "http server started")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, cmd.Wait())
	})
	require.True(t, <-started, "the program ended before it served")
	return "http://" + address
}

// waitFor tells when the program has printed the text, or has ended.
func waitFor(t *testing.T, cmd *exec.Cmd, text string) <-chan bool {
	t.Helper()
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	t.Cleanup(func() { _ = writer.Close() })
	started := make(chan bool, 1)
	go func() {
		defer close(started)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			if strings.Contains(lines.Text(), text) {
				started <- true
				_, _ = io.Copy(io.Discard, reader)
			}
		}
	}()
	return started
}

func call(t *testing.T, method, url, token, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewBufferString(body))
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}
