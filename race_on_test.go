//go:build race

package authmodule_test

// atOnce is how many goroutines may live at a time: the race detector knows 8,128.
const atOnce = 5000
