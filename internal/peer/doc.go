// Package peer finds the real programs that tests talk to, and says plainly
// when a test is left out because one is missing.
//
//	browser := peer.Require(t, "chromium")
//	node, script := peer.RequireModule(t, "jose", "jose.mjs")
//	peer.Soak(t) // in a test that takes minutes
//
// "make peers" installs them. With AUTHTEST_REQUIRE_PEERS=1, as in CI, a
// missing peer fails the test, so that a green run hides none. It takes a small interface in place
// of *testing.T and does not import testing.
package peer
