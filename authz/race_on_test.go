//go:build race

package authz_test

// ordinaryDecisions is how many are compared in every run. One goroutine compares them, so that the race detector has
// nothing to find, and makes it ten times slower.
const ordinaryDecisions = 20_000
