package peer

import (
	"os"
	"os/exec"
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
		if path, err := exec.LookPath(program); err == nil {
			return path
		}
	}
	refuse := t.Skipf
	if os.Getenv(RequireVar) == "1" {
		refuse = t.Fatalf
	}
	refuse("%s not found: run `make peers`", name)
	return ""
}

// Soak skips the test unless [SoakVar] is set.
func Soak(t TB) {
	t.Helper()
	if os.Getenv(SoakVar) != "1" {
		t.Skipf("takes minutes: run `make soak`")
	}
}

// Names returns the names of the peers.
func Names() []string { return []string{"chromium"} }

// programs returns the names that a peer's program has on the systems it is packaged for.
func programs(name string) []string {
	switch name {
	case "chromium":
		return []string{"chromium", "chromium-browser", "google-chrome"}
	default:
		return nil
	}
}
