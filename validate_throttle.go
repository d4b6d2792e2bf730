package authmodule

import (
	"fmt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func (p *problems) throttle(c Config) {
	for _, r := range []struct {
		key  string
		rate setting.Rate
	}{
		{"login_rate_limit", c.LoginRateLimit},
		{"throttle.address_rate_limit", c.Throttle.AddressRateLimit},
		{"throttle.pair_rate_limit", c.Throttle.PairRateLimit},
	} {
		if r.rate == "" {
			continue
		}
		if _, _, err := r.rate.Parse(); err != nil {
			p.add(r.key, "is not a rate", "set $VAR to a number from 1 to 1000000 and a unit, such as 5/minute; units are second, minute, hour and day")
		}
	}
	t := c.Throttle.WithDefaults()
	if t.LongestLockSeconds < t.LockSeconds {
		p.add("throttle.longest_lock_seconds", "is shorter than auth.throttle.lock_seconds", "raise $VAR, or lower LEX_AUTH__THROTTLE__LOCK_SECONDS")
	}
	for _, n := range []struct {
		key                   string
		value, shortest, most int
	}{
		{"throttle.ipv4_prefix", int(t.IPv4Prefix), authn.ShortestIPv4Prefix, 32},
		{"throttle.ipv6_prefix", int(t.IPv6Prefix), authn.ShortestIPv6Prefix, 128},
	} {
		if n.value < n.shortest || n.value > n.most {
			p.add(n.key, "is out of range", fmt.Sprintf("set $VAR to a whole number from %d to %d", n.shortest, n.most))
		}
	}
}
