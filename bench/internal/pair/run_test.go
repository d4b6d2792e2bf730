package pair_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

var weight = pair.Metric{Name: "weight", Unit: "MiB"}

// scripted is a side whose figures are given for each round.
func scripted(name string, figures ...float64) pair.Side {
	at := -1
	return pair.Side{Name: name, Sample: func() (pair.Values, error) {
		at++
		return pair.Values{weight: figures[at]}, nil
	}}
}

func TestClaimIsMedianOfRounds(t *testing.T) {
	t.Parallel()
	result, err := pair.Run(&pair.Bench{Sides: []pair.Side{
		scripted("a", 10, 90, 40), scripted("b", 1, 3, 8), scripted("base", 0, 1, 0),
	}}, pair.Options{Rounds: 3})
	require.NoError(t, err)
	cases := []struct {
		name     string
		have     func(pair.Round) float64
		expected pair.Spread
	}{
		{"ratio", pair.Ratio(weight, "a", "b"), pair.Spread{Median: 10, Low: 5, High: 30}},
		{"value", pair.Value(weight, "b"), pair.Spread{Median: 3, Low: 1, High: 8}},
		{"added", pair.Added(weight, "a", "base"), pair.Spread{Median: 40, Low: 10, High: 89}},
		{"added ratio", pair.AddedRatio(weight, "a", "b", "base"), pair.Spread{Median: 10, Low: 5, High: 44.5}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.expected, result.Spread(c.have))
		})
	}
}

func TestMedianOfEvenRounds(t *testing.T) {
	t.Parallel()
	result, err := pair.Run(&pair.Bench{Sides: []pair.Side{scripted("a", 1, 2, 4, 100)}}, pair.Options{Rounds: 4})
	require.NoError(t, err)
	assert.Equal(t, pair.Spread{Median: 3, Low: 1, High: 100}, result.Spread(pair.Value(weight, "a")))
}

func TestTables(t *testing.T) {
	t.Parallel()
	bench := &pair.Bench{
		Sides: []pair.Side{scripted("ours", 2, 2), scripted("theirs", 8, 10)},
		Claims: []pair.Claim{
			{Goal: "P1", Text: "theirs ÷ ours", Figure: pair.Ratio(weight, "theirs", "ours"), Bound: pair.AtLeast(4)},
			{Goal: "P2", Text: "ours", Figure: pair.Value(weight, "ours"), Bound: pair.AtMost(0.5)},
			{Text: "theirs", Figure: pair.Value(weight, "theirs")},
		},
	}
	result, err := pair.Run(bench, pair.Options{Rounds: 2})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, pair.WriteClaims(&out, []pair.Case{{Name: "case"}}, []*pair.Result{result}))
	require.NoError(t, result.WriteSides(&out))
	assert.Equal(t, `| goal | case | figure | measured: median (lowest – highest round) | asked | met |
|---|---|---|---|---|---|
| P1 | case | theirs ÷ ours | **4.50** (4 – 5) | ≥ 4 | yes |
| P2 | case | ours | **2** (2 – 2) | ≤ 0.5 | no |
|  | case | theirs | **9** (8 – 10) | – | – |
| side | weight |
|---|---|
| ours | 2 MiB |
| theirs | 9 MiB |
`, out.String())
}

func TestOperationsAreMeasured(t *testing.T) {
	t.Parallel()
	const size = 1 << 10
	var kept []byte
	done := 0
	result, err := pair.Run(&pair.Bench{Sides: []pair.Side{{Name: "a", Do: func(n int) error {
		done += n
		for range n {
			kept = make([]byte, size)
		}
		return nil
	}}}}, pair.Options{Rounds: 2, Turn: time.Millisecond})
	require.NoError(t, err)
	assert.Len(t, kept, size)
	assert.GreaterOrEqual(t, done, 2)
	assert.Positive(t, result.Spread(pair.Value(pair.CPU(), "a")).Median)
	assert.GreaterOrEqual(t, result.Spread(pair.Value(pair.Bytes(), "a")).Low, float64(size))
}

func TestSideThatDoesNotWorkIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	cases := []struct {
		name string
		have pair.Side
	}{
		{"check", pair.Side{Check: func() error { return broken }}},
		{"do", pair.Side{Do: func(int) error { return broken }}},
		{"sample", pair.Side{Sample: func() (pair.Values, error) { return nil, broken }}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := pair.Run(&pair.Bench{Sides: []pair.Side{c.have}}, pair.Options{Rounds: 1})
			require.ErrorIs(t, err, broken)
		})
	}
}

func TestMetricFormat(t *testing.T) {
	t.Parallel()
	cases := []struct {
		unit     string
		have     float64
		expected string
	}{
		{"ns", 0.52, "0.52 ns"}, {"ns", 312.4, "312 ns"}, {"ns", 15_500, "15.5 µs"}, {"ns", 2.17e6, "2.17 ms"}, {"ns", 3e9, "3 s"},
		{"", 0, "0"}, {"", 0.00001, "0"}, {"", 0.0123, "0.012"}, {"", 4931.2, "4931"}, {"MiB", 72, "72 MiB"},
	}
	for _, c := range cases {
		t.Run(c.expected, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.expected, pair.Metric{Unit: c.unit}.Format(c.have))
		})
	}
}
