package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// stepUpPath is where a session proves more.
const stepUpPath = "/step-up"

// stepUpEndpoints prove once more who the caller of a session is.
func (g *Gate) stepUpEndpoints() []Endpoint {
	return []Endpoint{
		{Method: http.MethodGet, Path: stepUpPath, Need: NeedSession, Owner: true, Handle: g.stepUpFactors},
		{Method: http.MethodPost, Path: stepUpPath + "/begin", Need: NeedSession, Owner: true, Handle: g.beginStepUp},
		{Method: http.MethodPost, Path: stepUpPath, Need: NeedSession, Owner: true, Handle: g.stepUp},
	}
}

// sensitive runs the handler for who proved who they are within [Config].StepUpMinutes, by a second factor if the account has
// one: a stolen session, or a password alone, changes no credentials.
func (g *Gate) sensitive(next handler) handler {
	return func(ctx context.Context, r *http.Request) (Reply, error) {
		if err := g.provedOfLate(ctx); err != nil {
			return Reply{}, err
		}
		return next(ctx, r)
	}
}

// provedOfLate is why the caller may do nothing sensitive, or nil. Who has a second factor is asked for that alone: it makes the login recent as well.
func (g *Gate) provedOfLate(ctx context.Context) error {
	p := authn.PrincipalFrom(ctx)
	refused := g.unproved(&p, g.recently)
	if further := g.unproved(&p, g.byFactor); g.deps.MFA != nil && further != nil && further.Status == http.StatusUnauthorized {
		has, err := g.deps.MFA.Enrolled(ctx, p.Subject)
		if err != nil {
			return err
		}
		if has {
			refused = further
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

type proved struct {
	AuthTime *time.Time `json:"auth_time"`
	MFATime  *time.Time `json:"mfa_time"`
	ACR      string     `json:"acr"`
}

func provedBy(p authn.Principal) proved {
	return proved{AuthTime: moment(p.AuthTime), MFATime: moment(p.MFATime), ACR: p.ACR}
}

func (g *Gate) stepUpFactors(ctx context.Context, _ *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	factors, err := g.deps.Users.StepUpFactors(ctx, p)
	if err != nil {
		return Reply{}, stepUpProblem(err)
	}
	return Reply{Body: struct {
		Factors []string `json:"factors"`
		proved
	}{append([]string{}, factors...), provedBy(p)}}, nil
}

// begunStepUp is a challenge with what the factor says besides. It is handed on as a pointer, as every secret in a reply is.
type begunStepUp struct {
	challenge setting.Secret
	expiresIn int64
	public    setting.Secret
}

// MarshalJSON writes one object. What the factor says takes no member's place.
func (b begunStepUp) MarshalJSON() ([]byte, error) {
	members := map[string]json.RawMessage{}
	if b.public != "" {
		if err := json.Unmarshal([]byte(b.public.Reveal()), &members); err != nil {
			return nil, errors.New("transport: a factor's options are no JSON object")
		}
	}
	all := map[string]any{}
	for name, value := range members {
		all[name] = value
	}
	all["challenge"], all["expires_in"] = b.challenge.Reveal(), b.expiresIn
	return json.Marshal(all)
}

// Format shows no challenge, for every verb.
func (b begunStepUp) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "step-up that was begun") }

func (g *Gate) beginStepUp(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	factor := in.text("factor")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	begun, err := g.deps.Users.BeginStepUp(ctx, authn.PrincipalFrom(ctx), factor, g.Client(r))
	if err != nil {
		return Reply{}, stepUpProblem(err)
	}
	return Reply{Body: &begunStepUp{challenge: begun.Challenge, expiresIn: g.secondsUntil(begun.Expires), public: begun.Public}}, nil
}

func (g *Gate) stepUp(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	p := authn.PrincipalFrom(ctx)
	request := authn.StepUpRequest{Caller: p, Factor: in.text("factor"), Challenge: setting.Secret(in.optional("challenge")), Client: g.Client(r)}
	if request.Factor == string(authn.FactorPassword) {
		request.Secret = in.secret("password")
	} else {
		request.Secret = in.secret("code")
	}
	request.Device.Token = g.deviceCookie.read(r)
	if p.TokenID == "" { // the session's cookie authenticated the caller
		request.Cookie, _, _ = g.cookie.read(r)
	}
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	grant, err := g.deps.Users.StepUp(ctx, request)
	if err != nil {
		return Reply{}, stepUpProblem(err)
	}
	return g.accessReply(grant), nil
}

// accessTokens are tokens without one to refresh them by.
type accessTokens struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
}

// Format shows no token, for every verb.
func (t accessTokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "access token") }

// accessReply answers with a session's access token, or with its cookie.
func (g *Gate) accessReply(grant authn.Grant) Reply {
	if grant.Cookie != "" {
		return Reply{Cookies: []*http.Cookie{g.cookie.set(grant.Cookie, grant.Session.Ends)}}
	}
	return Reply{Body: &accessTokens{AccessToken: grant.AccessToken.Reveal(), TokenType: "Bearer", ExpiresIn: int64(grant.ExpiresIn.Seconds())}}
}

// stepUpProblem is the answer to what a step-up refuses.
func stepUpProblem(err error) error {
	switch {
	case errors.Is(err, authn.ErrInvalidCredentials):
		return problem(http.StatusUnauthorized, "invalid_credentials", "the password is wrong")
	case errors.Is(err, authn.ErrChallengeInvalid):
		return problem(http.StatusUnauthorized, "challenge_invalid", "this step-up was completed already, had too many wrong answers or waited too long; begin it again")
	case errors.Is(err, authn.ErrStepUpRefused):
		return loginRequired()
	}
	return mfaProblem(err)
}
