package setting_test

import (
	"encoding"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/setting"
)

func TestUnitsReadWholeNumbers(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]int{"0": 0, "1": 1, "30": 30, "1000000": 1_000_000} {
		var m setting.Minutes
		var h setting.Hours
		var d setting.Days
		var c setting.Count
		for _, unit := range []encoding.TextUnmarshaler{&m, &h, &d, &c} {
			require.NoError(t, unit.UnmarshalText([]byte(have)), have)
		}
		assert.Equal(t, [4]int{expected, expected, expected, expected}, [4]int{int(m), int(h), int(d), int(c)})
	}
	for _, have := range []string{
		"", " ", "-1", "-0", "+5", "1.5", "1.0", "1e3", "1e999", "0x10", "0b1", "0o7", "010", "00", "1_000", "1,000", "1000001", "9223372036854775807", "9223372036854775808", "99999999999999999999",
		" 5", "5 ", "5\n", "5m", "30m", "1h", "5 minutes", "five", "true", "null", "~", "NaN", "٣", "５", "5\x00", "\xff", "--5", "5-",
	} {
		m, h, d, c := setting.Minutes(7), setting.Hours(7), setting.Days(7), setting.Count(7)
		for _, unit := range []encoding.TextUnmarshaler{&m, &h, &d, &c} {
			require.ErrorIs(t, unit.UnmarshalText([]byte(have)), setting.ErrNotWhole, "%q", have)
		}
		assert.Equal(t, [4]int{7, 7, 7, 7}, [4]int{int(m), int(h), int(d), int(c)}, "what is refused changes nothing")
	}
}

func TestUnitsConvert(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 30*time.Minute, setting.Minutes(30).Duration())
	assert.Equal(t, 24*time.Hour, setting.Hours(24).Duration())
	assert.Equal(t, 7*24*time.Hour, setting.Days(7).Duration())
	assert.Equal(t, [3]time.Duration{}, [3]time.Duration{setting.Minutes(0).Duration(), setting.Hours(0).Duration(), setting.Days(0).Duration()})
	assert.Equal(t, -5*time.Minute, setting.Minutes(-5).Duration())
}

// A very long time is the longest one, not a negative one.
func TestUnitsDoNotOverflow(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 106_751*24*time.Hour, setting.Days(106_751).Duration())
	for _, long := range []time.Duration{
		setting.Days(106_752).Duration(), setting.Days(1_000_000).Duration(), setting.Days(math.MaxInt).Duration(), setting.Hours(2_562_048).Duration(), setting.Minutes(math.MaxInt).Duration(),
	} {
		assert.Equal(t, time.Duration(math.MaxInt64), long)
	}
	assert.Positive(t, setting.Hours(1_000_000).Duration())
	assert.Positive(t, setting.Minutes(1_000_000).Duration())
}

func TestCountOr(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 9, setting.Count(0).Or(9))
	assert.Equal(t, 3, setting.Count(3).Or(9))
	assert.Equal(t, -3, setting.Count(-3).Or(9))
}

func TestUnitsInYAML(t *testing.T) {
	t.Parallel()
	var cfg struct {
		M setting.Minutes
		H setting.Hours
		D setting.Days
		C setting.Count
	}
	require.NoError(t, yaml.Unmarshal([]byte("m: 5\nh: 24\nd: '7'\nc: 3\n"), &cfg))
	assert.Equal(t, 5*time.Minute, cfg.M.Duration())
	assert.Equal(t, 24*time.Hour, cfg.H.Duration())
	assert.Equal(t, setting.Days(7), cfg.D)
	assert.Equal(t, setting.Count(3), cfg.C)
	for _, bad := range []string{"m: 010", "m: 1.5", "m: -1", "m: 5m", "m: 0x5", "m: true"} {
		require.Error(t, yaml.Unmarshal([]byte(bad), &cfg), bad)
	}
}

func TestToggle(t *testing.T) {
	t.Parallel()
	var unset setting.Toggle
	assert.True(t, unset.Enabled(), "the zero value is on")
	assert.Equal(t, setting.On, unset)
	for text, expected := range map[string]setting.Toggle{"true": setting.On, "false": setting.Off} {
		toggle := setting.On + setting.Off - expected // the other one
		require.NoError(t, toggle.UnmarshalText([]byte(text)))
		assert.Equal(t, expected, toggle)
		assert.Equal(t, text, toggle.String())
		out, err := toggle.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, text, string(out))
		assert.Equal(t, expected == setting.On, toggle.Enabled())
	}
	for _, text := range []string{"", "True", "TRUE", "False", "yes", "no", "on", "off", "1", "0", "t", "f", " true", "true ", "true\n", "null", "~", "enabled", "fаlse", "\xff"} {
		toggle := setting.Off
		require.ErrorIs(t, toggle.UnmarshalText([]byte(text)), setting.ErrNotToggle, "%q", text)
		assert.Equal(t, setting.Off, toggle, "what is refused changes nothing")
	}
}

func TestToggleInFiles(t *testing.T) {
	t.Parallel()
	var cfg struct{ Enabled setting.Toggle }
	require.NoError(t, yaml.Unmarshal([]byte("enabled: false"), &cfg))
	assert.False(t, cfg.Enabled.Enabled())
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Enabled":"false"}`, string(text))
}

// FuzzUnit: what is read is what is written back.
func FuzzUnit(f *testing.F) {
	for _, seed := range []string{"0", "30", "1000000", "010", "+5", "-0", "1e3", " 5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c setting.Count
		if err := c.UnmarshalText([]byte(text)); err != nil {
			require.ErrorIs(t, err, setting.ErrNotWhole)
			return
		}
		out, err := json.Marshal(c)
		require.NoError(t, err)
		require.Equal(t, text, string(out))
		require.True(t, c >= 0 && c <= 1_000_000)
	})
}
