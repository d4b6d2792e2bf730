package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	bareEcho = "bare Echo"
	proving  = ours + ", nobody remembered"
	cached   = "echo-jwt + casbin, cached"
	uncached = "echo-jwt + casbin, not cached"
)

// provingCase is goal P6: nobody is remembered, so each request proves its token and asks the stores.
func provingCase(n int) pair.Case {
	return pair.Case{
		Name: sized("first request HS256", n),
		What: "The same request where nobody is remembered: the token is verified, and the memory store is asked for session, account and roles. The other side asks no store.",
		Open: func() (*pair.Bench, error) {
			sides, a, err := requestSides("HS256", n, func(c *authmodule.Config) { c.JWT.Remembered = 1 })
			if err != nil {
				return nil, err
			}
			sides[1].name = proving
			bench := &pair.Bench{
				Claims: []pair.Claim{{Goal: "P6", Text: cached + " ÷ " + proving, Figure: pair.Ratio(pair.CPU(), cached, proving), Bound: pair.AtLeast(4)}},
				Close:  a.close,
			}
			for _, side := range sides[:3] {
				bench.Sides = append(bench.Sides, side.pair(a))
			}
			return bench, nil
		},
	}
}

// requestCase is goal P4, P5 for other algorithms than HS256, and P7 with casbin not cached.
func requestCase(algorithm string, n int) pair.Case {
	return pair.Case{
		Name: sized("request "+algorithm, n),
		What: "GET /api/v1/docs/:id through Echo's router: authenticated, revocation checked, permission checked, 10,000 rules. The header is copied for each request.",
		Open: func() (*pair.Bench, error) {
			sides, a, err := requestSides(algorithm, n)
			if err != nil {
				return nil, err
			}
			bench := &pair.Bench{Claims: requestClaims(algorithm, n), Close: a.close}
			for _, side := range sides {
				bench.Sides = append(bench.Sides, side.pair(a))
			}
			return bench, nil
		},
	}
}

// door is one application that the same requests are sent to.
type door struct {
	name string
	echo *echo.Echo
	open bool // asks for nothing
}

func requestSides(algorithm string, n int, changes ...func(*authmodule.Config)) ([]door, *app, error) {
	a, err := newApp(algorithm, n, changes...)
	if err != nil {
		return nil, nil, err
	}
	lines := newPolicy(manyRules).lines(a.subjects)
	remembering, err := newCached(lines, a.subjects, "docs", "read", true)
	if err != nil {
		return nil, nil, err
	}
	forgetful, err := newCasbin(reordered, lines)
	if err != nil {
		return nil, nil, err
	}
	return []door{
		{bareEcho, newBare(), true},
		{ours, a.echo, false},
		{cached, newStack(algorithm, a.public, remembering), false},
		{uncached, newStack(algorithm, a.public, forgetful), false},
	}, a, nil
}

func requestClaims(algorithm string, n int) []pair.Claim {
	cpu := pair.CPU()
	if algorithm != "HS256" {
		least := map[string]float64{"RS256": 30, "ES256": 50}[algorithm]
		return []pair.Claim{
			{Goal: "P5", Text: cached + " ÷ " + ours, Figure: pair.Ratio(cpu, cached, ours), Bound: pair.AtLeast(least)},
		}
	}
	times, better, added := 2.5, 10.0, 1.0/20
	if n > fewTokens {
		times, better, added = 3.2, 4.5, 1.0/7
	}
	return []pair.Claim{
		{Goal: "P4", Text: ours + " ÷ " + bareEcho, Figure: pair.Ratio(cpu, ours, bareEcho), Bound: pair.AtMost(times)},
		{Goal: "P4", Text: cached + " ÷ " + ours, Figure: pair.Ratio(cpu, cached, ours), Bound: pair.AtLeast(better)},
		{Goal: "P4", Text: "what " + ours + " adds ÷ what the cached stack adds", Figure: pair.AddedRatio(cpu, ours, cached, bareEcho), Bound: pair.AtMost(added)},
		{Goal: "P4", Text: "allocations that " + ours + " adds", Figure: pair.Added(pair.Allocs(), ours, bareEcho), Bound: pair.AtMost(3)},
		{Goal: "P7", Text: uncached + " ÷ " + ours, Figure: pair.Ratio(cpu, uncached, ours), Bound: pair.AtLeast(1000)},
	}
}

func (d door) pair(a *app) pair.Side {
	headers := make([]string, len(a.tokens))
	for i, token := range a.tokens {
		headers[i] = "Bearer " + token
	}
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/v1/docs/42", nil)
	value := []string{""}
	request.Header["Authorization"] = value
	w := &sink{header: http.Header{}}
	send := func(header string) error {
		value[0] = strings.Clone(header) // as net/http makes a new one
		d.echo.ServeHTTP(w, request)
		return w.expect(http.StatusOK)
	}
	return pair.Side{Name: d.name, Do: each(headers, send), Check: func() error {
		for _, header := range headers { // everybody was there before
			if d.name != ours {
				break
			}
			if err := send(header); err != nil {
				return err
			}
		}
		return d.check(a)
	}}
}

// check sends a good request, a forged one, one without a token, and that of an account without the permission.
func (d door) check(a *app) error {
	tries := []struct {
		header string
		status int
	}{
		{"Bearer " + a.tokens[0], http.StatusOK},
		{"Bearer " + a.tokens[len(a.tokens)-1], http.StatusOK},
		{"Bearer " + forge(a.tokens[0]), http.StatusUnauthorized},
		{"", http.StatusUnauthorized},
		{"Bearer " + a.stranger, http.StatusForbidden},
	}
	for _, try := range tries {
		request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/v1/docs/42", nil)
		if try.header != "" {
			request.Header.Set("Authorization", try.header)
		}
		answer := httptest.NewRecorder()
		d.echo.ServeHTTP(answer, request)
		// echo-jwt answers 400 to a request without a token.
		refused := try.status == http.StatusUnauthorized && answer.Code == http.StatusBadRequest
		if !d.open && answer.Code != try.status && !refused {
			return fmt.Errorf("bench: status %d, expected %d", answer.Code, try.status)
		}
	}
	return nil
}

// sink is a cheap http.ResponseWriter that is used again and again.
type sink struct {
	header http.Header
	status int
}

var _ http.ResponseWriter = (*sink)(nil)

// Header implements [http.ResponseWriter].
func (s *sink) Header() http.Header { return s.header }

// WriteHeader implements [http.ResponseWriter].
func (s *sink) WriteHeader(status int) { s.status = status }

// Write implements [http.ResponseWriter].
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func (s *sink) expect(status int) error {
	if s.status != status {
		return fmt.Errorf("bench: status %d, expected %d", s.status, status)
	}
	return nil
}
