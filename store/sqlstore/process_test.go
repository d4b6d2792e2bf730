package sqlstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

const childDSN = "AUTHMODULE_TEST_CHILD_DSN"

// child is this test program once more, running the named test as a process of its own.
func child(t *testing.T, test, dsn string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), childDSN+"="+dsn)
	return cmd
}

func TestChildMigrates(t *testing.T) {
	dsn := os.Getenv(childDSN)
	if dsn == "" {
		t.Skip("runs as a child process only")
	}
	open(t, dsn)
}

func TestMigrateRaceOfProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	var children []*exec.Cmd
	for range 4 {
		cmd := child(t, "TestChildMigrates", path)
		require.NoError(t, cmd.Start())
		children = append(children, cmd)
	}
	for _, cmd := range children {
		assert.NoError(t, cmd.Wait())
	}
	assert.Equal(t, migrations, countMigrations(t, path))
}

// TestChildWrites creates accounts and prints the ID of each one that was acknowledged, until it is killed.
func TestChildWrites(t *testing.T) {
	dsn := os.Getenv(childDSN)
	if dsn == "" {
		t.Skip("runs as a child process only")
	}
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: dsn})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	for i := range 100_000 {
		u := ada()
		u.Subject.ID, u.Email = fmt.Sprint("u", i), fmt.Sprint(i, "@example.com")
		require.NoError(t, s.CreateUser(t.Context(), u))
		fmt.Println("acknowledged", u.Subject.ID)
	}
}

// Killing the process loses no acknowledged write (REL-10).
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	cmd := child(t, "TestChildWrites", path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var acknowledged []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var id string
		if n, _ := fmt.Sscanf(lines.Text(), "acknowledged %s", &id); n == 1 {
			acknowledged = append(acknowledged, id)
		}
		if len(acknowledged) == 100 {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	assert.Error(t, cmd.Wait())
	require.GreaterOrEqual(t, len(acknowledged), 100)

	s := openBare(t, path)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateCheck))
	for _, id := range acknowledged {
		_, err := s.UserByID(t.Context(), authn.Subject{ID: id})
		assert.NoError(t, err, id)
	}
}
