//go:build !race

package storetest

const detectsRaces = false
