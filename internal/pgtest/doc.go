// Package pgtest runs real PostgreSQL servers for tests, each in a folder of its own
// on a free port of the loopback interface.
//
//	var postgres pgtest.Shared // one server for the test binary
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		postgres.Stop()
//		os.Exit(code)
//	}
//
//	func TestOnPostgreSQL(t *testing.T) {
//		dsn := postgres.Schema(t) // an empty schema of its own
//	}
//
// A test that kills its server, or that needs what was acknowledged to be on
// the disk, starts one of its own:
//
//	server := pgtest.Start(t, pgtest.Durable)
//	dsn := server.Schema(t)
//	server.Kill()    // as a power failure would
//	server.Restart() // on the same port
//
// PostgreSQL is a peer: where it is missing, the test is skipped or fails as
// package peer says. Servers die with the test binary, however it ends.
package pgtest
