package house_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

func TestCallRules(t *testing.T) {
	t.Parallel()
	everywhere := []string{"..."}
	sleep := house.NoCall{In: everywhere, Funcs: []string{"time.Sleep"}, Tests: true, Bubbles: true}
	now := house.NoCall{In: everywhere, Funcs: []string{"time.Now"}, Files: map[string]string{"b.go": "it is the clock"}}
	testCases := []struct {
		name     string
		rule     house.Rule
		have     sources
		expected []string
	}{
		{
			"a test sleeps", sleep,
			sources{"a_test.go": "package m\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}"},
			[]string{"a_test.go:4 calls time.Sleep"},
		},
		{
			"under another name", sleep,
			sources{"a_test.go": "package m\nimport clock \"time\"\nvar _ = func() { (clock.Sleep)(1) }"},
			[]string{"a_test.go:3 calls time.Sleep"},
		},
		{
			"without a name", sleep,
			sources{"a_test.go": "package m\nimport . \"time\"\nfunc f() { Sleep(1) }"},
			[]string{"a_test.go:3 calls time.Sleep"},
		},
		{
			"in a bubble, and after it", sleep,
			sources{"a_test.go": `package m
				import ("time"; "testing/synctest")
				func f() {
					synctest.Test(nil, func() { time.Sleep(1); func() { time.Sleep(2) }() })
					time.Sleep(3)
				}`},
			[]string{"a_test.go:5 calls time.Sleep"},
		},
		{
			"another package's Sleep, and code that is no test", sleep,
			sources{
				"a_test.go": "package m\nimport time \"x.org/time\"\nfunc f() { time.Sleep(1) }",
				"a.go":      "package m\nimport \"time\"\nfunc f() { time.Sleep(1) }",
			},
			nil,
		},
		{
			"the clock is read, handed on, and read in a place that may", now,
			sources{
				"a.go":      "package m\nimport \"time\"\nvar t = time.Now()\nvar c = time.Now",
				"b.go":      "package m\nimport \"time\"\nvar t = time.Now()",
				"a_test.go": "package m\nimport \"time\"\nvar t = time.Now()",
			},
			[]string{"a.go:3 calls time.Now"},
		},
		{
			"init functions", house.NoInit{In: everywhere},
			sources{
				"a.go":      "package m\ntype T int\nfunc (T) init() {}\nfunc init() {}",
				"a_test.go": "package m\nfunc init() {}",
			},
			[]string{"a.go:4 has an init function"},
		},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := house.Fake("m", tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, tc.rule.Check(m))
		})
	}
}
