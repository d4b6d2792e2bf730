// Package bench measures this module against what a Go application would use
// instead: golang-jwt, jwx and go-jose for tokens, echo-jwt with casbin for
// guarded routes, casbin for decisions, cedar-go alone, OPA and CEL for those by policies, scs and gorilla/sessions for sessions, a
// bare argon2id for logins, and a plain map for revocations. It is a module of
// its own, so that none of them is in the module's go.mod.
//
//	go test ./...                            # each side accepts the good request and refuses the bad ones
//	go test -run '^$' -bench Cases/verify    # the usual benchmarks, one side after another
//	go run ./cmd/table                       # interleaved rounds, as Markdown
//	go run ./cmd/table -only 'request' -rounds 20
//
// [Cases] has the list; docs/performance.md of the module has results and what
// they mean. The cases of PostgreSQL and Redis start a server of their own on the loopback interface, which
// "make peers" installs; where it is missing they are left out, and the table says so. Nothing here passes or fails by its time.
package bench
