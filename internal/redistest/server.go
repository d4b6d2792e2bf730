package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/authmodule/authmodule/internal/peer"
)

// TB is the part of testing.TB that this package needs.
type TB interface {
	peer.TB
	Cleanup(func())
}

// Options say what kind of server it is. The zero value keeps everything in memory.
type Options struct {
	// Durable has every acknowledged write on disk: appendonly, with appendfsync always.
	Durable bool
	// Args are further ones, such as "--maxmemory", "2mb".
	Args []string
}

// Server is one running server. Its methods are for one goroutine at a time.
type Server struct {
	program, dir string
	port         int
	args         []string
	process      *exec.Cmd
	exited       chan struct{}
}

const (
	startTimeout = 20 * time.Second
	pollEvery    = 10 * time.Millisecond
)

// Start starts a server, which ends with the test.
func Start(t TB, o Options) *Server {
	t.Helper()
	program := peer.Require(t, "redis-server")
	s, err := start(program, o)
	if err != nil {
		t.Fatalf("redistest: %v", err)
		return nil
	}
	t.Cleanup(s.Stop)
	return s
}

func start(program string, o Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Server{program: program, dir: dir, port: port}
	appendonly := "no"
	if o.Durable {
		appendonly = "yes"
	}
	s.args = append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--logfile", "log",
		"--appendonly", appendonly, "--appendfsync", "always",
	}, o.Args...)
	if err := s.run(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port is the port alone.
func (s *Server) Port() int { return s.port }

func (s *Server) run() error {
	s.process, s.exited = exec.CommandContext(context.Background(), s.program, s.args...), make(chan struct{})
	if err := s.process.Start(); err != nil {
		return err
	}
	process, exited := s.process, s.exited
	go func() {
		_ = process.Wait()
		close(exited)
	}()
	return s.ready()
}

// ready waits until the server has loaded its data and answers.
func (s *Server) ready() error {
	return poll(func() error {
		select {
		case <-s.exited:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("%w: %s", errExited, log)
		default:
		}
		answer, err := s.CLI("ping")
		if err == nil && answer != "PONG" {
			err = errors.New(answer)
		}
		return err
	})
}

var errExited = errors.New("the server has ended")

// poll calls try until it returns nil, or for too long.
func poll(try func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := try()
		if err == nil || errors.Is(err, errExited) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollEvery):
		}
	}
}

// CLI runs redis-cli and returns its answer, trimmed.
func (s *Server) CLI(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", strconv.Itoa(s.port)}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// MustCLI fails the test unless redis-cli succeeds.
func (s *Server) MustCLI(t TB, args ...string) string {
	t.Helper()
	out, err := s.CLI(args...)
	if err != nil || strings.HasPrefix(out, "ERR") {
		t.Fatalf("redistest: redis-cli %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// Kill ends the server at once, as kill -9 does, and waits until it is gone.
func (s *Server) Kill() { s.signal(syscall.SIGKILL); <-s.exited }

// Pause stops the server from doing anything; its connections stay open. [Server.Resume] ends that.
func (s *Server) Pause() { _ = peer.Pause(s.process.Process.Pid) }

// Resume ends a pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Restart starts a killed server again, with the data it had, and waits until it answers.
func (s *Server) Restart(t TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatalf("redistest: restart: %v", err)
	}
}

// Stop kills the server and removes its folder. It may be called twice.
func (s *Server) Stop() {
	if s.process != nil && s.process.Process != nil {
		s.Kill()
	}
	_ = os.RemoveAll(s.dir)
}

func (s *Server) signal(sig syscall.Signal) { _ = s.process.Process.Signal(sig) }

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
