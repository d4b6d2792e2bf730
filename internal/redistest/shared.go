package redistest

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/authmodule/authmodule/internal/peer"
)

// Shared is one server and one cluster for all tests of a binary, started when first needed. TestMain stops them.
// Tests are kept apart by [Shared.Prefix].
type Shared struct {
	mu      sync.Mutex
	server  *Server
	cluster *Cluster
	serial  atomic.Int64
}

// Server returns the server.
func (s *Shared) Server(t TB) *Server {
	t.Helper()
	program := peer.Require(t, "redis-server")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		started, err := start(program, Options{})
		if err != nil {
			t.Fatalf("redistest: %v", err)
		}
		s.server = started
	}
	return s.server
}

// Cluster returns the cluster.
func (s *Shared) Cluster(t TB) *Cluster {
	t.Helper()
	program := peer.Require(t, "redis-server")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster == nil {
		started, err := startCluster(program)
		if err != nil {
			t.Fatalf("redistest: %v", err)
		}
		s.cluster = started
	}
	return s.cluster
}

// Prefix returns a prefix for keys that no other test has.
func (s *Shared) Prefix() string { return "test" + strconv.FormatInt(s.serial.Add(1), 10) }

// Stop stops what was started.
func (s *Shared) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.Stop()
	}
	if s.cluster != nil {
		s.cluster.Stop()
	}
}
