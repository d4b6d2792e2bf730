//go:build !race

package authmodule_test

// atOnce is how many goroutines may live at a time.
const atOnce = 10000
