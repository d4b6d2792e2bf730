package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
)

func (g *Gate) login(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.LoginRequest{
		Email: in.text("email"), Password: in.secret("password"), Client: g.Client(r),
		Carrier: authn.Carrier(in.choice("mode", string(authn.CarrierToken), string(authn.CarrierCookie))),
		Bind:    in.binding(), Remember: in.flag("remember"),
	}
	request.Replaces, _, _ = g.cookie.read(r)
	claim, err := g.device(r, in, request.Carrier == authn.CarrierCookie)
	if err := errors.Join(in.err(), err); err != nil {
		return Reply{}, err
	}
	if request.Carrier == authn.CarrierCookie && g.dropsCookies(r) {
		return Reply{}, insecureTransport()
	}
	request.Device = claim
	grant, err := g.deps.Users.Login(ctx, request)
	return g.granted(ctx, grant, err, claim)
}

// continueLogin goes on with a login that the session limit held up.
func (g *Gate) continueLogin(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.ContinueRequest{Continuation: in.secret("continuation"), End: in.texts("end"), Client: g.Client(r)}
	request.Replaces, _, _ = g.cookie.read(r)
	claim, err := g.device(r, in, true)
	if err := errors.Join(in.err(), err); err != nil {
		return Reply{}, err
	}
	request.Device = claim
	grant, err := g.deps.Users.ContinueLogin(ctx, request)
	return g.granted(ctx, grant, err, claim)
}

// device is what the request says of its device. A browser that has no device cookie gets one.
func (g *Gate) device(r *http.Request, in *body, browser bool) (authn.DeviceClaim, error) {
	claim := authn.DeviceClaim{Token: g.deviceCookie.read(r), Name: in.optional("device_name")}
	if claim.Token != "" || !browser {
		return claim, nil
	}
	token, err := g.deviceCookie.issue(g.deps.Rand)
	claim.Token, claim.Fresh = token, true
	return claim, err
}

// granted answers a login.
func (g *Gate) granted(ctx context.Context, grant authn.Grant, err error, claim authn.DeviceClaim) (Reply, error) {
	var held *authn.SessionLimitError
	switch {
	case errors.As(err, &held):
		return g.heldUp(ctx, held)
	case err != nil:
		return Reply{}, err
	case grant.Cookie == "":
		return tokenReply(grant), nil
	}
	return Reply{
		Body:    map[string]string{"session_id": grant.Session.ID},
		Cookies: []*http.Cookie{g.cookie.set(grant.Cookie, grant.Session.Ends), g.deviceCookie.set(claim.Token)},
	}, nil
}

type choice struct {
	SessionLimit bool          `json:"session_limit"`
	Continuation string        `json:"continuation"`
	ExpiresIn    int64         `json:"expires_in"`
	Sessions     []sessionView `json:"sessions"`
}

// heldUp answers with the sessions of which the user may end some.
func (g *Gate) heldUp(ctx context.Context, held *authn.SessionLimitError) (Reply, error) {
	live, err := g.deps.Sessions.List(ctx, held.Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: choice{
		SessionLimit: true, Continuation: held.Continuation.Reveal(), Sessions: views(live, ""),
		ExpiresIn: int64(held.Expires.Sub(g.deps.Now()).Round(time.Second).Seconds()),
	}}, nil
}
