package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
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
	trusted := setting.Secret(in.optional("trusted_device"))
	claim, err := g.device(r, in, request.Carrier == authn.CarrierCookie)
	if err := errors.Join(in.err(), err); err != nil {
		return Reply{}, err
	}
	if request.Carrier == authn.CarrierCookie && g.dropsCookies(r) {
		return Reply{}, insecureTransport()
	}
	request.Device = claim
	if request.Trust = g.trustCookie.read(r); request.Trust == "" {
		request.Trust = trusted
	}
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
	var needed *authn.MFARequiredError
	switch {
	case errors.As(err, &held):
		return g.heldUp(ctx, held)
	case errors.As(err, &needed):
		return g.challenge(needed), nil
	case err != nil:
		return Reply{}, err
	case grant.Cookie == "":
		more, _ := g.along(grant.Factor, false)
		return tokenReply(grant, more), nil
	}
	more, cookies := g.along(grant.Factor, true)
	return Reply{
		Body:    &cookieLogin{SessionID: grant.Session.ID, brought: more},
		Cookies: append(cookies, g.cookie.set(grant.Cookie, grant.Session.Ends), g.deviceCookie.set(claim.Token)),
	}, nil
}

type cookieLogin struct {
	SessionID string `json:"session_id"`
	brought
}

type choice struct {
	SessionLimit bool          `json:"session_limit"`
	Continuation string        `json:"continuation"`
	ExpiresIn    int64         `json:"expires_in"`
	Sessions     []sessionView `json:"sessions"`
	brought
}

// heldUp answers with the sessions of which the user may end some.
func (g *Gate) heldUp(ctx context.Context, held *authn.SessionLimitError) (Reply, error) {
	live, err := g.deps.Sessions.List(ctx, held.Subject)
	if err != nil {
		return Reply{}, err
	}
	more, cookies := g.along(held.Factor, held.Carrier == authn.CarrierCookie)
	return Reply{Cookies: cookies, Body: choice{
		SessionLimit: true, Continuation: held.Continuation.Reveal(), Sessions: views(live, ""), ExpiresIn: g.secondsUntil(held.Expires), brought: more,
	}}, nil
}
