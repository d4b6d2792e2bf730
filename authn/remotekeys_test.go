package authn_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// bubbleKit is a kit whose clock is that of the synctest bubble it is made in.
func bubbleKit(t *testing.T, change ...func(*authn.IssuerConfig)) issuerKit {
	t.Helper()
	return newIssuerKitAt(t, time.Now, change...)
}

// outside makes the keys that all bubbles share.
func outside(t *testing.T) {
	t.Helper()
	t.Parallel()
	_, err := tokenKeys()
	require.NoError(t, err)
}

// Keys are fetched by the first token and then at hand.
func TestRemoteKeysAreFetchedOnce(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		assert.Zero(t, kit.publisher.fetches(), "nothing is fetched before a token needs it")
		for range 100 {
			kit.accepts(t, kit.token(t, nil))
		}
		assert.Equal(t, []string{"GET " + corpKeys}, kit.publisher.asked)
	})
}

// However many first tokens come at once, one fetch serves them all; and who gives up waiting stops nobody.
func TestRemoteKeysShareOneFetch(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		answer := kit.publisher.answer
		kit.publisher.set(func(r *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return answer(r)
		})
		token := kit.token(t, nil)
		issuer := kit.issuers.Of(token)
		var group sync.WaitGroup
		var good, gone atomic.Int64
		for i := range 50 {
			group.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%10 == 0 {
					time.AfterFunc(time.Second, cancel)
				}
				_, err := issuer.Authenticate(ctx, token, authn.Client{})
				if err == nil {
					good.Add(1)
				} else if assert.ErrorIs(t, err, authn.ErrKeysUnavailable) {
					gone.Add(1)
				}
			})
		}
		group.Wait()
		assert.EqualValues(t, 45, good.Load())
		assert.EqualValues(t, 5, gone.Load())
		assert.Equal(t, 1, kit.publisher.fetches())
	})
}

// JWT-43, JWT-07: 10,000 tokens with random kids in 10 seconds cause one fetch at most.
func TestJWT43RandomKidsCauseOneFetch(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		flood := func() {
			for i := range 10_000 {
				kit.refuses(t, kit.unsigned(fmt.Sprintf("kid-%d", i)), authn.ErrTokenKey)
				time.Sleep(time.Millisecond)
			}
		}
		kit.accepts(t, kit.token(t, nil))
		flood()
		assert.Equal(t, 1, kit.publisher.fetches(), "the cool-down begins with the first fetch")
		time.Sleep(20 * time.Second)
		flood()
		assert.Equal(t, 2, kit.publisher.fetches())
		kit.publisher.down()
		time.Sleep(20 * time.Second)
		flood()
		assert.Equal(t, 3, kit.publisher.fetches(), "a failed fetch cools down as well")
		kit.accepts(t, kit.token(t, nil))
	})
}

// unsigned is a token whose signature is never looked at.
func (k issuerKit) unsigned(kid string) setting.Secret {
	return setting.Secret(encode64(k.header(map[string]string{"kid": quoteJSON(kid)})) + "." + encode64(k.payload(nil)) + ".AAAA")
}

// REL-15: for 10 minutes, and up to the bound, an issuer that is down stops no token with a known kid.
func TestREL15IssuerIsDown(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		kit.accepts(t, kit.token(t, nil))
		kit.publisher.down()
		time.Sleep(15 * time.Minute)
		before := kit.publisher.fetches()
		for range 600 {
			kit.accepts(t, kit.token(t, nil))
			kit.refuses(t, kit.unsigned("other"), authn.ErrTokenKey)
			time.Sleep(time.Second)
		}
		assert.LessOrEqual(t, kit.publisher.fetches()-before, 20, "one in 30 seconds")
		assert.Contains(t, kit.log.String(), "connection refused")
		assert.LessOrEqual(t, strings.Count(kit.log.String(), "\n"), 20)

		time.Sleep(24*time.Hour - 25*time.Minute - time.Second)
		kit.accepts(t, kit.token(t, nil))
		time.Sleep(time.Second)
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		kit.refuses(t, kit.unsigned("other"), authn.ErrKeysUnavailable)

		kit.publisher.publish(t, kit.key)
		time.Sleep(30 * time.Second)
		kit.accepts(t, kit.token(t, nil))
	})
}

// The bound can be set, and holds also where the issuer answers nonsense instead of keys.
func TestRemoteKeysStaleBound(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t, func(c *authn.IssuerConfig) { c.MaxStaleHours = 1 })
		kit.accepts(t, kit.token(t, nil))
		kit.publisher.serve(http.StatusOK, "<html>maintenance</html>")
		time.Sleep(time.Hour - time.Second)
		kit.accepts(t, kit.token(t, nil))
		time.Sleep(time.Second)
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
	})
}

