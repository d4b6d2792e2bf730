package setting

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// ErrNotWhole is the reason a duration or a count is refused when read.
var ErrNotWhole = errors.New("must be a whole number from 0 to 1000000")

const largest = 1_000_000

// Minutes, Hours and Days are whole numbers of their unit. Zero means "use the default".
type (
	// Minutes is a duration in whole minutes.
	Minutes int
	// Hours is a duration in whole hours.
	Hours int
	// Days is a duration in whole days of 24 hours.
	Days int
	// Count is a whole number of things. Zero means "use the default".
	Count int
)

// Duration converts to a time.Duration, at most the longest there is.
func (m Minutes) Duration() time.Duration { return times(int(m), time.Minute) }

// Duration converts to a time.Duration, at most the longest there is.
func (h Hours) Duration() time.Duration { return times(int(h), time.Hour) }

// Duration converts to a time.Duration, at most the longest there is, which is 106,751 days.
func (d Days) Duration() time.Duration { return times(int(d), 24*time.Hour) }

// times does not overflow: a very long time must not become a negative one.
func times(n int, unit time.Duration) time.Duration {
	if int64(n) > int64(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// Or returns c, or fallback when c is zero.
func (c Count) Or(fallback int) int {
	if c == 0 {
		return fallback
	}
	return int(c)
}

// UnmarshalText reads a whole number of minutes.
func (m *Minutes) UnmarshalText(text []byte) error { return whole(text, (*int)(m)) }

// UnmarshalText reads a whole number of hours.
func (h *Hours) UnmarshalText(text []byte) error { return whole(text, (*int)(h)) }

// UnmarshalText reads a whole number of days.
func (d *Days) UnmarshalText(text []byte) error { return whole(text, (*int)(d)) }

// UnmarshalText reads a whole number.
func (c *Count) UnmarshalText(text []byte) error { return whole(text, (*int)(c)) }

// whole takes digits alone: a sign means nothing here, and a leading zero means octal to some readers of YAML.
func whole(text []byte, into *int) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > largest || strconv.Itoa(n) != string(text) {
		return ErrNotWhole
	}
	*into = n
	return nil
}
