package pgtest

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
	"sync"
	"time"

	"github.com/authmodule/authmodule/internal/peer"
)

// TB is the part of testing.TB that this package needs. Skipf and Fatalf do not return.
type TB interface {
	peer.TB
	Cleanup(func())
	Logf(format string, args ...any)
}

// Mode says how a server writes.
type Mode bool

// The modes.
const (
	// Fast waits for no disk: a killed server may lose what it acknowledged, or not start again.
	Fast Mode = false
	// Durable is PostgreSQL's own default.
	Durable Mode = true
)

// startTime is how long a server may take to start, and to stop.
const startTime = 60 * time.Second

// superuser is the name of the superuser of each server, who has no password.
const superuser = "lex"

// Server is a running server. Its methods are not safe for concurrent use, Schema apart.
type Server struct {
	bin, dir, data string
	mode           Mode
	port           int
	process        *process

	mu      sync.Mutex
	schemas int
}

// Start starts a server that stops when the test ends.
func Start(t TB, mode Mode) *Server {
	t.Helper()
	s := start(t, mode)
	if s != nil {
		t.Cleanup(func() { s.remove() })
	}
	return s
}

// start starts a server that somebody else stops.
func start(t TB, mode Mode) *Server {
	t.Helper()
	program := peer.Require(t, "postgresql")
	if program == "" {
		return nil
	}
	if reason := unsupported(); reason != "" {
		peer.Refuse(t, reason)
		return nil
	}
	if linked, err := filepath.EvalSymlinks(program); err == nil {
		program = linked // the other programs are beside it
	}
	s := &Server{bin: filepath.Dir(program), mode: mode}
	if err := s.create(); err != nil {
		s.remove()
		t.Fatalf("pgtest: %v", err)
		return nil
	}
	return s
}

// create makes the server's folder and starts it there.
func (s *Server) create() (err error) {
	if s.dir, err = os.MkdirTemp("", "pgtest-*"); err != nil {
		return err
	}
	if err := giveAway(s.dir); err != nil {
		return err
	}
	s.data = filepath.Join(s.dir, "data")
	initdb := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"),
		"-D", s.data, "-U", superuser, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = s.dir, asOwner()
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	return s.run()
}

// Restart starts a server that was killed or stopped, on the same port.
func (s *Server) Restart() error { return s.run() }

func (s *Server) run() error {
	args := []string{
		"-D", s.data, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "shared_buffers=32MB", "-c", "max_connections=200",
	}
	if s.mode == Fast {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "autovacuum=off", "-c", "checkpoint_timeout=1h", "-c", "max_wal_size=1GB")
	}
	p, err := startProcess(filepath.Join(s.bin, "postgres"), args, s.dir, filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	s.process = p
	if err := s.ready(); err != nil {
		s.Kill()
		text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("postgres: %w\n%s", err, text)
	}
	return nil
}

// ready waits until the server has written that it takes connections.
func (s *Server) ready() error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(startTime)
	defer late.Stop()
	for {
		// The last line of this file is the server's state.
		text, _ := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if lines[0] == strconv.Itoa(s.process.pid) && strings.TrimSpace(lines[len(lines)-1]) == "ready" {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.done:
			return errors.New("it ended")
		case <-late.C:
			return errors.New("it does not get ready")
		}
	}
}

// DSN is the address of the server's database, as an address to which
// parameters may be added with &.
func (s *Server) DSN() string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", superuser, s.port)
}

// Kill ends all of the server's processes at once, as a crash does.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.kill()
	}
}

// Pause has the server answer nothing until [Server.Resume], as a machine that hangs.
func (s *Server) Pause() { s.process.pause() }

// Resume ends a Pause.
func (s *Server) Resume() { s.process.resume() }

// Stop ends the server as its administrator does: connections break off, transactions are rolled back.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.stop()
	}
}

func (s *Server) remove() {
	s.Stop()
	_ = os.RemoveAll(s.dir)
}

func freePort() (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
