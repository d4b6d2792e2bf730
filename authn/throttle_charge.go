package authn

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// charge is one counter that an attempt is counted in, and how.
type charge struct {
	key   CounterKey
	limit limit
	// windowed false counts consecutive failures alone.
	windowed bool
	// most is how many consecutive failures there may be; 0 does not count them.
	most int64
	// yields makes who had as many of them one like everybody else, and disables nothing.
	yields bool
}

// wait is for how long the counter refuses the attempt.
func (c charge) wait(n Counter, now time.Time) time.Duration {
	if !c.windowed {
		return 0
	}
	return c.limit.wait(n, now)
}

// longestPending is for how long an attempt may be under way. One of which nothing was heard by then has crashed.
const longestPending = 10 * time.Second

// busy reports whether what locks the counter may still turn out to be no failures.
func (c charge) busy(n Counter, now time.Time) bool {
	return n.Pending > 0 && now.Sub(n.Last).Abs() < longestPending
}

// spent is why a known device goes no further as one: its failures in a row are used up, or attempts under way may turn out to be none.
func (c charge) spent(n Counter, now time.Time) error {
	if c.busy(n, now) && !c.limit.ended(n, now) {
		return &ThrottledError{RetryAfter: retryBusy, busy: true}
	}
	return errDeviceSpent
}

// reserve counts the attempt as a failure. Where there are as many consecutive ones as there may be, spent is true.
func (c charge) reserve(n Counter, now time.Time) (next Counter, spent bool) {
	if c.windowed {
		n = c.limit.count(n, now)
		n.Pending++
	}
	spent = c.most > 0 && n.Consecutive >= c.most
	if c.most > 0 && !spent {
		n.Consecutive++
	}
	n.Last = now
	return c.kept(n), spent
}

// outcome is what became of an attempt.
type outcome uint8

const (
	failure outcome = iota
	success
	// notMade: nobody looked at the secret.
	notMade
)

// settle ends what reserve began, in whose window; a success does away with the consecutive failures.
func (c charge) settle(n Counter, window time.Time, o outcome) Counter {
	if c.windowed {
		n = c.limit.settle(n, window, o == failure)
	}
	switch {
	case c.most == 0:
	case o == success:
		n.Consecutive = 0
	case o == notMade:
		n.Consecutive = max(n.Consecutive-1, 0)
	}
	return c.kept(n)
}

func (c charge) kept(n Counter) Counter {
	n.Expires = time.Time{}
	switch {
	case n.Consecutive == 0:
		n.Expires = c.limit.expires(n)
	case c.key.Kind == CounterDevice:
		n.Expires = later(c.limit.expires(n), n.Last.Add(deviceMemory))
	}
	return n
}

// deviceMemory is for how long the failures of a device are kept, which is as long as one is known without a login.
const deviceMemory = 400 * 24 * time.Hour

// charges are the counters of an attempt. A known device has an allowance of its own, so that nobody else can use it up.
func (t *Throttle) charges(x Target, device string) []charge {
	network := t.network(x.Client.IP)
	who, account := x.Subject.ID, x.Subject.ID != ""
	if !account {
		who = "name " + hashed(string(x.Factor), x.Name)
	}
	var list []charge
	switch {
	case device != "":
		return []charge{
			{key: deviceKey(x, device), limit: t.limits.account, windowed: true, most: t.limits.device, yields: true},
			{key: accountKey(x.Subject, x.Factor), limit: t.limits.account, most: t.limits.all},
		}
	case account:
		list = append(list, charge{key: accountKey(x.Subject, x.Factor), limit: t.limits.account, windowed: true, most: t.limits.strangers})
	case x.Name != "":
		list = append(list, charge{key: CounterKey{x.Subject.Tenant, CounterName, who}, limit: t.limits.account, windowed: true})
	}
	if network == "" {
		return list
	}
	if account || x.Name != "" {
		list = append(list, charge{key: CounterKey{x.Subject.Tenant, CounterPair, hashed(string(x.Factor), who, network)}, limit: t.limits.pair, windowed: true})
	}
	return append(list, t.address(x.Factor, network))
}

// spentDevice are the counters of a device that had its failures in a row: those of one that is not known, until it succeeds. Whoever stole its cookie
// therefore disables nothing for other known devices.
func (t *Throttle) spentDevice(x Target, device string) []charge {
	return append(t.charges(x, ""), charge{key: deviceKey(x, device), limit: t.limits.account, most: math.MaxInt64})
}

// address is the same for all tenants: a client that tries them all is one.
func (t *Throttle) address(f Factor, network string) charge {
	return charge{key: CounterKey{Kind: CounterAddress, ID: string(f) + " " + network}, limit: t.limits.address, windowed: true}
}

// network is what counts as one client, empty where the address is unknown: those without one share no counter.
func (t *Throttle) network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	bits := t.limits.bits6
	if ip.Is4() {
		bits = t.limits.bits4
	}
	prefix, err := ip.Prefix(bits)
	if err != nil || !ip.IsValid() {
		return ""
	}
	return prefix.String()
}

func accountKey(s Subject, f Factor) CounterKey {
	return CounterKey{Tenant: s.Tenant, Kind: CounterKind(f), ID: s.ID}
}

func deviceKey(x Target, device string) CounterKey {
	return CounterKey{x.Subject.Tenant, CounterDevice, hashed(string(x.Factor), x.Subject.ID, device)}
}

// hashed makes one short text of several, so that a store has no more of what strangers type than its hash.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
