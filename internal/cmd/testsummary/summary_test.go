package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	testsummary "github.com/authmodule/authmodule/internal/cmd/testsummary"
)

// TestRecorded reads what "go test -json" of Go 1.26 printed for small packages.
func TestRecorded(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		have     []string
		status   int
		closing  string
		contains []string
		without  []string
	}{
		{
			"every test passes", []string{"pass"}, 0, "3 passed, 0 failed, 0 skipped",
			[]string{"ok    example.com/rec/pass"}, []string{"not told", "skipped:", "failed:"},
		},
		{
			"a test fails", []string{"fail"}, 1, "2 passed, 2 failed, 0 skipped",
			[]string{"one is not two", "--- FAIL: TestFails", "FAIL  example.com/rec/fail", "  example.com/rec/fail TestFails/inner\n"},
			[]string{"not told", "=== RUN"},
		},
		{
			"a package does not build", []string{"build"}, 1, "0 passed, 1 failed, 0 skipped",
			[]string{"a_test.go:5:30: undefined", "  example.com/rec/build (build failed)"}, nil,
		},
		{
			"an import is missing", []string{"setup"}, 1, "0 passed, 1 failed, 0 skipped",
			[]string{"no required module provides package", "example.com/rec/setup (build failed)"}, nil,
		},
		{
			"a test panics", []string{"panic"}, 1, "1 passed, 2 failed, 0 skipped",
			[]string{"panic: boom", "a_test.go:8", "example.com/rec/panic TestPanics/inner"}, nil,
		},
		{
			"a test hangs", []string{"timeout"}, 1, "1 passed, 1 failed, 0 skipped",
			[]string{"panic: test timed out after 1s", "example.com/rec/timeout TestHangs"}, nil,
		},
		{
			"a race", []string{"race"}, 1, "0 passed, 1 failed, 0 skipped",
			[]string{"WARNING: DATA RACE", "race detected during execution of test", "example.com/rec/race TestRaces"}, nil,
		},
		{
			"skips, with their reasons", []string{"skip"}, 0, "2 passed, 0 failed, 3 skipped",
			[]string{
				"skipped:\n",
				"  example.com/rec/skip TestSkips: chromium not found: run `make peers`\n",
				"  example.com/rec/skip TestSilent: no reason given\n",
				"  example.com/rec/skip TestParent/child: not today\n",
			},
			[]string{"failed:"},
		},
		{
			"the package fails and no test does", []string{"exit"}, 1, "1 passed, 1 failed, 0 skipped",
			[]string{"example.com/rec/exit (no test failed, but the package did)"}, nil,
		},
		{
			"no test at all", []string{"none"}, 1, "0 passed, 0 failed, 0 skipped",
			[]string{"no test ran"}, nil,
		},
		{
			"several packages", []string{"pass", "skip", "none", "build"}, 1, "5 passed, 1 failed, 3 skipped", nil, nil,
		},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, status := summarize(t, recorded(t, tc.have...))
			assert.Equal(t, tc.status, status)
			assert.True(t, strings.HasSuffix(out, "\n"+tc.closing+"\n"), "closing line in:\n%s", out)
			for _, s := range tc.contains {
				assert.Contains(t, out, s)
			}
			for _, s := range tc.without {
				assert.NotContains(t, out, s)
			}
		})
	}
}

// TestCutStream ends each recorded stream after every one of its lines: a
// stream that ends early never passes.
func TestCutStream(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pass", "skip", "timeout"} {
		lines := strings.SplitAfter(recorded(t, name), "\n")
		for end := range len(lines) - 2 {
			out, status := summarize(t, strings.Join(lines[:end], ""))
			assert.Equal(t, 1, status, "%s cut after line %d:\n%s", name, end, out)
		}
	}
}

func TestTellsAsItComes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := testsummary.NewSummary(&out)
	s.Add(testsummary.Event{Action: "run", Package: "p", Test: "TestA"})
	s.Add(testsummary.Event{Action: "pass", Package: "p", Test: "TestA"})
	assert.Empty(t, out.String())
	s.Add(testsummary.Event{Action: "pass", Package: "p", Elapsed: 1.25})
	assert.Equal(t, "ok    p  1.2s  1 passed, 0 failed, 0 skipped\n", out.String())
}

func TestLinesThatAreNoEventsArePassedOn(t *testing.T) {
	t.Parallel()
	out, _ := summarize(t, "go: some remark\n{half\n"+recorded(t, "pass"))
	assert.True(t, strings.HasPrefix(out, "go: some remark\n{half\n"))
}

func TestRun(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name, script string
		status       int
		closing      string
	}{
		{"passes", "cat testdata/pass.jsonl", 0, "3 passed, 0 failed, 0 skipped\n"},
		{"go test fails though no test does", "cat testdata/pass.jsonl; exit 3", 1, "3 passed, 1 failed, 0 skipped\n"},
		{"go test prints nothing", "true", 1, "0 passed, 0 failed, 0 skipped\n"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out, errors bytes.Buffer
			assert.Equal(t, tc.status, testsummary.Run(&out, &errors, "sh", "-c", tc.script))
			assert.True(t, strings.HasSuffix(out.String(), "\n"+tc.closing), "%s", out.String())
		})
	}
	var out, errors bytes.Buffer
	assert.Equal(t, 2, testsummary.Run(&out, &errors, "no-such-program"))
	assert.Contains(t, errors.String(), "no-such-program")
}

func recorded(t *testing.T, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		require.NoError(t, err)
		all.Write(b)
	}
	return all.String()
}

func summarize(t *testing.T, stream string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	s, err := testsummary.Read(strings.NewReader(stream), &out)
	require.NoError(t, err)
	status := s.Close(&out, nil)
	return out.String(), status
}
