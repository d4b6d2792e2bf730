package transport

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Answer serves an endpoint and writes its answer to w. A problem is returned instead, with nothing written, for
// adapters refuse in their router's way. A nil caller is one whom nothing authenticated.
func (g *Gate) Answer(w http.ResponseWriter, r *http.Request, e Endpoint, caller *Caller) *Problem {
	if caller == nil {
		return Unmounted()
	}
	g.setParameters(r, e)
	reply, refused := g.Serve(e, caller, r)
	if refused != nil {
		return refused
	}
	content, body, refused := g.encoded(r, reply)
	if refused != nil {
		return refused
	}
	reply.setHeader(w.Header())
	send(w, r, reply.status(), content, body)
	return nil
}

// encoded returns the body of a reply and its content type. What cannot be encoded is an internal error.
func (g *Gate) encoded(r *http.Request, reply Reply) (content string, body []byte, refused *Problem) {
	defer g.refusePanic(r.Context(), &refused)
	switch content := reply.Body.(type) {
	case nil:
		return "", nil, nil
	case Page:
		return "text/html; charset=UTF-8", content.HTML, nil
	}
	body, err := json.Marshal(reply.Body)
	if err != nil {
		g.deps.Log.ErrorContext(r.Context(), "request refused: the answer cannot be written as JSON", "path", r.URL.Path, "error", err)
		return "", nil, internalError()
	}
	return "application/json", append(body, '\n'), nil
}

func (reply Reply) status() int {
	switch {
	case reply.Status != 0:
		return reply.Status
	case reply.Body == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

func (reply Reply) setHeader(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	setCookies(header, reply.Cookies)
	if reply.ClearSiteData != "" {
		header.Set("Clear-Site-Data", reply.ClearSiteData)
	}
	// An answer that sets a cookie is one caller's, and no cache may hand it to another.
	if reply.Cacheable > 0 && header.Get("Set-Cookie") == "" {
		header.Set("Cache-Control", "public, max-age="+strconv.Itoa(reply.Cacheable))
	}
	if page, ok := reply.Body.(Page); ok {
		header.Set("Content-Security-Policy", page.Policy)
		header.Set("Referrer-Policy", "no-referrer")
	}
}

// SetHeader sets what an answer with the problem has beside its body: that it is not to be stored, how to authenticate,
// and when to try again. [Problem.Write] does so too.
func (p *Problem) SetHeader(header http.Header) {
	header.Set("Cache-Control", "no-store")
	if p.Challenge != "" {
		header.Set("WWW-Authenticate", p.Challenge)
	}
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
}

// Write answers r with the problem as application/problem+json (RFC 9457), without the body where r asks for none.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) {
	p.SetHeader(w.Header())
	body, _ := json.Marshal(p) // texts and numbers, which always marshal
	send(w, r, p.Status, ContentType, body)
}

// ProblemIn returns the problem that an adapter refuses with: the one in err, or an internal error. One without the status
// of a refusal is an internal error too.
func ProblemIn(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) && p.refuses() {
		return p
	}
	return internalError()
}

// refuses reports whether p has the status of a refusal. A nil one, which as an error is not nil, has none.
func (p *Problem) refuses() bool {
	return p != nil && p.Status >= http.StatusBadRequest && p.Status < 600
}

// send writes an answer. A body that does not arrive is of no interest: who asked for it went away.
func send(w http.ResponseWriter, r *http.Request, status int, content string, body []byte) {
	w.Header().Del("Content-Length") // of what a handler meant to send
	if content != "" {
		w.Header().Set("Content-Type", content)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead && len(body) > 0 {
		_, _ = w.Write(body)
	}
}

// setCookies sets cookies in place of those of the same names that were set before, such as one that Authenticate
// cleared: an answer sets a cookie once (RFC 6265, section 4.1.1).
func setCookies(header http.Header, cookies []*http.Cookie) {
	for _, cookie := range cookies {
		text := cookie.String()
		if text == "" {
			continue // no cookie by that name can be
		}
		header["Set-Cookie"] = slices.DeleteFunc(header["Set-Cookie"], func(line string) bool {
			return strings.HasPrefix(line, cookie.Name+"=")
		})
		header.Add("Set-Cookie", text)
	}
}

// KeepFromCaches overrides what a handler said about caching on an answer that sets
// the session cookie: a cache that keeps it would hand one browser's cookie, or its clearing, to others.
// Adapters call it when the answer begins.
func KeepFromCaches(header http.Header) {
	for _, line := range header["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); name == CookieName || name == InsecureCookieName {
			header.Set("Cache-Control", "no-store")
			return
		}
	}
}
