package bench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/bench"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

// TestCases looks whether what is measured does its work: every side accepts
// the good request and refuses the bad ones. It measures nothing.
func TestCases(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range bench.Cases() {
		assert.False(t, names[c.Name], "two cases are named %s", c.Name)
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && strings.Contains(c.Name, "65,536") {
				t.Skip("-short: the same with fewer tokens does")
			}
			opened, err := c.Open()
			if errors.Is(err, pair.ErrAbsent) {
				t.Skip(err)
			}
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, opened.Shut()) })
			require.NoError(t, opened.Check())
			for _, side := range opened.Sides {
				if side.Do != nil {
					assert.NoError(t, side.Do(3), side.Name)
				}
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, bench.Login("0", &out))
	var report struct{ PeakMiB, Rate float64 }
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	assert.Positive(t, report.Rate)
	assert.Positive(t, report.PeakMiB)
}

func TestMachineNamesNoMachine(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, `^go1\.\d+`, bench.Machine())
}

// BenchmarkCases runs one side after another; cmd/table interleaves them.
func BenchmarkCases(b *testing.B) {
	for _, c := range bench.Cases() {
		b.Run(c.Name, func(b *testing.B) {
			opened, err := c.Open()
			if errors.Is(err, pair.ErrAbsent) {
				b.Skip(err)
			}
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, opened.Shut()) })
			for _, side := range opened.Sides {
				if side.Do == nil {
					continue
				}
				b.Run(side.Name, func(b *testing.B) {
					b.ReportAllocs()
					b.ResetTimer()
					require.NoError(b, side.Do(b.N))
				})
			}
		})
	}
}
