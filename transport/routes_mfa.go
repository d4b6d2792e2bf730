package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// mfaEndpoints manage the caller's own second factors, and answer a login's.
func (g *Gate) mfaEndpoints() []Endpoint {
	return []Endpoint{
		{Method: http.MethodPost, Path: "/login/mfa", Need: NeedNothing, Handle: g.answerChallenge},
		{Method: http.MethodPost, Path: "/login/mfa/begin", Need: NeedNothing, Handle: g.beginFactor},
		{Method: http.MethodGet, Path: "/mfa", Need: NeedSession, Owner: true, Handle: g.showFactors},
		{Method: http.MethodPost, Path: "/mfa/totp", Need: NeedSession, Owner: true, Handle: g.sensitive(g.enrollTOTP)},
		{Method: http.MethodPost, Path: "/mfa/totp/confirm", Need: NeedSession, Owner: true, Handle: g.sensitive(g.confirmTOTP)},
		{Method: http.MethodPost, Path: "/mfa/email", Need: NeedSession, Owner: true, Handle: g.sensitive(g.enrollEmail)},
		{Method: http.MethodPost, Path: "/mfa/email/confirm", Need: NeedSession, Owner: true, Handle: g.sensitive(g.confirmEmail)},
		{Method: http.MethodDelete, Path: "/mfa/factors/{id}", Need: NeedSession, Owner: true, Handle: g.sensitive(g.removeFactor)},
		{Method: http.MethodPost, Path: "/mfa/recovery-codes", Need: NeedSession, Owner: true, Handle: g.sensitive(g.newRecoveryCodes)},
		{Method: http.MethodGet, Path: "/mfa/trusted-devices", Need: NeedSession, Owner: true, Handle: g.trustedDevices},
		{Method: http.MethodDelete, Path: "/mfa/trusted-devices", Need: NeedSession, Owner: true, Handle: g.distrust},
		{Method: http.MethodDelete, Path: "/mfa/trusted-devices/{id}", Need: NeedSession, Owner: true, Handle: g.distrust},
	}
}

