// Package webtest makes requests and reads answers, for the tests of this
// module's HTTP.
//
//	w := app.Do(webtest.Request("POST", "/auth/login", `{"email":"a@b.c"}`, webtest.Bearer(token)...))
//	problem, err := webtest.Problem(w)
//
// It does not import testing.
package webtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/authmodule/authmodule/transport"
)

// Request makes a request; a body is JSON unless the headers, which are names
// and values in turn and taken as they are spelt, say otherwise.
func Request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Content-Type" {
			r.Header.Del("Content-Type")
		}
		r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1])
	}
	return r
}

// Bearer returns the header of a bearer token, for [Request].
func Bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// Sent returns the header that sends a cookie, for [Request].
func Sent(c *http.Cookie) []string { return []string{"Cookie", c.Name + "=" + c.Value} }

// Problem reads an error answer and holds it to RFC 9457: its type, its status
// in both places, a code, and WWW-Authenticate with 401 alone (RFC 9110, section 15.5.2).
func Problem(w *httptest.ResponseRecorder) (transport.Problem, error) {
	var p transport.Problem
	if typ := w.Header().Get("Content-Type"); typ != transport.ContentType {
		return p, fmt.Errorf("webtest: an answer %d of type %q: %s", w.Code, typ, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		return p, fmt.Errorf("webtest: %w", err)
	}
	challenged := w.Header().Get("WWW-Authenticate") != ""
	if p.Status != w.Code || p.Code == "" || challenged != (w.Code == http.StatusUnauthorized) {
		return p, errors.New("webtest: not a proper problem: " + Dump(w))
	}
	return p, nil
}

// Dump is everything that a caller sees of an answer.
func Dump(w *httptest.ResponseRecorder) string {
	header, _ := json.Marshal(w.Header()) // texts always marshal
	return http.StatusText(w.Code) + "\n" + string(header) + "\n" + w.Body.String()
}

// Logs collects what is logged. It is safe for concurrent use.
type Logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was written.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
