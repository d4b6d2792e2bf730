package authn_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

const breachedPassword = "a breached password of some length"

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// rangeServer is a local server of the Pwned Passwords protocol; answer may stand in for its own.
func rangeServer(t testing.TB, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer != nil {
			answer(w, r)
			return
		}
		own := sha1Hex(breachedPassword)
		if r.Header.Get("Add-Padding") != "true" || r.URL.Path != "/range/"+own[:5] && len(r.URL.Path) != len("/range/")+5 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n%s:7\r\n%s:0\r\n", own[5:], sha1Hex("padding of some length")[5:])
	}))
	t.Cleanup(server.Close)
	return server
}

func newBreaches(t testing.TB, cfg authn.BreachConfig) (*authn.Breaches, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	b, err := authn.NewBreaches(cfg, authn.BreachDeps{Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, b.Close()) })
	return b, log
}

func check(t testing.TB, b *authn.Breaches, password string) error {
	t.Helper()
	return b.CheckPassword(t.Context(), authn.NewPassword{Password: setting.Secret(password)})
}

// V6.2.12: a breached password is refused; the server learns five digits, and padding is no finding.
func TestV6212BreachedPasswordsOnline(t *testing.T) {
	t.Parallel()
	var paths []string
	inner := rangeServer(t, nil)
	server := rangeServer(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		assert.Equal(t, "true", r.Header.Get("Add-Padding"))
		assert.NotEmpty(t, r.UserAgent())
		inner.Config.Handler.ServeHTTP(w, r)
	})
	b, log := newBreaches(t, authn.BreachConfig{Online: true, URL: server.URL + "/range"})
	require.Equal(t, []string{"breached"}, codes(t, check(t, b, breachedPassword)))
	require.NoError(t, check(t, b, ownPassword))
	require.NoError(t, check(t, b, "padding of some length"), "a count of 0 is padding")
	require.Equal(t, "/range/"+sha1Hex(breachedPassword)[:5], paths[0])
	for _, path := range paths {
		assert.Len(t, path, len("/range/")+5)
	}
	assert.Empty(t, log.String())
	often, _ := newBreaches(t, authn.BreachConfig{Online: true, URL: server.URL + "/range", Least: 8})
	require.NoError(t, check(t, often, breachedPassword))
}

// V6.2.12: what happens without an answer is chosen, and nothing but an answer is taken for one.
func TestV6212BreachOutages(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	own := sha1Hex(breachedPassword)
	for name, answer := range map[string]http.HandlerFunc{
		"500":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"429":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"a redirect":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"a proxy's page":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>please log in</html>") },
		"a broken line":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, own[5:]+":7\r\nxyz\r\n") },
		"no count":        func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, own[5:]+"\r\n") },
		"a negative":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, own[5:]+":-1\r\n") },
		"whole hashes":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, own+":7\r\n") },
		"a flood":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(own[5:]+":7\r\n", 40_000)) },
		"an endless wait": func(_ http.ResponseWriter, r *http.Request) { wait(r.Context(), never) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, own[5:]+":7\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := authn.BreachConfig{Online: true, URL: rangeServer(t, answer).URL, TimeoutMilliseconds: 200}
			closed, log := newBreaches(t, cfg)
			require.ErrorIs(t, check(t, closed, breachedPassword), authn.ErrBreachUnavailable)
			cfg.OnOutage = authn.BreachOpen
			open, openLog := newBreaches(t, cfg)
			require.NoError(t, check(t, open, breachedPassword))
			for _, text := range []string{log.String(), openLog.String()} {
				assert.Contains(t, text, "level=WARN")
				assert.NotContains(t, text, own[:5], "the log shows a part of the hash")
			}
		})
	}
}

func wait(ctx context.Context, never <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-never:
	}
}

func breachFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "breached.txt")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	return path
}

// V6.2.12: every line of a file is found, and nothing else, whatever its lines end with.
func TestV6212BreachedPasswordsInAFile(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 10, 1000} {
		for name, line := range map[string]func(i int, hash string) string{
			"as downloaded":   func(i int, hash string) string { return fmt.Sprintf("%s:%d\r\n", hash, i*i+1) },
			"without counts":  func(_ int, hash string) string { return hash + "\n" },
			"lower case":      func(i int, hash string) string { return fmt.Sprintf("%s:%d\n", strings.ToLower(hash), i+1) },
			"long counts":     func(_ int, hash string) string { return hash + ":2147483647\r\n" },
			"no end, at last": func(i int, hash string) string { return strings.Repeat("\n", min(i, 1)) + hash },
		} {
			hashes := make([]string, n)
			for i := range hashes {
				hashes[i] = sha1Hex(fmt.Sprint("password ", i))
			}
			slices.Sort(hashes)
			lines := make([]string, n)
			for i, hash := range hashes {
				lines[i] = line(i, hash)
			}
			b, _ := newBreaches(t, authn.BreachConfig{File: breachFile(t, lines...)})
			for i := range n {
				require.Equal(t, []string{"breached"}, codes(t, check(t, b, fmt.Sprint("password ", i))), "%s, %d of %d", name, i, n)
			}
			for i := range 50 {
				require.NoError(t, check(t, b, fmt.Sprint("other ", i)), "%s, %d", name, n)
			}
		}
	}
}

func TestBreachFileCounts(t *testing.T) {
	t.Parallel()
	b, _ := newBreaches(t, authn.BreachConfig{File: breachFile(t, sha1Hex(breachedPassword)+":7\n"), Least: 7})
	require.Error(t, check(t, b, breachedPassword))
	b, _ = newBreaches(t, authn.BreachConfig{File: breachFile(t, sha1Hex(breachedPassword)+":6\n"), Least: 7})
	require.NoError(t, check(t, b, breachedPassword))
}

