// Package authn is the hub: who is calling, and how that was proved.
//
// Every way to log in ends in a [Proof], and [Service.Complete] is the one
// door that turns a proof into a session:
//
//	grant, err := service.Login(ctx, authn.LoginRequest{
//		Email: "ada@example.com", Password: "correct horse battery staple",
//	})
//	principal, err := service.AuthenticateToken(ctx, grant.AccessToken, client)
//
// The package declares what it needs of others as small interfaces
// ([Sessions], [LiveSessions], [RoleSource], the stores) and imports none of
// their implementations. Nothing here knows HTTP or fx.
package authn
