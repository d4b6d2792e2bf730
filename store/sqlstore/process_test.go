package sqlstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// What a child process is told of its database.
const (
	childDSN     = "AUTHMODULE_TEST_CHILD_DSN"
	childDialect = "AUTHMODULE_TEST_CHILD_DIALECT"
)

// child is this test program once more, running the named test as a process of its own.
func child(t *testing.T, test string, d database) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), childDSN+"="+d.dsn, childDialect+"="+string(d.dialect))
	return cmd
}

// parents is the database that this process was started for.
func parents(t *testing.T) database {
	t.Helper()
	d := database{dialect: sqlstore.Dialect(os.Getenv(childDialect)), dsn: os.Getenv(childDSN)}
	if d.dsn == "" {
		t.Skip("runs as a child process only")
	}
	return d
}

func TestChildMigrates(t *testing.T) { parents(t).open(t) }

func TestMigrateRaceOfProcesses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		var children []*exec.Cmd
		for range 4 {
			cmd := child(t, "TestChildMigrates", d)
			require.NoError(t, cmd.Start())
			children = append(children, cmd)
		}
		for _, cmd := range children {
			assert.NoError(t, cmd.Wait())
		}
		d.requireMigrations(t)
	})
}

// TestChildWrites creates accounts and prints the ID of each one that was acknowledged, until it is killed.
func TestChildWrites(t *testing.T) {
	s := parents(t).open(t)
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
	onBoth(t, func(t *testing.T, d database) {
		cmd := child(t, "TestChildWrites", d)
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

		s := d.openBare(t)
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateCheck))
		for _, id := range acknowledged {
			_, err := s.UserByID(t.Context(), authn.Subject{ID: id})
			assert.NoError(t, err, id)
		}
	})
}
