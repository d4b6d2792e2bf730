package transport_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
)

func trusting(networks ...string) func(*authmodule.Config) {
	return func(c *authmodule.Config) { c.HTTP.TrustedProxies = networks }
}

func from(peer string, headers ...string) *http.Request {
	r := request("GET", "/", "", headers...)
	r.RemoteAddr = peer
	return r
}

// IP-01, IP-02: without a trusted proxy the address is the peer's, whatever headers say.
func TestClientAddressIsThePeers(t *testing.T) {
	t.Parallel()
	gates := map[string]app{
		"no proxies":    start(t),
		"other proxies": startConfigured(t, trusting("10.0.0.0/8", "fd00::/8")),
	}
	spoofed := []string{
		"X-Forwarded-For", "1.2.3.4", "X-Real-Ip", "1.2.3.4", "Forwarded", "for=1.2.3.4", "True-Client-Ip", "1.2.3.4",
		"Cf-Connecting-Ip", "1.2.3.4", "X_Forwarded_For", "1.2.3.4", "x-forwarded-for", "1.2.3.4", "X-Client-Ip", "1.2.3.4",
	}
	testCases := []struct{ name, peer, expected string }{
		{"IPv4", "203.0.113.7:1234", "203.0.113.7"},
		{"IPv6", "[2001:db8::1]:1234", "2001:db8::1"},
		{"IPv4-mapped", "[::ffff:203.0.113.7]:1234", "203.0.113.7"},
		{"zone", "[fe80::1%eth0]:1234", "fe80::1"},
		{"loopback is not trusted by itself", "127.0.0.1:1234", "127.0.0.1"},
		{"nor are private networks", "192.168.0.1:1234", "192.168.0.1"},
		{"without port", "203.0.113.7", "203.0.113.7"},
		{"Unix socket", "@", "invalid IP"},
		{"nothing", "", "invalid IP"},
		{"name", "localhost:80", "invalid IP"},
	}
	for name, app := range gates {
		for _, tc := range testCases {
			t.Run(name+" "+tc.name, func(t *testing.T) {
				for _, headers := range [][]string{nil, spoofed} {
					assert.Equal(t, tc.expected, app.gate.Client(from(tc.peer, headers...)).IP.String())
				}
			})
		}
	}
}

// THR-05, IP-01: a proxy that is not named is told of, once; one that is named, and a request that nobody forwarded, is not.
func TestUnnamedProxyIsToldOf(t *testing.T) {
	t.Parallel()
	const told = "LEX_AUTH__HTTP__TRUSTED_PROXIES"
	app := startConfigured(t, trusting("10.0.0.0/8"))
	for _, r := range []*http.Request{
		from("203.0.113.7:1"), from("10.0.0.1:1", "X-Forwarded-For", "1.2.3.4"), from("10.0.0.1:1", "Forwarded", "for=1.2.3.4"), from("@", "X-Forwarded-For", "1.2.3.4"),
	} {
		app.gate.Client(r)
	}
	assert.NotContains(t, app.log.String(), told)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { app.gate.Client(from("203.0.113.7:1", "X-Forwarded-For", "192.0.2.99")) })
	}
	wg.Wait()
	app.gate.Client(from("203.0.113.8:1", "Forwarded", "for=1.2.3.4"))
	assert.Equal(t, 1, strings.Count(app.log.String(), told))
	assert.Contains(t, app.log.String(), "peer=203.0.113.7")
	assert.NotContains(t, app.log.String(), "192.0.2.99", "what the header says is anybody's word")
	other := start(t)
	other.gate.Client(from("203.0.113.7:1", "Forwarded", "for=1.2.3.4"))
	assert.Contains(t, other.log.String(), told)
}

