package setting

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrNotRate is the reason a [Rate] is refused when read.
var ErrNotRate = errors.New("must be a number from 1 to 1000000 and a unit, such as 5/minute; units are second, minute, hour and day")

// Rate is how often something may happen, such as 5/minute. Empty means "use the default".
type Rate string

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	if _, _, err := Rate(text).Parse(); err != nil {
		return err
	}
	*r = Rate(text)
	return nil
}

// Parse returns how often it may happen, and in what time. The unit may be in the plural. The error is [ErrNotRate].
func (r Rate) Parse() (n int, per time.Duration, err error) {
	count, unit, found := strings.Cut(string(r), "/")
	n, err = strconv.Atoi(count)
	if !found || err != nil || n < 1 || n > largest || strconv.Itoa(n) != count {
		return 0, 0, ErrNotRate
	}
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		per = time.Second
	case "minute":
		per = time.Minute
	case "hour":
		per = time.Hour
	case "day":
		per = 24 * time.Hour
	default:
		return 0, 0, ErrNotRate
	}
	return n, per, nil
}