// The password counts as it is hashed: normalised.
func TestBreachesAreNormalised(t *testing.T) {
	t.Parallel()
	b, _ := newBreaches(t, authn.BreachConfig{File: breachFile(t, sha1Hex("caf\u00e9 of some length")+"\n")})
	require.Error(t, check(t, b, "cafe\u0301 of some length"))
}

// A file that cannot be used keeps the application from starting; one that becomes unusable is an outage.
func TestBreachFileFaults(t *testing.T) {
	t.Parallel()
	a, z := strings.Repeat("0", 40)+":1\n", strings.Repeat("F", 40)+":1\n"
	for name, lines := range map[string][]string{
		"empty": {""}, "text": {"password\n"}, "NTLM": {strings.Repeat("0", 32) + ":1\n"}, "descending": {z, a}, "an empty line at the end": {a, z, "\n"},
		"one long line": {strings.Repeat("0", 1000)}, "no count": {a, strings.Repeat("F", 40) + ":\n"}, "binary": {string(make([]byte, 100))},
	} {
		_, err := authn.NewBreaches(authn.BreachConfig{File: breachFile(t, lines...)}, authn.BreachDeps{Log: slog.New(slog.DiscardHandler)})
		require.Error(t, err, name)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		_, err := authn.OpenBreachFile(path)
		require.Error(t, err)
	}
	high := "password 0"
	for i := 0; sha1Hex(high) < "8"; i++ {
		high = fmt.Sprint("password ", i)
	}
	low := func(digit string, n int) string { return strings.Repeat(strings.Repeat(digit, 40)+":1\n", n) }
	for name, middle := range map[string]string{"text": strings.Repeat("text in the middle\n", 50), "out of order": low("6", 70) + low("2", 30)} {
		b, _ := newBreaches(t, authn.BreachConfig{File: breachFile(t, a, middle, z)})
		require.ErrorIs(t, check(t, b, high), authn.ErrBreachUnavailable, name)
	}
}

// The file is looked at first; without the server, what it has is refused all the same.
func TestBreachFileBeforeTheServer(t *testing.T) {
	t.Parallel()
	asked := false
	server := rangeServer(t, func(w http.ResponseWriter, _ *http.Request) { asked = true; w.WriteHeader(http.StatusBadGateway) })
	b, _ := newBreaches(t, authn.BreachConfig{Online: true, URL: server.URL, OnOutage: authn.BreachOpen, File: breachFile(t, sha1Hex(breachedPassword)+"\n")})
	require.Equal(t, []string{"breached"}, codes(t, check(t, b, breachedPassword)))
	assert.False(t, asked)
	require.NoError(t, check(t, b, ownPassword))
	assert.True(t, asked)
}

func TestBreachesRefuseConfigurations(t *testing.T) {
	t.Parallel()
	deps := authn.BreachDeps{Log: slog.New(slog.DiscardHandler)}
	for name, cfg := range map[string]authn.BreachConfig{
		"http": {Online: true, URL: "http://example.com/range/"}, "a query": {Online: true, URL: "https://example.com/range?x="}, "no URL": {Online: true, URL: "range"},
		"long": {Online: true, TimeoutMilliseconds: 10_001}, "negative": {Online: true, TimeoutMilliseconds: -1}, "an outage": {Online: true, OnOutage: "maybe"}, "least": {Online: true, Least: -1},
	} {
		_, err := authn.NewBreaches(cfg, deps)
		require.Error(t, err, name)
	}
	none, err := authn.NewBreaches(authn.BreachConfig{}, authn.BreachDeps{})
	require.NoError(t, err)
	require.Nil(t, none, "off by default")
}

// Whatever a server answers, it is a count, or an outage.
func FuzzBreachRange(f *testing.F) {
	own := sha1Hex(breachedPassword)[5:]
	for _, seed := range []string{own + ":7\r\n", own + ":0", ":", "\r\n", strings.ToLower(own) + ":1\n" + own + ":2", own + ":99999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			recorder := httptest.NewRecorder()
			_, _ = recorder.Write(answer)
			return recorder.Result(), nil
		})}
		b, err := authn.NewBreaches(authn.BreachConfig{Online: true}, authn.BreachDeps{Client: client, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		err = check(t, b, breachedPassword)
		listed := bytes.Contains(bytes.ToUpper(answer), []byte(own+":"))
		var field *authn.FieldError
		switch {
		case err == nil:
			require.NotEmpty(t, answer)
		case errors.As(err, &field):
			require.Equal(t, "breached", field.Code)
			require.True(t, listed)
		default:
			require.ErrorIs(t, err, authn.ErrBreachUnavailable)
		}
	})
}

// Whatever a file has, it is opened or not, and then answers or is an outage.
func FuzzBreachFile(f *testing.F) {
	own := sha1Hex(breachedPassword)
	for _, seed := range []string{own + ":7\r\n", own, "\n\n\n", own + "\n" + own, strings.Repeat("0", 40) + ":1\n" + own + ":1\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		file, err := authn.OpenBreachFile(path)
		if err != nil {
			return
		}
		count, err := file.Breaches(t.Context(), authn.SHA1(sha1.Sum([]byte(breachedPassword))))
		if err == nil && count > 0 {
			require.True(t, bytes.Contains(bytes.ToUpper(content), []byte(own)))
		}
		require.NoError(t, file.Close())
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
