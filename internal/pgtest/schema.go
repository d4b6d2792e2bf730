package pgtest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/authmodule/authmodule/internal/peer"
)

// Shared is one server for all tests of a test binary, which starts when the first one needs it.
type Shared struct {
	once   sync.Once
	server *Server
}

// Schema makes an empty schema and returns an address whose connections work in it.
// Parameters may be added to it with &.
func (s *Shared) Schema(t TB) string {
	t.Helper()
	s.once.Do(func() { s.server = start(t, Fast) })
	if s.server == nil { // an earlier test has said why
		peer.Refuse(t, "PostgreSQL did not start for an earlier test")
		return ""
	}
	return s.server.Schema(t)
}

// Stop stops the server, if there is one. Call it when all tests have run.
func (s *Shared) Stop() {
	s.once.Do(func() {})
	if s.server != nil {
		s.server.remove()
	}
}

// schemaBatch is how many schemas are made at once: making one costs little, and starting psql much.
const schemaBatch = 100

// Schema makes an empty schema and returns an address whose connections work in it.
// Parameters may be added to it with &.
func (s *Server) Schema(t TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.schemas%schemaBatch == 0 {
		command := fmt.Sprintf(`DO $$ BEGIN FOR n IN %d..%d LOOP EXECUTE 'CREATE SCHEMA test' || n; END LOOP; END $$`, s.schemas, s.schemas+schemaBatch-1)
		if err := s.Exec(command); err != nil {
			t.Fatalf("pgtest: %v", err)
			return ""
		}
	}
	s.schemas++
	return fmt.Sprintf("%s&search_path=test%d", s.DSN(), s.schemas-1)
}

// Exec runs a command of SQL as the superuser.
func (s *Server) Exec(command string) error {
	psql := exec.CommandContext(context.Background(), filepath.Join(s.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.DSN(), "-c", command)
	if out, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, out)
	}
	return nil
}
