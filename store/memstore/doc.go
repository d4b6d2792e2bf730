// Package memstore keeps everything in the memory of one process: the stores'
// contract made readable, the store of tests and of a first run.
//
//	store := memstore.New()
//	err := store.CreateUser(ctx, authn.User{
//		Subject: authn.Subject{ID: "u1"}, Email: "ada@example.com", CreatedAt: now, Version: 1,
//	})
//
// Everything is lost when the process ends, and two processes share nothing.
// Expired records stay until a Prune method is called; nothing runs in the
// background.
package memstore
