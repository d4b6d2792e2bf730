package mfa

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// appFactor is an authenticator app at login.
type appFactor struct{ s *Service }

var (
	_ Factor   = appFactor{}
	_ Enroller = appFactor{}
)

// Name implements [Factor].
func (f appFactor) Name() string { return NameTOTP }

// Ready implements [Factor].
func (f appFactor) Ready(ctx context.Context, q authn.FactorQuery) (bool, error) {
	list, err := f.s.records(ctx, q.Proof.Subject)
	return count(list, kindApp) > 0, err
}

// Verify implements [Factor]. The step of the code is stored before it returns.
func (f appFactor) Verify(ctx context.Context, q authn.FactorQuery, code setting.Secret, _ string) ([]string, error) {
	list, err := f.s.records(ctx, q.Proof.Subject)
	if err != nil {
		return nil, err
	}
	var broken error
	wrong := false
	for _, r := range list {
		if r.Kind != kindApp {
			continue
		}
		err := f.s.useApp(ctx, r, code)
		switch {
		case err == nil:
			return []string{authn.MethodOTP, authn.MethodMFA}, nil
		case errors.Is(err, ErrSecret): // another app may still do
			f.s.deps.Log.ErrorContext(ctx, "the secret of an authenticator app cannot be used: is its key among auth.previous_secret_keys?", "factor_id", r.ID, "error", err)
			broken = err
		case errors.Is(err, authn.ErrFactorInvalid):
			wrong = true
		case !errors.Is(err, authn.ErrNotFound):
			return nil, err
		}
	}
	if broken != nil && !wrong { // a code that was checked is counted, whatever else there is
		return nil, broken
	}
	return nil, authn.ErrFactorInvalid
}

// useApp uses a code of one app up. A secret that was sealed with an earlier key is sealed anew.
func (s *Service) useApp(ctx context.Context, app Record, code setting.Secret) error {
	return s.change(ctx, app.Subject, named(kindApp, app.ID), func(r *Record) error {
		step, err := s.matchApp(*r, code)
		if err != nil {
			return err
		}
		r.Counter, r.LastUsedAt = step, s.deps.Now()
		return s.reseal(r)
	})
}

func (s *Service) reseal(r *Record) error {
	a, current, err := s.openApp(*r)
	if err != nil || current {
		return err
	}
	r.Data, err = s.sealApp(*r, a)
	return err
}

// BeginEnroll implements [Enroller].
func (f appFactor) BeginEnroll(ctx context.Context, q authn.FactorQuery) (authn.FactorBegun, error) {
	enrollment, err := f.s.EnrollTOTP(ctx, q.Proof.Subject, q.User.Email, "")
	if err != nil {
		return authn.FactorBegun{}, err
	}
	public, err := enrollment.Public()
	return authn.FactorBegun{Public: public, State: enrollment.ID}, err
}

// FinishEnroll implements [Enroller].
func (f appFactor) FinishEnroll(ctx context.Context, q authn.FactorQuery, code setting.Secret, state string) (authn.FactorResult, error) {
	codes, version, err := f.s.confirmTOTP(ctx, q.Proof.Subject, state, code, By{Client: q.Client, From: q.Proof.CredentialVersion})
	switch {
	case errors.Is(err, ErrEnrollmentInvalid):
		err = authn.ErrFactorInvalid
	case errors.Is(err, authn.ErrConflict): // another change of the account came first
		err = authn.ErrChallengeInvalid
	}
	if err != nil {
		return authn.FactorResult{}, err
	}
	return authn.FactorResult{Methods: []string{authn.MethodOTP, authn.MethodMFA}, RecoveryCodes: codes, CredentialVersion: version}, nil
}

// Public is the enrollment as JSON for its owner: id, secret, uri, qr_png (base64) and expires.
func (e Enrollment) Public() (setting.Secret, error) {
	text, err := json.Marshal(map[string]any{
		"id": e.ID, "secret": e.Secret.Reveal(), "uri": e.URI.Reveal(),
		"qr_png": base64.StdEncoding.EncodeToString([]byte(e.QR.Reveal())), "expires": e.Expires.UTC(),
	})
	if err != nil {
		return "", errors.New("mfa: an enrollment could not be written")
	}
	return setting.Secret(text), nil
}
