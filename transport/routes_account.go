package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// accountEndpoints are what owners do with their accounts. Those that send something are there if there is a notifier.
func (g *Gate) accountEndpoints() []Endpoint {
	if g.deps.Account == nil {
		return nil
	}
	cfg := g.deps.Account.Config()
	list := []Endpoint{{Method: http.MethodPost, Path: "/password", Need: NeedSession, Owner: true, Handle: g.sensitive(g.changePassword)}}
	if cfg.SelfDelete.Enabled() {
		list = append(list, Endpoint{Method: http.MethodDelete, Path: "/me", Need: NeedSession, Owner: true, Handle: g.sensitive(g.deleteMe)})
	}
	if !g.deps.Account.Sends() {
		return list
	}
	list = append(list,
		Endpoint{Method: http.MethodPost, Path: "/password/forgot", Need: NeedNothing, Handle: g.forgotPassword},
		Endpoint{Method: http.MethodGet, Path: resetPath, Need: NeedNothing, Handle: page(resetPage)},
		Endpoint{Method: http.MethodPost, Path: resetPath, Need: NeedNothing, Handle: g.resetPassword},
		Endpoint{Method: http.MethodPost, Path: "/email", Need: NeedSession, Owner: true, Handle: g.sensitive(g.changeEmail)},
		Endpoint{Method: http.MethodGet, Path: confirmPath, Need: NeedNothing, Handle: page(confirmPage)},
		Endpoint{Method: http.MethodPost, Path: confirmPath, Need: NeedNothing, Handle: g.redeem(g.deps.Account.ConfirmEmailChange)},
	)
	if cfg.VerifyEmail != account.VerifyOff {
		list = append(list,
			Endpoint{Method: http.MethodPost, Path: "/email/verify/resend", Need: NeedNothing, Handle: g.resendVerification},
			Endpoint{Method: http.MethodGet, Path: verifyPath, Need: NeedNothing, Handle: page(verifyPage)},
			Endpoint{Method: http.MethodPost, Path: verifyPath, Need: NeedNothing, Handle: g.redeem(g.deps.Account.VerifyEmail)},
		)
	}
	return append(list, g.mailedLoginEndpoints(cfg)...)
}

// Paths to which links lead, below the prefix.
const (
	verifyPath  = "/email/verify"
	confirmPath = "/email/confirm"
	resetPath   = "/password/reset"
	linkPath    = "/login/link/finish"
)

// AccountLinks are where links lead: the application's own pages, and for those it has none of, the module's. They are built from
// configuration alone, and never from a request.
func (c Config) AccountLinks(own account.Links) account.Links {
	c = c.WithDefaults()
	at := func(own, path string) string {
		if own != "" {
			return own
		}
		return c.PublicURL + c.Prefix + path
	}
	return account.Links{
		VerifyEmail: at(own.VerifyEmail, verifyPath), ResetPassword: at(own.ResetPassword, resetPath),
		ChangeEmail: at(own.ChangeEmail, confirmPath), MagicLink: at(own.MagicLink, linkPath),
	}
}

// accepted is the answer to who asks for something to be sent, the same for everybody.
func accepted(err error) (Reply, error) {
	if err != nil {
		return Reply{}, accountProblem(err)
	}
	return Reply{Status: http.StatusAccepted, Body: struct{}{}}, nil
}

// mailTo reads a request that names an address.
func (g *Gate) mailTo(r *http.Request) (account.Request, error) {
	in, err := g.read(r)
	if err != nil {
		return account.Request{}, err
	}
	return account.Request{Email: in.text("email"), Client: g.Client(r)}, in.err()
}

func (g *Gate) forgotPassword(ctx context.Context, r *http.Request) (Reply, error) {
	request, err := g.mailTo(r)
	if err != nil {
		return Reply{}, err
	}
	return accepted(g.deps.Account.Forgot(ctx, request))
}

