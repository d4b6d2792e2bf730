package echoauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/transport"
)

// forgery is one attack. Its headers are made from the good cookie, as name=value.
type forgery struct {
	row, name    string
	method, path string
	body         string
	headers      func(good string) []string
}

// cookieForgeries present the user's good cookie in ways in which it must not count.
func cookieForgeries() (out []forgery) {
	in := func(row, name string, cookies ...func(good string) string) {
		out = append(out, forgery{row, name, "GET", "/in", "", func(good string) (headers []string) {
			for _, c := range cookies {
				headers = append(headers, "Cookie", c(good))
			}
			return headers
		}})
	}
	is := func(text string) func(string) string { return func(string) string { return text } }
	before := func(text string) func(string) string { return func(good string) string { return text + good } }
	after := func(text string) func(string) string { return func(good string) string { return good + text } }
	value := func(change func(string) string) func(string) string {
		return func(good string) string { return received + change(strings.TrimPrefix(good, received)) }
	}
	named := func(name string) func(string) string {
		return func(good string) string { return name + "=" + strings.TrimPrefix(good, received) }
	}
	plain := before("")

	in("CK-04", "twice", func(good string) string { return good + "; " + good })
	in("CK-04", "twice, in two headers", plain, plain)
	in("CK-04", "planted before", before(received+"x; "))
	in("CK-04", "planted after", after("; "+received+"x"))
	in("CK-04", "planted in another header", plain, is(received+"x"))
	in("CK-04", "planted among others", before("a=b; "+received+"; c=d; "))
	in("CK-04", "once plain, once quoted", func(good string) string { return good + "; " + strings.Replace(good, "=", `="`, 1) + `"` })
	in("CK-04", "planted with a control byte, which parsers drop", before(received+"\x01; "))
	in("CK-04", "planted with a byte that is not UTF-8", before(received+"\xff; "))
	in("CK-04", "planted without a value", before("__Host-session; "))
	in("CK-04", "planted without a space", before(received+"x;"))
	for _, space := range []string{"\u2000", "\u0085", "\u00a0", "\u3000", "\ufeff", "\u200b", "\v", "\f", "\x1f"} {
		in("CK-04", "space before the name: "+strings.ToUpper(strings.Trim(quoted(space), `"`)), before(space))
		in("CK-04", "space after the name: "+strings.ToUpper(strings.Trim(quoted(space), `"`)), named("__Host-session"+space))
	}
	in("CK-04", "ASCII space after the name", named("__Host-session "))
	in("CK-01", "name in lower case", named("__host-session"))
	in("CK-01", "name in upper case", named("__HOST-SESSION"))
	in("CK-01", "the name of plain HTTP", named("session"))
	in("CK-01", "the other prefix", named("__Secure-session"))
	in("CK-01", "name with a colon", named("__Host-session:"))
	in("CK-04", "in the value of another", before("a="))
	in("CK-04", "behind a comma", before("a=b, "))
	in("CK-04", "$Version", before(`$Version="1"; a="b, `))
	in("CK-03", "quoted", value(func(v string) string { return `"` + v + `"` }))
	in("CK-03", "NUL at the end", after("\x00"))
	in("CK-03", "NUL in the middle", value(func(v string) string { return v[:20] + "\x00" + v[20:] }))
	in("CK-03", "line feed at the end", after("\n"))
	in("CK-03", "space in the value", value(func(v string) string { return v[:20] + " " + v[20:] }))
	in("CK-03", "percent-encoded", value(func(v string) string { return strings.ReplaceAll(v, "_", "%5f") }))
	in("CK-03", "upper case", value(strings.ToUpper))
	in("CK-03", "4,097 bytes", after(strings.Repeat("a", 4097)))
	in("CK-03", "attribute in the value", after(",Path=/"))
	in("FIX-01", "session ID alone", value(func(v string) string { return strings.Split(v, "_")[1] }))
	in("FIX-01", "another secret", value(func(v string) string { return v[:len(v)-52] + strings.Repeat("a", 52) }))
	in("FIX-01", "an ID of the attacker's", is(received+"cs_"+strings.Repeat("a", 34)+"_"+strings.Repeat("a", 52)))
	in("FIX-01", "another kind", value(func(v string) string { return "rt" + v[2:] }))
	for _, place := range []string{"Session", "X-Session-Id", "Cookie2", "Set-Cookie", "Authorization"} {
		out = append(out, forgery{"FIX-01", "in the header " + place, "GET", "/in", "", func(good string) []string {
			return []string{place, good}
		}})
	}
	return append(out, forgery{"FIX-01", "in the query", "GET", "/in?__Host-session=x&session=x", "", func(string) []string { return nil }})
}

