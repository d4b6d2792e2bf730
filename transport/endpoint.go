package transport

import (
	"context"
	"net/http"
)

// Need says what an [Endpoint] asks of its caller before it is run.
type Need uint8

// The needs of endpoints. The zero value is the strict one.
const (
	// NeedAuth wants an authenticated caller.
	NeedAuth Need = iota
	// NeedNothing runs for everybody; a bad credential that was presented is ignored.
	NeedNothing
	// NeedLogin wants an authenticated caller whose credential can do all that the
	// account can: no API key, and none that scopes limit.
	NeedLogin
	// NeedSession is NeedLogin, with a credential that belongs to a session.
	NeedSession
)

// Describe says what an endpoint with this need wants, for tables of routes.
func (n Need) Describe() Guarding {
	switch n {
	case NeedNothing:
		return Guarding{Kind: KindPublic}
	case NeedLogin:
		return Guarding{Kind: KindLogin}
	case NeedSession:
		return Guarding{Kind: KindSession}
	default:
		return Guarding{Kind: KindAuth}
	}
}

// Endpoint is one route of the module. Adapters mount it.
type Endpoint struct {
	// Method is an HTTP method in upper case.
	Method string
	// Path begins with a slash and may hold one-segment parameters in braces, such as /sessions/{id}; the
	// handler reads them with [http.Request.PathValue].
	Path string
	// Absolute paths are mounted as they are, others below the prefix.
	Absolute bool
	Need     Need
	// Owner refuses who acts as somebody else: the endpoint changes the account itself, or what others have. With NeedNothing it does nothing.
	Owner bool
	// Handle answers. An error becomes a problem by [Gate.Problem].
	Handle func(ctx context.Context, r *http.Request) (Reply, error)
}

// Reply is an answer, as values.
type Reply struct {
	// Status defaults to 200, or to 204 without a Body.
	Status int
	// Body is sent as JSON; a [Page] as it is; nil sends none.
	Body any
	// Cookies are set.
	Cookies []*http.Cookie
	// ClearSiteData is the header of this name; empty sends none.
	ClearSiteData string
	// Cacheable answers may be stored for this many seconds; all others carry no-store.
	Cacheable int
}

// Page is a body of HTML with its own content security policy.
type Page struct {
	HTML   []byte
	Policy string
}

// Route returns the path at which an endpoint is mounted, with its parameters in braces.
func (g *Gate) Route(e Endpoint) string {
	if e.Absolute {
		return e.Path
	}
	return g.cfg.Prefix + e.Path
}
