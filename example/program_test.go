package main_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// password is that of every account in these tests.
const password = "correct horse battery staple"

// binary is built once, by TestMain.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binary = filepath.Join(folder, "example")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the example: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// setup is how the program is started.
type setup struct {
	// data is the data folder; empty makes a new one.
	data string
	// env are variables beside EXAMPLE_PASSWORD, which "EXAMPLE_PASSWORD=" takes away.
	env  []string
	args []string
	// within is how long the program may run. Zero is five minutes: tests in parallel wait for each other.
	within time.Duration
}

// program is the built binary, running in a folder that is not the repository's.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	data string
	// url is what it printed, port what it says of it.
	url, port string
	// stdout are the lines before the address.
	stdout []string
	stderr *buffer
	exited chan struct{}
	api
}

// buffer is a bytes.Buffer that may be read while a process writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// command returns the program, ready to start.
func command(t *testing.T, s setup) (*exec.Cmd, string) {
	t.Helper()
	if s.data == "" {
		s.data = filepath.Join(t.TempDir(), "data")
	}
	ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(s.within, 5*time.Minute))
	t.Cleanup(cancel)
	args := append([]string{"-addr", "127.0.0.1:0", "-data", s.data}, s.args...)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LEX_") && !strings.HasPrefix(variable, "EXAMPLE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, "EXAMPLE_PASSWORD="+password), s.env...)
	return cmd, s.data
}

// start runs the program until it prints its address, and stops it when the test ends.
func start(t *testing.T, s setup) *program {
	t.Helper()
	cmd, data := command(t, s)
	p := &program{t: t, cmd: cmd, data: data, stderr: &buffer{}, exited: make(chan struct{})}
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
		_ = in.Close()
	}()
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			p.url = lines.Text()
			break
		}
		p.stdout = append(p.stdout, lines.Text())
	}
	require.NotEmpty(t, p.url, "the program did not come up:\n%s", p.stderr)
	go func() { // nothing may follow, but a full pipe must not block the program
		rest, _ := io.ReadAll(out)
		if len(rest) > 0 {
			t.Errorf("printed after the address: %s", rest)
		}
	}()
	_, p.port, _ = strings.Cut(strings.TrimPrefix(p.url, "http://"), ":")
	p.api = api{t: t, base: "http://" + net.JoinHostPort("127.0.0.1", p.port)}
	return p
}

func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop sends SIGTERM and expects exit code 0 within ten seconds.
func (p *program) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.t.Fatalf("did not stop within ten seconds:\n%s", p.stderr)
	}
	require.Equal(p.t, 0, p.cmd.ProcessState.ExitCode(), "%s", p.stderr)
}

// refused runs a program that does not come up, and returns what it printed on stderr.
func refused(t *testing.T, s setup) string {
	t.Helper()
	cmd, _ := command(t, s)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	require.True(t, errors.As(cmd.Run(), &exit), "the program came up")
	require.Positive(t, exit.ExitCode(), "killed: %s", &stderr)
	require.NotContains(t, stdout.String(), "http://")
	return stderr.String()
}

// writeFile writes a file for the test and returns its path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