// CK-01, CK-03, CK-04, FIX-01, REL-21.
func TestForgedCookies(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	expected := problem(t, b.Do(request("GET", "/in", "")))
	require.Equal(t, "unauthenticated", expected.Code)
	attacks := cookieForgeries()
	require.GreaterOrEqual(t, len(attacks), 50)
	for _, attack := range attacks {
		t.Run(attack.row+" "+attack.name, func(t *testing.T) {
			before := len(b.Events(acts()...))
			b.held(t, b.Do(request(attack.method, attack.path, "", attack.headers(b.cookie.Name+"="+b.cookie.Value)...)), expected, before)
		})
	}
	good := b.cookie.Name + "=" + b.cookie.Value
	for name, cookies := range map[string][]string{
		"alone": {good}, "among others": {"a=b; " + good + "; c=d"}, "without spaces": {"a=b;" + good + ";c=d"}, "with tabs": {"a=b;\t " + good + "\t; c=d"},
		"in the second header": {"a=b", good}, "beside one of another case": {"__host-session=x; " + good}, "beside one with a space": {"\u2000" + received + "x; " + good},
		"beside the insecure one": {"session=x; " + good}, "beside an empty one": {"; ;=;" + good + ";"},
	} {
		var headers []string
		for _, c := range cookies {
			headers = append(headers, "Cookie", c)
		}
		assert.Equal(t, b.user.Subject.ID, b.Do(request("GET", "/in", "", headers...)).Body.String(), "control: %s", name)
	}
}

