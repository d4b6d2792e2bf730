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

// errStale ends the chain as ErrNoCredential does, and has the cookie cleared where [mayClear] lets it.
var errStale = errors.New("transport: stale session cookie")

// method is one step of the chain. It returns a principal that other requests may share.
type method struct {
	name         string
	authenticate func(r *http.Request) (*authn.Principal, error)
}

// added is the method of an authenticator that the application brought.
func added(a Authenticator) method {
	return method{name: a.Name(), authenticate: func(r *http.Request) (*authn.Principal, error) {
		p, err := a.Authenticate(r)
		return &p, err
	}}
}

// Authenticate runs the chain. It never answers: what went wrong is recorded
// in the caller, and the guards answer. A panic in an authenticator is
// recorded as an internal error. Where certificates come in a header, that
// header is removed from r unless a trusted proxy sent it.
func (g *Gate) Authenticate(r *http.Request) (caller Caller) {
	caller.gate = g
	defer func() {
		if what := recover(); what != nil {
			caller = Caller{gate: g, problem: g.Panicked(r.Context(), what)}
		}
	}()
	g.certs.strip(r)
	for i := range g.chain {
		p, err := g.chain[i].authenticate(r)
		switch {
		case err == nil && p != nil && p.Authenticated():
			caller.principal, caller.byCookie = p, i == len(g.chain)-1 // the cookie comes last
		case err == nil:
			caller.problem = g.Problem(r.Context(), errors.New("transport: authenticator "+g.chain[i].name+" returned neither a principal nor an error"))
		case errors.Is(err, ErrNoCredential):
			continue
		case errors.Is(err, errStale):
			caller.clear = mayClear(r)
		default:
			caller.problem = g.Problem(r.Context(), err)
		}
		return caller
	}
	return caller
}

// bearer takes the access token from the one Authorization header (RFC 6750, section 2.1), and from nowhere else.
func (g *Gate) bearer(r *http.Request) (*authn.Principal, error) {
	token, err := bearerToken(r)
	if err != nil {
		return nil, err
	}
	if len(g.keyHeader(r)) > 0 {
		return nil, severalCredentials()
	}
	if issuer := g.deps.Issuers.Of(token); issuer != nil {
		return g.foreign(r, issuer, token)
	}
	return g.deps.Users.TokenPrincipal(r.Context(), token, func() authn.Client { return g.Client(r) })
}

// foreign takes another issuer's token, which is held to the binding that is demanded here as well.
func (g *Gate) foreign(r *http.Request, issuer *authn.Issuer, token setting.Secret) (*authn.Principal, error) {
	client := g.Client(r)
	p, err := issuer.Authenticate(r.Context(), token, client)
	if err == nil {
		err = g.deps.Users.CheckBinding(r.Context(), &p, client)
	}
	return &p, err
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
func (g *Gate) cookieSession(r *http.Request) (*authn.Principal, error) {
	value, present, single := g.cookie.read(r)
	if !present {
		return nil, ErrNoCredential
	}
	if !single {
		return nil, errStale
	}
	if p := g.CrossOrigin(r); p != nil {
		return nil, p
	}
	principal, err := g.deps.Users.CookiePrincipal(r.Context(), value, g.Client(r))
	switch {
	case errors.Is(err, authn.ErrCookieSuperseded):
		return nil, ErrNoCredential
	case errors.Is(err, authn.ErrSessionEnded):
		return nil, errStale
	}
	return principal, err
}
