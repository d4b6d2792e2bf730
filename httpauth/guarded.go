package httpauth

import (
	"net/http"

	"github.com/authmodule/authmodule/transport"
)

// guard puts a transport.Guard before a handler.
type guard struct {
	*transport.Guard
	// ask is nil for a guard that needs to know nothing but the caller.
	ask func(*http.Request, *transport.Caller) *transport.Problem
}

// guarding returns a method value, so that the table of routes can recognise the middleware by its code.
func guarding(g *transport.Guard) func(http.Handler) http.Handler { return guardingBy(g, nil) }

// guardingBy makes all of them, and is not inlined, so that they have the same code.
//
//go:noinline
func guardingBy(g *transport.Guard, ask func(*http.Request, *transport.Caller) *transport.Problem) func(http.Handler) http.Handler {
	return (&guard{g, ask}).wrap
}

func (g *guard) wrap(next http.Handler) http.Handler { return &guarded{g, next} }

// guarded is a handler behind a guard. The table of routes looks into it.
type guarded struct {
	guard *guard
	next  http.Handler
}

// ServeHTTP implements [http.Handler].
func (h *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller := transport.CallerFrom(r.Context())
	if !h.guard.Passes(caller) {
		if problem := h.guard.refuse(r, caller); problem != nil {
			problem.Write(w, r)
			return
		}
	}
	h.next.ServeHTTP(w, r)
}

func (g *guard) refuse(r *http.Request, caller *transport.Caller) *transport.Problem {
	if g.ask == nil {
		return g.Refuse(transport.Asking(r), caller)
	}
	if refused := g.RefuseAnonymous(caller); refused != nil {
		return refused
	}
	return g.ask(r, caller)
}
