// Package transport is the HTTP surface without a framework: credentials taken
// from requests, guards, the module's routes as data, and errors as RFC 9457
// problems. It reads an *http.Request and returns values, which adapters have
// written by [Gate.Answer] and [Problem.Write], so that all give the same answers.
//
//	caller := gate.Authenticate(r)                       // records, never answers
//	problem := caller.RequirePermissions(r.Context(), "articles.read") // answers
//	guard := transport.GuardPermissions("articles.read") // made once; guard.Refuse(ctx, caller) at each request
//	for _, endpoint := range gate.Endpoints() { ... }    // method, path, need, handler
package transport
