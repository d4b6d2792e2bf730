package fxtest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// Password is the password of every account that [App.User] makes.
const Password = "a password for tests only"

// User stores a new account with the roles, which must be defined.
func (a *App) User(roles ...string) authn.User {
	a.t.Helper()
	a.made++
	ctx := context.Background()
	user, err := a.Users.CreateUser(ctx, authn.RegisterRequest{Email: fmt.Sprintf("user%d@example.com", a.made), Password: Password})
	if err != nil {
		a.t.Fatalf("fxtest: make a user: %v", err)
	}
	for _, role := range roles {
		if err := a.AuthorizationService.Assign(ctx, authn.Principal{}, user.Subject, role); err != nil {
			a.t.Fatalf("fxtest: assign the role %s: %v", role, err)
		}
	}
	return user
}

// Principal returns a new account with the roles, as a request of it would be seen: with a live session of its own,
// and by a second factor where the configuration enables them.
func (a *App) Principal(roles ...string) authn.Principal {
	a.t.Helper()
	p, err := a.Users.AuthenticateToken(context.Background(), a.grant(a.User(roles...).Subject, authn.CarrierToken).AccessToken, authn.Client{})
	if err != nil {
		a.t.Fatalf("fxtest: make a principal: %v", err)
	}
	return p
}

// Token logs the principal's account in and returns the access token. It is
// the token of a new session, not of p.SessionID.
func (a *App) Token(p authn.Principal) string {
	a.t.Helper()
	return a.grant(p.Subject, authn.CarrierToken).AccessToken.Reveal()
}

// Grant logs the principal's account in and returns all that the login hands out.
func (a *App) Grant(p authn.Principal) authn.Grant {
	a.t.Helper()
	return a.grant(p.Subject, authn.CarrierToken)
}

// APIKey makes an API key of the principal's account and returns its text. The
// scopes must be within what the principal may do.
func (a *App) APIKey(p authn.Principal, scopes ...string) string {
	a.t.Helper()
	if a.APIKeys == nil {
		a.t.Fatalf("fxtest: make an API key: the configuration switches API keys off")
	}
	_, text, err := a.APIKeys.Create(context.Background(), p, authn.APIKeyRequest{Name: "fxtest", Scopes: scopes})
	if err != nil {
		a.t.Fatalf("fxtest: make an API key: %v", err)
	}
	return text.Reveal()
}

// Cookie logs the principal's account in and returns the session cookie.
func (a *App) Cookie(p authn.Principal) *http.Cookie {
	a.t.Helper()
	return &http.Cookie{Name: transport.CookieName, Value: a.grant(p.Subject, authn.CarrierCookie).Cookie.Reveal()}
}

func (a *App) grant(s authn.Subject, carrier authn.Carrier) authn.Grant {
	a.t.Helper()
	proof := authn.Proof{Subject: s, Methods: []string{authn.MethodPassword}, Time: a.clock.Now()}
	if a.MFA != nil {
		proof.Methods = append(proof.Methods, "otp", "mfa")
	}
	grant, err := a.Users.Complete(context.Background(), proof, authn.Completion{Carrier: carrier, Client: authn.Client{UserAgent: "fxtest"}})
	if err != nil {
		a.t.Fatalf("fxtest: log in: %v", err)
	}
	return grant
}
