package transport

import (
	"errors"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// ErrNoCredential is what an [Authenticator] returns when the request has no
// credential of its kind, so that the next one is asked.
var ErrNoCredential = errors.New("transport: no such credential here")

// Authenticator turns a request into a principal.
type Authenticator interface {
	// Name orders added authenticators and stands in logs.
	Name() string
	// Authenticate returns the principal; [ErrNoCredential] to let the next one
	// try; any other error ends the chain, and nobody is authenticated.
	Authenticate(r *http.Request) (authn.Principal, error)
}

// errStale ends the chain as ErrNoCredential does, and has the cookie cleared.
var errStale = errors.New("transport: stale session cookie")

// Authenticate runs the chain. It never answers: what went wrong is recorded
// in the caller, and the guards answer. A panic in an authenticator is
// recorded as an internal error.
func (g *Gate) Authenticate(r *http.Request) (caller *Caller) {
	caller = &Caller{gate: g}
	defer func() {
		if what := recover(); what != nil {
			*caller = Caller{gate: g, problem: g.Panicked(r.Context(), what)}
		}
	}()
	for _, authenticator := range g.chain {
		p, err := authenticator.Authenticate(r)
		switch {
		case errors.Is(err, ErrNoCredential):
			continue
		case errors.Is(err, errStale):
			caller.clear = true
		case err != nil:
			caller.problem = g.Problem(r.Context(), err)
		case p.Authenticated():
			caller.principal = p
		default:
			caller.problem = g.Problem(r.Context(), errors.New("transport: authenticator "+authenticator.Name()+" returned neither a principal nor an error"))
		}
		return caller
	}
	return caller
}

// bearer takes the access token from the one Authorization header (RFC 6750, section 2.1), and from nowhere else.
type bearer struct {
	gate *Gate
}

func (bearer) Name() string { return "bearer" }

func (b bearer) Authenticate(r *http.Request) (authn.Principal, error) {
	token, err := bearerToken(r)
	if err != nil {
		return authn.Principal{}, err
	}
	if len(b.gate.keyHeader(r)) > 0 {
		return authn.Principal{}, severalCredentials()
	}
	if issuer := b.gate.deps.Issuers.Of(token); issuer != nil {
		return issuer.Authenticate(r.Context(), token)
	}
	return b.gate.deps.Users.AuthenticateToken(r.Context(), token, b.gate.Client(r))
}

func bearerToken(r *http.Request) (setting.Secret, error) {
	return authorization(r, "Bearer", authn.ErrTokenMalformed)
}

// authorization returns what follows the scheme in the one Authorization
// header: [ErrNoCredential] for another scheme, and malformed for one that cannot be read.
func authorization(r *http.Request, wanted string, malformed error) (setting.Secret, error) {
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return "", ErrNoCredential
	}
	if len(headers) > 1 {
		return "", malformed
	}
	scheme, token := headers[0], ""
	if end := strings.IndexAny(scheme, " \t"); end >= 0 {
		scheme, token = scheme[:end], scheme[end:]
	}
	if !strings.EqualFold(scheme, wanted) {
		return "", ErrNoCredential
	}
	token, found := strings.CutPrefix(token, " ")
	if !found || token == "" {
		return "", malformed
	}
	return setting.Secret(token), nil
}

// cookieSession takes the session cookie. Requests that change state must come from the site itself.
type cookieSession struct {
	gate *Gate
}

func (cookieSession) Name() string { return "cookie" }

func (c cookieSession) Authenticate(r *http.Request) (authn.Principal, error) {
	value, present, single := c.gate.cookie.read(r)
	if !present {
		return authn.Principal{}, ErrNoCredential
	}
	if !single {
		return authn.Principal{}, errStale
	}
	if p := c.gate.CrossOrigin(r); p != nil {
		return authn.Principal{}, p
	}
	principal, err := c.gate.deps.Users.AuthenticateCookie(r.Context(), value, c.gate.Client(r))
	if errors.Is(err, authn.ErrSessionEnded) {
		return authn.Principal{}, errStale
	}
	return principal, err
}