// JWT-41: a new key verifies with its first token; one that is no longer published stops when the keys are fetched anew.
func TestJWT41RotationAtTheIssuer(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t, func(c *authn.IssuerConfig) { c.Algorithms = []string{"ES256", "ES384"} })
		old, next := kit, kit
		next.tokenKey = kidOf(t, "ES384", "corp-2")
		old.accepts(t, old.token(t, nil))

		kit.publisher.publish(t, kit.key, next.key)
		time.Sleep(30 * time.Second)
		next.accepts(t, next.token(t, nil))
		old.accepts(t, old.token(t, nil))
		assert.Equal(t, 2, kit.publisher.fetches())

		kit.publisher.publish(t, next.key)
		release := kit.publisher.hold()
		time.Sleep(15 * time.Minute)
		old.accepts(t, old.token(t, nil)) // begins the fetch in the background
		release()
		synctest.Wait()
		old.refuses(t, old.token(t, nil), authn.ErrTokenKey)
		next.accepts(t, next.token(t, nil))

		kit.publisher.serve(http.StatusOK, `{"keys":[]}`)
		release = kit.publisher.hold()
		time.Sleep(15 * time.Minute)
		next.accepts(t, next.token(t, nil))
		release()
		synctest.Wait()
		next.refuses(t, next.token(t, nil), authn.ErrTokenKey)
		assert.Contains(t, kit.log.String(), "no key that verifies")
	})
}

// The answer says how long it is fresh, within bounds.
func TestRemoteKeysAreFetchedAnew(t *testing.T) {
	t.Parallel()
	for control, after := range map[string]time.Duration{
		"": 15 * time.Minute, "no-store": 15 * time.Minute, "max-age=0": 5 * time.Minute, "public, max-age=600": 10 * time.Minute, "MAX-AGE=600 , must-revalidate": 10 * time.Minute,
		"max-age=86400": 30 * time.Minute, "max-age=-1": 15 * time.Minute, "max-age=99999999999999999999": 15 * time.Minute, "max-age": 15 * time.Minute, "s-maxage=600": 15 * time.Minute,
	} {
		t.Run(control, func(t *testing.T) {
			outside(t)
			synctest.Test(t, func(t *testing.T) {
				kit := bubbleKit(t)
				kit.publisher.serve(http.StatusOK, jwks(t, kit.key), "Cache-Control", control)
				kit.accepts(t, kit.token(t, nil))
				time.Sleep(after - time.Second)
				kit.accepts(t, kit.token(t, nil))
				synctest.Wait()
				assert.Equal(t, 1, kit.publisher.fetches())
				time.Sleep(time.Second)
				kit.accepts(t, kit.token(t, nil))
				synctest.Wait()
				assert.Equal(t, 2, kit.publisher.fetches())
			})
		})
	}
}

// JWT-43: a slow issuer holds a request for 5 seconds, whether it sends nothing or a byte now and then.
func TestJWT43SlowIssuer(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		kit.publisher.set(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		assert.Equal(t, 5*time.Second, time.Since(start))
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		assert.Equal(t, 5*time.Second, time.Since(start), "within the cool-down nobody waits")

		time.Sleep(30 * time.Second)
		kit.publisher.set(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: drip{r.Context()}}, nil
		})
		start = time.Now()
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}

// drip is a body without end, a space a second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

func (drip) Close() error { return nil }

