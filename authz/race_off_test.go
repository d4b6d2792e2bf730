//go:build !race

package authz_test

// ordinaryDecisions is how many are compared in every run.
const ordinaryDecisions = 100_000
