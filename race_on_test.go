//go:build race

package authmodule_test

// atOnce is how many goroutines may live at a time. The race detector keeps some 2 MiB of each that runs for long.
const atOnce = 1000