// Close ends the fetch that runs, and none begins after it.
func TestRemoteKeysClose(t *testing.T) {
	outside(t)
	synctest.Test(t, func(t *testing.T) {
		kit := bubbleKit(t)
		kit.publisher.set(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		time.AfterFunc(time.Second, kit.issuers.Close)
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		assert.Equal(t, time.Second, time.Since(start))
		time.Sleep(time.Hour)
		kit.refuses(t, kit.token(t, nil), authn.ErrKeysUnavailable)
		assert.Equal(t, 1, kit.publisher.fetches())
		assert.Empty(t, kit.log.String(), "an end that was asked for is no failure")
	})
}

// JWT-43, OAU-15: over a real connection no redirect is followed, no long body is read, and no other status counts.
func TestJWT43AnswersThatAreNoKeySet(t *testing.T) {
	t.Parallel()
	key := kidOf(t, "ES256", "corp-1").key
	good := jwks(t, key)
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = w.Write([]byte(good))
	}))
	t.Cleanup(other.Close)
	for name, tc := range map[string]struct {
		handle   http.HandlerFunc
		expected error
	}{
		"a key set": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(good)) }, nil},
		"of any content type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(good))
		}, nil},
		"redirect elsewhere": {http.RedirectHandler(other.URL, http.StatusFound).ServeHTTP, authn.ErrKeysUnavailable},
		"permanent redirect": {http.RedirectHandler(other.URL, http.StatusPermanentRedirect).ServeHTTP, authn.ErrKeysUnavailable},
		"redirect to a path": {http.RedirectHandler("/other", http.StatusFound).ServeHTTP, authn.ErrKeysUnavailable},
		"2 MiB": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(good + strings.Repeat(" ", 2<<20)))
		}, authn.ErrKeysUnavailable},
		"404 with a key set": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(good))
		}, authn.ErrKeysUnavailable},
		"500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, authn.ErrKeysUnavailable},
		"204": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, authn.ErrKeysUnavailable},
		"two keys of one kid": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Replace(good, "[", "["+jwkText(t, "RS256", map[string]string{"kid": `"corp-1"`})+",", 1)))
		}, authn.ErrKeysUnavailable},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, authn.ErrKeysUnavailable},
		"an end before the end": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(good))
		}, authn.ErrKeysUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.handle)
			defer server.Close()
			keys, err := authn.NewRemoteKeys(authn.RemoteKeysConfig{URL: server.URL + "/jwks", Algorithms: []string{"ES256"}, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			defer keys.Close()
			kit := tokenKit{tokenKey: kidOf(t, "ES256", "corp-1")}
			_, err = keys.VerifyJWS(t.Context(), kit.sign(t, kit.header(nil), "{}").Reveal(), authn.JWSPolicy{Type: authn.AccessTokenType})
			require.ErrorIs(t, err, tc.expected)
		})
	}
	t.Cleanup(func() { assert.Zero(t, elsewhere.Load(), "what a redirect leads to was asked") })
}

// JWT-43, OAU-15, JWT-03: where keys may come from, and what they may be, is judged before anything is fetched.
func TestNewRemoteKeysRefuses(t *testing.T) {
	t.Parallel()
	good := authn.RemoteKeysConfig{URL: corpKeys, Algorithms: []string{"ES256"}, Log: slog.New(slog.DiscardHandler)}
	for _, address := range []string{"https://idp.example.com", "https://10.0.0.7:8443/keys?tenant=a", "http://localhost:8080/jwks", "http://127.0.0.1/jwks", "http://[::1]:80/jwks"} {
		cfg := good
		cfg.URL = address
		_, err := authn.NewRemoteKeys(cfg)
		assert.NoError(t, err, address)
	}
	for _, address := range []string{
		"", "idp.example.com", "/jwks", "http://idp.example.com/jwks", "http://10.0.0.7/jwks", "http://localhost.example.com/", "http://127.0.0.1.example.com/", "http://0.0.0.0/",
		"https://", "https:///jwks", "https:idp.example.com", "https://user@idp.example.com/", "https://idp.example.com/#x", "file:///etc/passwd", "ftp://localhost/", "HTTPS//x", "https://:443/", "gopher://localhost/", "https://idp.example.com/%zz",
	} {
		cfg := good
		cfg.URL = address
		_, err := authn.NewRemoteKeys(cfg)
		assert.Error(t, err, address)
	}
	for _, algorithms := range [][]string{nil, {"HS256"}, {"ES256", "HS512"}, {"none"}, {"es256"}, {""}, {"ES256", "ES256"}} {
		cfg := good
		cfg.Algorithms = algorithms
		_, err := authn.NewRemoteKeys(cfg)
		assert.ErrorIs(t, err, authn.ErrKey, algorithms)
	}
	negative, silent := good, good
	negative.MaxStale, silent.Log = -1, nil
	for _, cfg := range []authn.RemoteKeysConfig{negative, silent} {
		_, err := authn.NewRemoteKeys(cfg)
		assert.Error(t, err)
	}
}

// JWT-43: of a body without end no more than the cap is read, and the client's cookies are neither sent nor kept.
func TestJWT43BodyCapAndCookies(t *testing.T) {
	t.Parallel()
	body, jar := &endless{}, &cookies{}
	answers := &publisher{}
	answers.set(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Set-Cookie": {"a=b"}}, Body: body}, nil
	})
	keys, err := authn.NewRemoteKeys(authn.RemoteKeysConfig{
		URL: corpKeys, Algorithms: []string{"ES256"}, Client: &http.Client{Transport: answers, Jar: jar}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	_, err = keys.VerifyJWS(t.Context(), "a.b.c", authn.JWSPolicy{})
	require.ErrorIs(t, err, authn.ErrKeysUnavailable)
	keys.Close()
	assert.Equal(t, authn.LargestJWKSet+1, body.read)
	assert.Zero(t, jar.used)
}

// endless is a body of spaces that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func (*endless) Close() error { return nil }

// cookies counts how often it is asked.
type cookies struct{ used int }

func (c *cookies) SetCookies(*url.URL, []*http.Cookie) { c.used++ }

func (c *cookies) Cookies(*url.URL) []*http.Cookie {
	c.used++
	return nil
}
