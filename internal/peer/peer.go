package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The variables that change what is left out. Each counts when it is "1".
const (
	// RequireVar turns a missing peer into a failure.
	RequireVar = "AUTHTEST_REQUIRE_PEERS"
	// SoakVar runs the tests that take minutes.
	SoakVar = "AUTHTEST_SOAK"
)

// TB is the part of testing.TB that this package needs. Skipf and Fatalf do not return.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Require returns the path of a peer's program. When it is not installed the test is
// skipped, or fails if [RequireVar] is set. A name that is no peer's fails it always.
func Require(t TB, name string) string {
	t.Helper()
	programs := programs(name)
	if len(programs) == 0 {
		t.Fatalf("peer: there is no peer named %q; peers are %s", name, strings.Join(Names(), ", "))
		return ""
	}
	for _, program := range programs {
		if path := find(program); path != "" {
			return path
		}
	}
	Refuse(t, name+" not found: run `make peers`")
	return ""
}

// find returns the path of a program: of one by its name, or of the last one that
// a pattern fits, which is the newest version's.
func find(program string) string {
	if strings.ContainsRune(program, '*') {
		if found, _ := filepath.Glob(program); len(found) > 0 {
			return found[len(found)-1]
		}
		return ""
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	return path
}

// Refuse skips a test that cannot have its peer for the reason, or fails it where none may be missing.
func Refuse(t TB, reason string) {
	t.Helper()
	end := t.Skipf
	if os.Getenv(RequireVar) == "1" {
		end = t.Fatalf
	}
	end("%s", reason)
}

// Soak skips the test unless [SoakVar] is set.
func Soak(t TB) {
	t.Helper()
	if os.Getenv(SoakVar) != "1" {
		t.Skipf("takes minutes: run `make soak`")
	}
}

// Names returns the names of the peers that are programs: those of their Debian packages.
func Names() []string {
	return []string{"chromium", "nodejs", "npm", "haproxy", "caddy", "redis-server", "postgresql", "oathtool"}
}

// programs returns the names that a peer's program has on the systems it is
// packaged for; a pattern stands for a program that is not on the PATH.
func programs(name string) []string {
	switch name {
	case "chromium":
		return []string{"chromium", "chromium-browser", "google-chrome"}
	case "nodejs":
		return []string{"node", "nodejs"}
	case "postgresql":
		return []string{"postgres", "/usr/lib/postgresql/*/bin/postgres"}
	case "npm", "haproxy", "caddy", "redis-server", "oathtool":
		return []string{name}
	default:
		return nil
	}
}