func (g *Gate) resendVerification(ctx context.Context, r *http.Request) (Reply, error) {
	request, err := g.mailTo(r)
	if err != nil {
		return Reply{}, err
	}
	return accepted(g.deps.Account.ResendVerification(ctx, request))
}

func (g *Gate) resetPassword(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	token, password := in.secret("token"), in.secret("password")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	return Reply{}, accountProblem(g.deps.Account.Reset(ctx, token, password, g.Client(r)))
}

// redeem uses a token up.
func (g *Gate) redeem(use func(context.Context, setting.Secret, authn.Client) error) handler {
	return func(ctx context.Context, r *http.Request) (Reply, error) {
		in, err := g.read(r)
		if err != nil {
			return Reply{}, err
		}
		token := in.secret("token")
		if err := in.err(); err != nil {
			return Reply{}, err
		}
		return Reply{}, accountProblem(use(ctx, token, g.Client(r)))
	}
}

func (g *Gate) changePassword(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	change := account.PasswordChange{
		Caller: authn.PrincipalFrom(ctx), Current: in.secret("current_password"), New: in.secret("password"), Client: g.Client(r),
		Device: authn.DeviceClaim{Token: g.deviceCookie.read(r)},
	}
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	if err := g.deps.Account.ChangePassword(ctx, change); err != nil {
		return Reply{}, accountProblem(err)
	}
	return Reply{Cookies: g.renewed(ctx, change.Caller, r)}, nil
}

// renewed gives the session of a cookie another one. What was done before stands without it.
func (g *Gate) renewed(ctx context.Context, p authn.Principal, r *http.Request) []*http.Cookie {
	value, _, single := g.cookie.read(r)
	if !single || p.TokenID != "" {
		return nil
	}
	grant, err := g.deps.Users.RenewCookie(ctx, value, g.Client(r))
	if err != nil {
		if !errors.Is(err, authn.ErrSessionRenewed) {
			g.deps.Log.WarnContext(ctx, "the cookie of a session whose account has a new password was not renewed", "session_id", p.SessionID, "error", err)
		}
		return nil
	}
	return []*http.Cookie{g.cookie.set(grant.Cookie, grant.Session.Ends)}
}

func (g *Gate) changeEmail(ctx context.Context, r *http.Request) (Reply, error) {
	request, err := g.mailTo(r)
	if err != nil {
		return Reply{}, err
	}
	return accepted(g.deps.Account.ChangeEmail(ctx, authn.PrincipalFrom(ctx), request.Email, request.Client))
}

func (g *Gate) deleteMe(ctx context.Context, r *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	if err := g.deps.Account.DeleteOwn(ctx, p, g.Client(r)); err != nil {
		return Reply{}, accountProblem(err)
	}
	return Reply{Cookies: g.cookieOf(p, r), ClearSiteData: g.clearsSiteData(r)}, nil
}

// accountProblem is the answer to what the flows of accounts refuse.
func accountProblem(err error) error {
	switch {
	case errors.Is(err, account.ErrTokenInvalid):
		return problem(http.StatusBadRequest, "token_invalid", "the link is not valid: it was used, replaced by a newer one, or is too old; ask for another")
	case errors.Is(err, account.ErrCodeInvalid):
		return problem(http.StatusUnauthorized, "code_invalid", "the code is wrong, or was used or replaced, or is too old")
	case errors.Is(err, account.ErrNotOffered), errors.Is(err, account.ErrNoNotifier):
		return problem(http.StatusNotFound, "not_offered", "this is not offered here")
	case errors.Is(err, account.ErrLastAdmin):
		return lastAdmin()
	case errors.Is(err, authn.ErrConflict):
		return problem(http.StatusConflict, "conflict", "another change came first; look at the account and try again")
	}
	return err
}

func lastAdmin() error {
	return problem(http.StatusConflict, "last_admin", "this is the last administrator; give somebody else the role first")
}