type factorView struct {
	ID         string     `json:"id"`
	Factor     string     `json:"factor"`
	Name       string     `json:"name"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
}

func factorViews(list []mfa.View) []factorView {
	out := make([]factorView, 0, len(list))
	for _, v := range list {
		out = append(out, factorView{ID: v.ID, Factor: v.Factor, Name: v.Name, CreatedAt: v.CreatedAt.UTC(), LastUsedAt: moment(v.LastUsedAt), ExpiresAt: moment(v.Expires)})
	}
	return out
}

func (g *Gate) showFactors(ctx context.Context, _ *http.Request) (Reply, error) {
	o, err := g.deps.MFA.Overview(ctx, authn.PrincipalFrom(ctx).Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: map[string]any{"factors": factorViews(o.Factors), "recovery_codes_left": o.RecoveryCodes, "recovery_used": o.RecoveryUsed, "trusted_devices": len(o.Trusted)}}, nil
}

func (g *Gate) trustedDevices(ctx context.Context, _ *http.Request) (Reply, error) {
	o, err := g.deps.MFA.Overview(ctx, authn.PrincipalFrom(ctx).Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: map[string]any{"trusted_devices": factorViews(o.Trusted)}}, nil
}

func (g *Gate) enrollTOTP(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	name := in.optional("name")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	p := authn.PrincipalFrom(ctx)
	enrollment, err := g.deps.MFA.EnrollTOTP(ctx, p.Subject, p.Email, name)
	if err != nil {
		return Reply{}, mfaProblem(err)
	}
	public, err := enrollment.Public()
	return Reply{Status: http.StatusCreated, Body: &shown{public}}, err
}

func (g *Gate) confirmTOTP(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	id, code := in.text("id"), in.secret("code")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	codes, err := g.deps.MFA.ConfirmTOTP(ctx, authn.PrincipalFrom(ctx).Subject, id, code, g.by(ctx, r))
	return confirmed(codes, err)
}

func (g *Gate) enrollEmail(ctx context.Context, r *http.Request) (Reply, error) {
	user, err := g.deps.Users.User(ctx, authn.PrincipalFrom(ctx).Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{}, mfaProblem(g.deps.MFA.EnrollEmail(ctx, user, g.Client(r)))
}

func (g *Gate) confirmEmail(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	code := in.secret("code")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	codes, err := g.deps.MFA.ConfirmEmail(ctx, authn.PrincipalFrom(ctx).Subject, code, g.by(ctx, r))
	return confirmed(codes, err)
}

// confirmed answers with the recovery codes of an account that had none.
func confirmed(codes []setting.Secret, err error) (Reply, error) {
	if err != nil {
		return Reply{}, mfaProblem(err)
	}
	return Reply{Body: &brought{RecoveryCodes: reveal(codes)}}, nil
}

func (g *Gate) newRecoveryCodes(ctx context.Context, r *http.Request) (Reply, error) {
	codes, err := g.deps.MFA.NewRecoveryCodes(ctx, authn.PrincipalFrom(ctx).Subject, g.by(ctx, r))
	return confirmed(codes, err)
}

func (g *Gate) removeFactor(ctx context.Context, r *http.Request) (Reply, error) {
	return Reply{}, ownFactor(g.deps.MFA.Remove(ctx, authn.PrincipalFrom(ctx).Subject, r.PathValue("id"), g.by(ctx, r)))
}

func (g *Gate) distrust(ctx context.Context, r *http.Request) (Reply, error) {
	return Reply{}, ownFactor(g.deps.MFA.Distrust(ctx, authn.PrincipalFrom(ctx).Subject, r.PathValue("id"), g.by(ctx, r)))
}

// by is the caller, whose own session stays.
func (g *Gate) by(ctx context.Context, r *http.Request) mfa.By {
	p := authn.PrincipalFrom(ctx)
	return mfa.By{Actor: p, Keep: p.SessionID, Client: g.Client(r)}
}

// mfaProblem is the answer to what second factors refuse.
func mfaProblem(err error) error {
	switch {
	case errors.Is(err, authn.ErrFactorInvalid):
		return problem(http.StatusUnauthorized, "code_invalid", "the code is wrong or was used already, or this factor cannot be used now")
	case errors.Is(err, authn.ErrChallengeInvalid):
		return problem(http.StatusUnauthorized, "challenge_invalid", "the login cannot be completed: it was answered already, or waited too long; log in again")
	case errors.Is(err, mfa.ErrEnrollmentInvalid):
		return problem(http.StatusBadRequest, "enrollment_invalid", "the enrollment is not valid any more; begin a new one")
	case errors.Is(err, mfa.ErrTooMany):
		return problem(http.StatusConflict, "too_many_factors", "the account has as many factors of this kind as it may have; remove one first")
	case errors.Is(err, mfa.ErrNoFactor):
		return problem(http.StatusConflict, "no_factor", "the account has no second factor yet; enroll one first")
	case errors.Is(err, mfa.ErrUnavailable):
		return problem(http.StatusNotFound, "factor_unavailable", "this factor is not offered here")
	case errors.Is(err, mfa.ErrTooManyCodes):
		p := problem(http.StatusTooManyRequests, "throttled", "too many codes were sent; try again later")
		p.RetryAfter = secondsToNextCode(err)
		return p
	}
	return err
}

// secondsToNextCode is an hour where the factor does not say it.
func secondsToNextCode(err error) int {
	wait := time.Hour
	if codes := (*mfa.TooManyCodesError)(nil); errors.As(err, &codes) {
		wait = codes.RetryAfter
	}
	return int((wait + time.Second - 1) / time.Second)
}

// ownFactor is mfaProblem for routes that name one of the caller's.
func ownFactor(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return problem(http.StatusNotFound, "factor_not_found", "you have no factor and no trusted device with this id")
	}
	return mfaProblem(err)
}
