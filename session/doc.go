// Package session owns sessions: one login is one session, one record, one
// compare-and-swap.
//
//	manager, err := session.New(session.Config{}, session.Deps{Store: memstore.New()})
//	live, err := manager.List(ctx, principal.Subject)
//	err = manager.Revoke(ctx, principal.Subject, live[0].ID)
//
// A session has a public ID, which is listed and stands in access tokens and
// never authenticates, and one secret, which does: a cookie value or a refresh
// token, kept as a hash only. Ending the session ends all of them alike.
package session
