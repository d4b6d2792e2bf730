package sqlstore

import (
	"os"
	"testing"

	"github.com/authmodule/authmodule/internal/pgtest"
)

// postgres is the server of all tests that need no server of their own.
var postgres pgtest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

// PostgresDSN makes an empty schema for the tests outside the package.
func PostgresDSN(t pgtest.TB) string { return postgres.Schema(t) }