// otherPlaces are what a browser says of a request that a page elsewhere made it send, and what an attacker makes of that.
func otherPlaces() map[string][]string {
	out := origins(true)
	for name, headers := range map[string][]string{
		"same host by plain HTTP":            {"Origin", "http://example.com"},
		"another scheme":                     {"Origin", "ftp://evil.example.com"},
		"a file":                             {"Origin", "file://"},
		"an extension":                       {"Origin", "chrome-extension://abcdef"},
		"host as a prefix":                   {"Origin", "https://example.comevil.net"},
		"host as a suffix":                   {"Origin", "https://evilexample.com"},
		"host with a dot at its end":         {"Origin", "https://example.com."},
		"Cyrillic look-alike":                {"Origin", "https://ex\u0430mple.com"},
		"punycode look-alike":                {"Origin", "https://xn--exmple-4nf.com"},
		"Kelvin-like folding":                {"Origin", "https://EXAMPLE.com"},
		"backslash":                          {"Origin", `https://evil.net\@example.com`},
		"host in the path":                   {"Origin", "https://evil.net/example.com"},
		"host in the fragment":               {"Origin", "https://evil.net#example.com"},
		"host in the query":                  {"Origin", "https://evil.net?example.com"},
		"port with a user":                   {"Origin", "https://example.com:443@evil.net"},
		"two origins in one":                 {"Origin", "https://example.com https://evil.net"},
		"two origins, with a comma":          {"Origin", "https://example.com, https://evil.net"},
		"two Origin headers":                 {"Origin", "https://example.com", "Origin", "https://evil.net"},
		"two Origin headers, other way":      {"Origin", "https://evil.net", "Origin", "https://example.com"},
		"empty Origin":                       {"Origin", ""},
		"spaces for an Origin":               {"Origin", " "},
		"our host with a user":               {"Origin", "https://evil@example.com"},
		"our host with a path":               {"Origin", "https://example.com/"},
		"our host with a fragment":           {"Origin", "https://example.com#evil"},
		"our host without a scheme":          {"Origin", "//example.com"},
		"our host with a scheme of scripts":  {"Origin", "javascript://example.com"},
		"scheme in upper case":               {"Origin", "HTTPS://example.com"},
		"no host":                            {"Origin", "https://"},
		"percent-encoded host":               {"Origin", "https://example%2ecom"},
		"broken Origin":                      {"Origin", "https://[::1"},
		"upper-case null":                    {"Origin", "NULL"},
		"two Sec-Fetch-Site headers":         {"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"},
		"Sec-Fetch-Site as a list":           {"Sec-Fetch-Site", "same-origin, cross-site"},
		"Sec-Fetch-Site in upper case":       {"Sec-Fetch-Site", "SAME-ORIGIN"},
		"empty Sec-Fetch-Site":               {"Sec-Fetch-Site", ""},
		"same-site, forged forwarded host":   {"Sec-Fetch-Site", "same-site", "X-Forwarded-Host", "other.example.com", "Origin", "https://other.example.com"},
		"forwarded host":                     {"Origin", "https://evil.net", "X-Forwarded-Host", "evil.net", "Forwarded", "host=evil.net"},
		"forwarded protocol":                 {"Origin", "http://example.com", "X-Forwarded-Proto", "http"},
		"cross-site form":                    {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.net", "Content-Type", "application/x-www-form-urlencoded"},
		"cross-site frame":                   {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe", "Origin", "null"},
		"cross-site, user activated":         {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-User", "?1", "Sec-Fetch-Mode", "navigate"},
		"cross-site, with a Referer of ours": {"Sec-Fetch-Site", "cross-site", "Referer", "https://example.com/"},
		"cross-site, as XMLHttpRequest":      {"Sec-Fetch-Site", "cross-site", "X-Requested-With", "XMLHttpRequest"},
		"override header, GET":               {"Sec-Fetch-Site", "cross-site", "X-Http-Method-Override", "GET"},
		"override header, OPTIONS":           {"Origin", "https://evil.net", "X-Method-Override", "OPTIONS"},
	} {
		out[name] = headers
	}
	return out
}

// The module's routes that change state, and two of the application's.
var writes = [][2]string{
	{"POST", "/write"}, {"PUT", "/write"}, {"PATCH", "/write"}, {"DELETE", "/write"}, {"TRACE", "/write"},
	{"POST", "/auth/register"}, {"POST", "/auth/login"}, {"POST", "/auth/refresh"}, {"POST", "/auth/logout"}, {"POST", "/auth/setup"},
	{"DELETE", "/auth/sessions"}, {"DELETE", "/auth/sessions/x"}, {"POST", "/auth/revoke"}, {"POST", "/auth/introspect"},
	{"POST", "/auth/api-keys"}, {"POST", "/auth/api-keys/x/rotate"}, {"DELETE", "/auth/api-keys/x"},
	{"POST", "/auth/keys/rotate"}, {"DELETE", "/auth/keys/x"},
	// CSRF-05: a method that was overridden after routing, and a handshake.
	{"POST", "/write?_method=GET"}, {"POST", "/auth/logout?_method=GET"}, {"POST", "/auth/logout?_method=OPTIONS"}, {"POST", "/auth/login?_method=GET"},
	{"DELETE", "/auth/sessions?_method=GET"},
}

// CSRF-01, CSRF-03, CSRF-05, CSRF-06, NIST-12, REL-21: every place, to every route that writes.
func TestForgedOrigins(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	expected := transport.Problem{Type: "about:blank", Title: "Forbidden", Status: 403, Code: "cross_origin", Detail: "a browser sent this from another origin"}
	places := otherPlaces()
	require.GreaterOrEqual(t, len(places), 45)
	attackers := bearer(b.Token(b.Principal())) // CSRF-06: an attacker's own token beside the cookie frees nothing
	for name, headers := range places {
		t.Run(name, func(t *testing.T) {
			before := len(b.Events(acts()...))
			for _, route := range writes {
				withLength := append([]string{"Content-Length", "0"}, headers...) // as browsers send with every write, and an Origin
				if !slices.Contains(headers, "Origin") {
					withLength = append(withLength, "Origin", "null")
				}
				b.held(t, b.Do(request(route[0], route[1], "", append(withLength, sent(b.cookie)...)...)), expected, before)
				if strings.HasPrefix(route[1], "/auth/") {
					b.held(t, b.Do(request(route[0], route[1], "", append(headers, sent(b.cookie)...)...)), expected, before)
					b.held(t, b.Do(request(route[0], route[1], "", append(append(headers, attackers...), sent(b.cookie)...)...)), expected, before)
				}
			}
			handshake := append([]string{"Connection", "Upgrade", "Upgrade", "websocket"}, headers...)
			b.held(t, b.Do(request("GET", "/write", "", append(handshake, sent(b.cookie)...)...)), expected, before)
			b.held(t, b.Do(request("GET", "/auth/me", "", append(handshake, sent(b.cookie)...)...)), expected, before)
		})
	}
	for name, headers := range origins(false) {
		for _, route := range writes[:4] {
			w := b.Do(request(route[0], route[1], "", append(headers, sent(b.cookie)...)...))
			assert.Equal(t, http.StatusOK, w.Code, "control: %s %v", name, route)
		}
		w := b.Do(request("POST", "/auth/refresh", `{"refresh_token":"x"}`, append(headers, sent(b.cookie)...)...))
		assert.Equal(t, "refresh_invalid", codeOf(t, w), "control: %s", name)
	}
	w := b.Do(request("POST", "/auth/logout", "", append(sent(b.cookie), "Sec-Fetch-Site", "same-origin", "Origin", "null")...))
	assert.Equal(t, http.StatusNoContent, w.Code, "control: a page without a referrer")
}

// IP-01 to IP-05, REL-21: a cookie that is bound to its address does not count elsewhere, whatever the request says of itself.
func TestForgedAddresses(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, `,"bind":"ip"`, func(c *authmodule.Config) { c.HTTP.TrustedProxies = []string{"10.0.0.0/8"} })
	const home = "192.0.2.1"
	attack := func(name, peer string, headers ...string) {
		t.Run(name, func(t *testing.T) {
			before := len(b.Events(acts()...))
			r := request("GET", "/in", "", append(headers, sent(b.cookie)...)...)
			r.RemoteAddr = peer
			b.held(t, b.Do(r), transport.Problem{
				Type: "about:blank", Title: "Unauthorized", Status: 401, Code: "token_binding",
				Detail: "the credential is bound to another client, or must be bound and is not",
			}, before)
		})
	}
	const elsewhere, proxy = "203.0.113.9:1", "10.0.0.1:1"
	for _, header := range []string{
		"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"X_Forwarded_For", "x-forwarded-for", "X-Forwarded", "X-Original-Forwarded-For", "X-Envoy-External-Address", "Via",
	} {
		text := home
		if header == "Forwarded" {
			text = "for=" + home
		}
		attack(header+" from anywhere", elsewhere, header, text)
		if !strings.EqualFold(header, "X-Forwarded-For") {
			attack(header+" through the proxy", proxy, header, text, "X-Forwarded-For", "203.0.113.9")
		}
	}
	for name, list := range map[string]string{
		"claimed further left": home + ", 203.0.113.9", "claimed further left, through two": home + ", 203.0.113.9, 10.0.0.2", "nothing": "", "not an address": home + ", x",
		"leading zeros": "192.0.2.01", "short": "192.0.513", "as a number": "3221225985", "hexadecimal": "0xc0000201", "with a length": home + "/32",
		"in quotes": `"` + home + `"`, "behind a space": home + " 203.0.113.9", "as IPv4-compatible IPv6": "::192.0.2.1", "as NAT64": "64:ff9b::192.0.2.1",
	} {
		attack("X-Forwarded-For through the proxy: "+name, proxy, "X-Forwarded-For", list)
	}
	attack("two headers", proxy, "X-Forwarded-For", home, "X-Forwarded-For", "203.0.113.9")
	attack("no address", "@", "X-Forwarded-For", home)
	for name, r := range map[string][]string{
		"home": {homeAddress}, "home through the proxy": {proxy, "X-Forwarded-For", home}, "mapped": {"[::ffff:192.0.2.1]:1"}, "with a claim further left": {proxy, "X-Forwarded-For", "1.1.1.1, " + home},
	} {
		have := request("GET", "/in", "", append(r[1:], sent(b.cookie)...)...)
		have.RemoteAddr = r[0]
		assert.Equal(t, b.user.Subject.ID, b.Do(have).Body.String(), "control: %s", name)
	}
}
