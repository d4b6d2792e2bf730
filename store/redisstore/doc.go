// Package redisstore keeps what changes with every login in Redis: sessions,
// the revocation log and one-time records. Accounts, roles and keys stay in
// the store that auth.store.driver names.
//
//	app := fx.New(authmodule.Configure(cfg), redisstore.Module()) // auth.store.sessions: redis
//
// Without fx:
//
//	s, err := redisstore.Open(ctx, redisstore.Options{Addrs: []string{"127.0.0.1:6379"}})
//	manager, err := session.New(session.Config{}, session.Deps{Store: s})
//
// It works with one server and with a cluster, of Redis 6.2 and later. Replicas
// are never read. Every step that must be atomic is one script in one slot: the
// records of an account share a hash tag, which stands in each session ID, so
// reading a session is one command.
//
// # What survives
//
// What Redis acknowledged survives as far as Redis is told to keep it. With
// appendonly yes and appendfsync always nothing that was acknowledged is lost
// when the server is killed or the power fails. With everysec up to two
// seconds may be lost, with no persistence everything. A failover to a replica
// loses what had not been replicated. Lost sessions are a
// logout. A lost revocation means that a token that was revoked counts again until
// it expires, if no node is left that has read it: see
// [Store.Revoke]. Redis must not evict: see [Store.Check].
//
// # When an answer is lost
//
// A call whose answer did not arrive may have been done. Nothing that writes
// is sent twice; what then is true:
//
//   - CreateSession: there may be a session whose secret nobody has. It idles out; under a limit it counts until then.
//   - RotateSession: the secret may have changed. The client's next try falls into the grace window (auth.session.refresh_grace_seconds).
//   - TouchSessions, EndSessions and the prunings can be done again.
//   - PutOneTime can be done again; ConsumeOneTime may have consumed the record, which is then lost: never is it consumed twice.
//   - Revoke: entries may be in the log. Once more is harmless.
package redisstore
