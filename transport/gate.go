package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/health"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

// Gate says who a request is from, guards routes, and holds the module's own
// routes. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	deps    Deps
	clients clientResolver
	certs   certificates
	cookie  sessionCookie
	// deviceCookie tells known browsers from new ones.
	deviceCookie deviceCookie
	trustCookie  trustCookie
	origins      origins
	chain        []method
	// recently and byFactor are what sensitive routes want.
	recently, byFactor *proving
	// compiles has one place, for whoever has policies compiled.
	compiles chan struct{}
	// warned: an unnamed proxy was told of.
	warned atomic.Bool
}

// Deps are what a [Gate] works with. Fields without a remark are required.
type Deps struct {
	Users    *authn.Service
	Tokens   *authn.TokenManager
	Sessions *session.Manager
	Authz    *authz.Service
	// APIKeys is nil when there are none.
	APIKeys *authn.APIKeys
	// MFA is nil when there are no second factors.
	MFA *mfa.Service
	// Throttle is nil when nothing limits failed attempts.
	Throttle *authn.Throttle
	// Account is nil when there are no routes for the flows of accounts.
	Account *account.Service
	// SigningKeys is nil when the module does not manage them.
	SigningKeys *authn.KeyManager
	// Issuers is nil when no other issuer's tokens are accepted.
	Issuers *authn.Issuers
	// Setup is nil when no first administrator is configured.
	Setup *authn.AdminSetup
	// Health is nil when there are no routes for it.
	Health *health.Service
	// Journal is nil when there is none.
	Journal *audit.Journal
	// Extra authenticators are asked after the bearer token and the API key and before the cookie, in this order.
	Extra []Authenticator
	// ExplainDenials puts the missing role or permission into a 403; without it there is a decision ID that the log knows.
	ExplainDenials bool
	Log            *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// New returns a Gate.
func New(cfg Config, deps Deps) (*Gate, error) {
	if deps.Users == nil || deps.Tokens == nil || deps.Sessions == nil || deps.Authz == nil || deps.Log == nil {
		return nil, errors.New("transport: a gate needs every field of Deps that has no default")
	}
	cfg = cfg.WithDefaults()
	clients, err := newClientResolver(cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	protection, err := newOrigins(cfg)
	if err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	g := &Gate{
		cfg: cfg, deps: deps, clients: clients, certs: newCertificates(cfg, clients, deps.Now),
		cookie: sessionCookie{insecure: cfg.InsecureCookies}, deviceCookie: deviceCookie{insecure: cfg.InsecureCookies}, trustCookie: trustCookie{insecure: cfg.InsecureCookies}, origins: protection,
		recently: newProving(KindRecentAuth, cfg.stepUpAge(), nil), byFactor: newProving(KindMFA, cfg.stepUpAge(), nil),
		compiles: make(chan struct{}, 1),
	}
	g.chain = append(g.chain, method{"bearer", g.bearer})
	if deps.APIKeys != nil {
		g.chain = append(g.chain, method{"api_key", g.apiKey})
	}
	for _, extra := range deps.Extra {
		g.chain = append(g.chain, added(extra))
	}
	g.chain = append(g.chain, method{"cookie", g.cookieSession})
	return g, nil
}

// Prefix is where the module's routes live.
func (g *Gate) Prefix() string { return g.cfg.Prefix }

// Client returns the caller's address, user agent and certificate. Headers
// about the address and the certificate count only when they come from a trusted proxy.
func (g *Gate) Client(r *http.Request) authn.Client {
	g.warnOfProxy(r)
	client := g.clients.client(r)
	client.Certificate = g.certs.thumbprint(r)
	return client
}

// Problem turns any error into an answer. What callers may not know is logged instead.
func (g *Gate) Problem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) && p != nil {
		return g.sound(ctx, p)
	}
	if p = known(err); p != nil {
		return p
	}
	if p = fields(err); p != nil {
		return p
	}
	level := slog.LevelError
	if errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelDebug // the caller went away
	}
	g.deps.Log.Log(ctx, level, "request refused: a store did not answer", "error", err)
	return problem(http.StatusServiceUnavailable, "unavailable", "this cannot be answered at the moment; try again shortly")
}

// sound returns p, unless whoever made it gave it a status that is no refusal.
func (g *Gate) sound(ctx context.Context, p *Problem) *Problem {
	if p.refuses() {
		return p
	}
	g.deps.Log.ErrorContext(ctx, "request refused: a problem has the status of a success", "status", p.Status, "code", p.Code)
	return internalError()
}

// Panicked logs a recovered panic and returns its answer.
func (g *Gate) Panicked(ctx context.Context, what any) *Problem {
	g.deps.Log.ErrorContext(ctx, "request refused: a panic was recovered", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
	return internalError()
}

// refusePanic is deferred: it turns a panic into a refusal.
func (g *Gate) refusePanic(ctx context.Context, refused **Problem) {
	if what := recover(); what != nil {
		*refused = g.Panicked(ctx, what)
	}
}

// Serve runs an endpoint: what it needs of the caller, its handler, and the
// answer to whatever goes wrong, a panic too.
func (g *Gate) Serve(e Endpoint, caller *Caller, r *http.Request) (reply Reply, failed *Problem) {
	defer func() {
		if what := recover(); what != nil {
			reply, failed = Reply{}, g.Panicked(r.Context(), what)
		}
	}()
	if failed = g.crossOrigin(r, e.Method); failed != nil && !g.unforgeable(e, r) {
		return Reply{}, failed
	}
	if failed = caller.meets(e); failed != nil {
		return Reply{}, failed
	}
	reply, err := e.Handle(r.Context(), r)
	if err != nil {
		return Reply{}, g.Problem(r.Context(), err)
	}
	return reply, nil
}
