package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// mailedLoginEndpoints log in by a link or a code that was sent by e-mail.
func (g *Gate) mailedLoginEndpoints(cfg account.Config) []Endpoint {
	var list []Endpoint
	if cfg.MagicLink {
		list = append(list,
			Endpoint{Method: http.MethodPost, Path: "/login/link", Need: NeedNothing, Handle: g.beginLink},
			Endpoint{Method: http.MethodGet, Path: linkPath, Need: NeedNothing, Handle: page(linkPage)},
			Endpoint{Method: http.MethodPost, Path: linkPath, Need: NeedNothing, Handle: g.finishLink},
		)
	}
	if cfg.LoginCode {
		list = append(list,
			Endpoint{Method: http.MethodPost, Path: "/login/code", Need: NeedNothing, Handle: g.beginCode},
			Endpoint{Method: http.MethodPost, Path: "/login/code/finish", Need: NeedNothing, Handle: g.finishCode},
		)
	}
	return list
}

func (g *Gate) beginLink(ctx context.Context, r *http.Request) (Reply, error) {
	request, err := g.mailTo(r)
	if err != nil {
		return Reply{}, err
	}
	return accepted(g.deps.Account.BeginLink(ctx, request))
}

func (g *Gate) beginCode(ctx context.Context, r *http.Request) (Reply, error) {
	request, err := g.mailTo(r)
	if err != nil {
		return Reply{}, err
	}
	challenge, err := g.deps.Account.BeginCode(ctx, request)
	if err != nil {
		return Reply{}, accountProblem(err)
	}
	return Reply{Body: &mailedChallenge{Challenge: challenge.Secret, ExpiresIn: g.secondsUntil(challenge.Expires)}}, nil
}

// mailedChallenge is the answer to who asked for a code. It prints no challenge.
type mailedChallenge struct {
	Challenge setting.Secret
	ExpiresIn int64
}

// MarshalJSON reveals the challenge to its client.
func (c mailedChallenge) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Challenge string `json:"challenge"`
		ExpiresIn int64  `json:"expires_in"`
	}{c.Challenge.Reveal(), c.ExpiresIn})
}

func (g *Gate) finishLink(ctx context.Context, r *http.Request) (Reply, error) {
	return g.finish(ctx, r, func(in *body) func(authn.Completion) (authn.Grant, error) {
		token := in.secret("token")
		return func(c authn.Completion) (authn.Grant, error) { return g.deps.Account.FinishLink(ctx, token, c) }
	})
}

func (g *Gate) finishCode(ctx context.Context, r *http.Request) (Reply, error) {
	return g.finish(ctx, r, func(in *body) func(authn.Completion) (authn.Grant, error) {
		challenge, code := in.secret("challenge"), in.secret("code")
		return func(c authn.Completion) (authn.Grant, error) {
			return g.deps.Account.FinishCode(ctx, challenge, code, c)
		}
	})
}

// finish completes a login with what a login may ask for besides. The function reads what proves it.
func (g *Gate) finish(ctx context.Context, r *http.Request, proof func(*body) func(authn.Completion) (authn.Grant, error)) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	complete := proof(in)
	c, err := g.completion(r, in)
	if err := errors.Join(in.err(), err); err != nil {
		return Reply{}, err
	}
	if c.Carrier == authn.CarrierCookie && g.dropsCookies(r) {
		return Reply{}, insecureTransport()
	}
	grant, err := complete(c)
	return g.granted(ctx, grant, accountProblem(err), c.Device)
}

// completion is what the body of a login says of the session.
func (g *Gate) completion(r *http.Request, in *body) (c authn.Completion, err error) {
	c = authn.Completion{
		Carrier: authn.Carrier(in.choice("mode", string(authn.CarrierToken), string(authn.CarrierCookie))),
		Client:  g.Client(r), Bind: in.binding(), Remember: in.flag("remember"),
	}
	c.Replaces, _, _ = g.cookie.read(r)
	c.Device, err = g.device(r, in, c.Carrier == authn.CarrierCookie)
	trusted := setting.Secret(in.optional("trusted_device"))
	if c.Trust = g.trustCookie.read(r); c.Trust == "" {
		c.Trust = trusted
	}
	return c, errors.Join(err, authn.CheckDeviceName("device_name", c.Device.Name))
}