// IP-03, IP-04: behind trusted proxies it is the right-most address that none of them has.
func TestClientAddressBehindProxies(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, trusting("10.0.0.0/8", "fd00::/8", "192.0.2.1/32"))
	xff := func(values ...string) (headers []string) {
		for _, value := range values {
			headers = append(headers, "X-Forwarded-For", value)
		}
		return headers
	}
	testCases := []struct {
		name, peer string
		headers    []string
		expected   string
	}{
		{"no header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"empty header", "10.0.0.1:1", xff(""), "10.0.0.1"},
		{"one hop", "10.0.0.1:1", xff("203.0.113.7"), "203.0.113.7"},
		{"what the client claims stands further left", "10.0.0.1:1", xff("1.1.1.1, 203.0.113.7"), "203.0.113.7"},
		{"two proxies", "10.0.0.1:1", xff("1.1.1.1, 203.0.113.7, 10.0.0.2"), "203.0.113.7"},
		{"proxies of several networks", "10.0.0.1:1", xff("1.1.1.1, 203.0.113.7, fd00::2, 192.0.2.1"), "203.0.113.7"},
		{"trusted alone", "10.0.0.1:1", xff("10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		{"several headers are one list", "10.0.0.1:1", xff("1.1.1.1", "203.0.113.7", "10.0.0.2"), "203.0.113.7"},
		{"no space", "10.0.0.1:1", xff("1.1.1.1,203.0.113.7,10.0.0.2"), "203.0.113.7"},
		{"tabs and spaces", "10.0.0.1:1", xff("1.1.1.1 ,\t 203.0.113.7 \t"), "203.0.113.7"},
		{"ports", "10.0.0.1:1", xff("203.0.113.7:555, 10.0.0.2:1"), "203.0.113.7"},
		{"IPv6 with port", "10.0.0.1:1", xff("[2001:db8::1]:555"), "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:1", xff("[2001:db8::1]"), "2001:db8::1"},
		{"IPv6", "10.0.0.1:1", xff("2001:DB8:0::1"), "2001:db8::1"},
		{"IPv4-mapped client", "10.0.0.1:1", xff("::ffff:203.0.113.7"), "203.0.113.7"},
		{"IPv4-mapped proxy", "[::ffff:10.0.0.1]:1", xff("203.0.113.7, ::ffff:10.0.0.2"), "203.0.113.7"},
		{"zone", "[fd00::1%eth0]:1", xff("fe80::1%eth0"), "fe80::1"},
		{"leading zeros are no address", "10.0.0.1:1", xff("203.0.113.07"), "10.0.0.1"},
		{"short forms are no address", "10.0.0.1:1", xff("1.1.1.1, 127.1"), "10.0.0.1"},
		{"numbers are no address", "10.0.0.1:1", xff("2130706433"), "10.0.0.1"},
		{"garbage ends the walk", "10.0.0.1:1", xff("203.0.113.7, garbage, 10.0.0.2"), "10.0.0.2"},
		{"empty hop ends the walk", "10.0.0.1:1", xff("203.0.113.7, , 10.0.0.2"), "10.0.0.2"},
		{"unknown ends the walk", "10.0.0.1:1", xff("203.0.113.7, unknown"), "10.0.0.1"},
		{"obfuscated hop", "10.0.0.1:1", xff("_hidden"), "10.0.0.1"},
		{"half a bracket", "10.0.0.1:1", xff("[203.0.113.7"), "10.0.0.1"},
		{"other half", "10.0.0.1:1", xff("203.0.113.7]"), "10.0.0.1"},
		{"line break", "10.0.0.1:1", xff("203.0.113.7\r\nX: y"), "10.0.0.1"},
		{"other headers are not read", "10.0.0.1:1", []string{"X-Real-Ip", "1.1.1.1", "Forwarded", "for=1.1.1.1"}, "10.0.0.1"},
		{"untrusted neighbour of a trusted one", "192.0.2.2:1", xff("203.0.113.7"), "192.0.2.2"},
		{"long list", "10.0.0.1:1", xff(strings.Repeat("1.1.1.1,", 10000) + "203.0.113.7"), "203.0.113.7"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.expected, app.gate.Client(from(tc.peer, tc.headers...)).IP.String())
		})
	}
}

// The address that a session is listed with is the one found above, never Echo's RealIP.
func TestSessionsShowTheClientAddress(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		change   func(*authmodule.Config)
		expected string
	}{
		{"no proxy", func(*authmodule.Config) {}, "192.0.2.1"},
		{"proxy", trusting("192.0.2.0/24"), "203.0.113.7"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, tc.change)
			user := app.User()
			headers := []string{"X-Forwarded-For", "1.1.1.1, 203.0.113.7", "X-Real-Ip", "1.1.1.1"}
			tokens := answer(t, app.Do(request("POST", "/auth/login", credentials(t, user.Email, password), headers...)), http.StatusOK)
			have := answer(t, app.Do(request("GET", "/auth/sessions", "", bearer(tokens["access_token"].(string))...)), http.StatusOK)
			assert.Equal(t, tc.expected, have["sessions"].([]any)[0].(map[string]any)["ip"])
			for _, e := range app.Events() {
				assert.Contains(t, []string{"", tc.expected}, e.IP, e.Type)
			}
		})
	}
}

// FuzzClientAddress: no header changes the address of a peer that is not a trusted proxy, and nothing panics.
func FuzzClientAddress(f *testing.F) {
	app := startConfigured(f, trusting("10.0.0.0/8"))
	for _, seed := range [][2]string{
		{"10.0.0.1:1", "1.1.1.1, 203.0.113.7"}, {"203.0.113.7:1", "1.1.1.1"}, {"[fe80::1%a]:1", "[::1]:1,,"}, {"@", "x"}, {"", ""},
		{"10.0.0.1", "[[1.1.1.1]]"}, {"[::ffff:10.0.0.1]:1", "::ffff:1.1.1.1%x"},
	} {
		f.Add(seed[0], seed[1])
	}
	proxies := netip.MustParsePrefix("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		alone := app.gate.Client(r).IP
		r.Header.Set("X-Forwarded-For", forwarded)
		have := app.gate.Client(r).IP
		if !proxies.Contains(alone) {
			require.Equal(t, alone, have)
		}
		require.Empty(t, have.Zone())
		require.False(t, have.Is4In6())
	})
}
