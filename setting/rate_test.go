package setting_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/setting"
)

func TestRate(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]struct {
		n   int
		per time.Duration
	}{
		"5/minute": {5, time.Minute}, "1/second": {1, time.Second}, "20/hours": {20, time.Hour}, "1000000/days": {1_000_000, 24 * time.Hour},
	} {
		var r setting.Rate
		require.NoError(t, r.UnmarshalText([]byte(have)), have)
		n, per, err := r.Parse()
		require.NoError(t, err)
		assert.Equal(t, expected.n, n)
		assert.Equal(t, expected.per, per)
	}
	for _, have := range []string{
		"", "5", "/minute", "5/", "0/minute", "-1/minute", "+5/minute", "05/minute", "5 / minute", "5/Minute", "5/minutess", "5/month", "5/minute/hour",
		"1000001/minute", "99999999999999999999/minute", "1.5/minute", "٣/minute", "5/minute\n",
	} {
		r := setting.Rate("7/hour")
		require.ErrorIs(t, r.UnmarshalText([]byte(have)), setting.ErrNotRate, "%q", have)
		assert.Equal(t, setting.Rate("7/hour"), r, "what is refused changes nothing")
	}
}
