// Package redistest runs real Redis servers for tests: on free ports of the
// loopback interface, each in a folder of its own.
//
//	server := redistest.Start(t, redistest.Options{Durable: true}) // stopped by t.Cleanup
//	server.Kill()
//	server.Restart(t)
//
// One server can serve all tests of a binary: see [Shared]. Where redis-server
// is not installed, tests are skipped as internal/peer says.
package redistest
