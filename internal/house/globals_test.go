package house_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

func TestNoVarying(t *testing.T) {
	t.Parallel()
	const vars = "package m\nvar g, h = 1, map[int]int{}\nvar s struct{ x int }\n"
	testCases := []struct {
		name     string
		have     string
		expected []string
	}{
		{"only read", "func f() int { return g + h[1] }", nil},
		{"the blank one", "var _ = g\nfunc f() { _ = g }", nil},
		{"assigned", "func f() { g = 2 }", []string{"a.go:2 changes g"}},
		{"beside a local one", "func f() { var x int; x, g = 1, 2; _ = x }", []string{"a.go:2 changes g"}},
		{"stepped", "func f() { g++ }", []string{"a.go:2 changes g"}},
		{"an element and a field", "func f() { h[1] = 2; s.x = 3 }", []string{"a.go:2 changes h", "a.go:2 changes s"}},
		{"its address", "func f() *int { return &g }", []string{"a.go:2 changes g"}},
		{"a local one of the same name", "func f(h map[int]int) { g := 1; g = 2; h[1] = g }", nil},
		{"a field of the same name", "type t struct{ g int }\nfunc (v *t) f() { v.g = 1 }", nil},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := house.Fake("m", sources{"vars.go": vars, "a.go": "package m\n" + tc.have, "a_test.go": "package m\nfunc z() { g = 3 }"})
			require.NoError(t, err)
			assert.Equal(t, tc.expected, house.NoVarying{In: []string{"..."}}.Check(m))
		})
	}
}
