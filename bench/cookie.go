package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	scsPlain      = "scs"
	scsIdle       = "scs, idle timeout"
	gorillaSigned = "gorilla/sessions, signed cookie"
)

// cookieCase is goal P9.
func cookieCase(n int) pair.Case {
	return pair.Case{
		Name: sizedAs("cookie request", n, "sessions"),
		What: "GET /api/v1/docs/:id through Echo's router with a session cookie, 401 without one. Ours has the memory store, finds session, account and roles, and notes the use; scs has its memory store and " +
			"decodes three values, with an idle timeout it stores them again; gorilla/sessions decodes three values from the cookie itself, and can end nothing.",
		Open: func() (*pair.Bench, error) {
			a, err := newCookieApp(n)
			if err != nil {
				return nil, err
			}
			plain, errPlain := scsVisitors(scsPlain, n, 0)
			idle, errIdle := scsVisitors(scsIdle, n, idleTimeout)
			signed, errSigned := gorillaVisitors(n)
			if err := errors.Join(errPlain, errIdle, errSigned); err != nil {
				return nil, errors.Join(err, a.close())
			}
			bare := visitors{name: bareEcho, echo: newBare(), cookies: a.cookies, open: true}
			bench := &pair.Bench{Claims: cookieClaims(), Close: a.close}
			for _, side := range []visitors{bare, a.visitors(), plain, idle, signed} {
				bench.Sides = append(bench.Sides, side.pair())
			}
			return bench, nil
		},
	}
}

func cookieClaims() []pair.Claim {
	const goal, times = "P9", 20
	claims := []pair.Claim{}
	for _, theirs := range []string{scsPlain, scsIdle, gorillaSigned} {
		claims = append(claims, pair.Claim{Goal: goal, Text: theirs + " ÷ " + ours, Figure: pair.Ratio(pair.CPU(), theirs, ours), Bound: pair.AtLeast(times)})
	}
	return append(claims,
		pair.Claim{Goal: goal, Text: "allocations that " + ours + " adds", Figure: pair.Added(pair.Allocs(), ours, bareEcho), Bound: pair.AtMost(4)},
		pair.Claim{Text: ours + " ÷ " + bareEcho, Figure: pair.Ratio(pair.CPU(), ours, bareEcho)},
	)
}

// visitors are an application with the cookies of its sessions, as name=value.
type visitors struct {
	name    string
	echo    *echo.Echo
	cookies []string
	open    bool // asks for nothing
}

func (v visitors) pair() pair.Side {
	header := []string{""}
	fresh := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/v1/docs/42", nil)
	fresh.Header["Cookie"], fresh.Header["User-Agent"] = header, []string{userAgent}
	request, w := &http.Request{}, &sink{header: http.Header{}}
	send := func(cookie string) error {
		header[0] = strings.Clone(cookie) // as net/http makes a new one
		*request = *fresh                 // gorilla/sessions keeps what it decoded in the request
		clear(w.header)
		v.echo.ServeHTTP(w, request)
		return w.expect(http.StatusOK)
	}
	return pair.Side{Name: v.name, Do: each(v.cookies, send), Check: func() error {
		for _, cookie := range v.cookies { // everybody was there before
			if err := send(cookie); err != nil {
				return err
			}
		}
		return v.check()
	}}
}

// check sends good cookies, one that was changed, and none.
func (v visitors) check() error {
	if v.open {
		return nil
	}
	first, last := v.cookies[0], v.cookies[len(v.cookies)-1]
	for _, try := range []struct {
		cookie string
		status int
	}{
		{first, http.StatusOK}, {last, http.StatusOK}, {spoil(first), http.StatusUnauthorized}, {"", http.StatusUnauthorized},
	} {
		request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/v1/docs/42", nil)
		if try.cookie != "" {
			request.Header.Set("Cookie", try.cookie)
		}
		answer := httptest.NewRecorder()
		if v.echo.ServeHTTP(answer, request); answer.Code != try.status {
			return fmt.Errorf("bench: status %d, expected %d", answer.Code, try.status)
		}
	}
	return nil
}

// spoil changes one of the last characters, in the part that proves the cookie.
func spoil(cookie string) string {
	at := len(cookie) - 10
	other := byte('a')
	if cookie[at] == other {
		other = 'b'
	}
	return cookie[:at] + string(other) + cookie[at+1:]
}
