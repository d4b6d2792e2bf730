package mfa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

const (
	kindApp = "totp"
	// kindPendingApp cannot log anybody in.
	kindPendingApp = "totp_pending"
	qrPixels       = 256
	longestAccount = 254
)

// Enrollment is an authenticator app that waits for its first code. It is shown once.
type Enrollment struct {
	ID string
	// Secret is what an app takes by hand, URI what it takes from another program, QR the same as a PNG picture. All three are the secret.
	Secret, URI setting.Secret
	QR          setting.Secret
	Expires     time.Time
}

// EnrollTOTP begins the enrollment of an authenticator app, in place of one that waits already. The account is what the
// app shows, such as an e-mail address, and name what the owner calls the app. It returns [ErrTooMany], and
// an [authn.FieldError] for a name that is too long or does not print. The caller makes sure that it is the owner who asks.
func (s *Service) EnrollTOTP(ctx context.Context, subject authn.Subject, account, name string) (Enrollment, error) {
	if err := authn.CheckDeviceName("name", name); err != nil {
		return Enrollment{}, err
	}
	if err := s.room(ctx, subject); err != nil {
		return Enrollment{}, err
	}
	now := s.deps.Now()
	a := app{Secret: make([]byte, s.cfg.Algorithm.secretBytes()), Algorithm: s.cfg.Algorithm, Digits: int(s.cfg.Digits)}
	if _, err := io.ReadFull(s.deps.Rand, a.Secret); err != nil {
		return Enrollment{}, fmt.Errorf("mfa: make a secret: %w", err)
	}
	id, err := credential.NewID(s.deps.Rand, string(subject.Tenant), subject.ID)
	if err != nil {
		return Enrollment{}, fmt.Errorf("mfa: make an enrollment: %w", err)
	}
	r := Record{Subject: subject, ID: id, Kind: kindPendingApp, Name: name, CreatedAt: now, Expires: now.Add(s.cfg.EnrollMinutes.Duration()), Version: 1}
	if r.Data, err = s.sealApp(r, a); err != nil {
		return Enrollment{}, err
	}
	shown, err := s.show(a, account)
	if err != nil {
		return Enrollment{}, err
	}
	shown.ID, shown.Expires = id, r.Expires
	return shown, wrapped("store an enrollment", s.deps.Store.CreateFactor(ctx, r, 1))
}

// room returns [ErrTooMany] when the account has as many apps as it may have.
func (s *Service) room(ctx context.Context, subject authn.Subject) error {
	list, err := s.records(ctx, subject)
	if err == nil && count(list, kindApp) >= int(s.cfg.MaxApps) {
		return ErrTooMany
	}
	return err
}

// show draws the secret.
func (s *Service) show(a app, account string) (Enrollment, error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: s.cfg.Issuer, AccountName: orDefault(account, s.cfg.Issuer), Secret: a.Secret,
		Period: uint(Period / time.Second), Digits: otp.Digits(a.Digits), Algorithm: a.Algorithm.otp(),
	})
	if err != nil {
		return Enrollment{}, errors.New("mfa: the secret could not be written as a URI")
	}
	image, err := key.Image(qrPixels, qrPixels)
	if err != nil {
		return Enrollment{}, errors.New("mfa: the secret could not be drawn")
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image); err != nil {
		return Enrollment{}, errors.New("mfa: the picture could not be written")
	}
	return Enrollment{Secret: setting.Secret(a.text()), URI: setting.Secret(key.URL()), QR: setting.Secret(picture.String())}, nil
}

// ConfirmTOTP makes an enrollment a factor, by the first code of its app; the code is used up. With the first factor of
// an account it returns its recovery codes, which are shown once. It returns [ErrEnrollmentInvalid],
// [authn.ErrFactorInvalid] for a wrong code, and what the limiter refuses with. Other sessions than keep are ended.
func (s *Service) ConfirmTOTP(ctx context.Context, subject authn.Subject, id string, code setting.Secret, by By) (codes []setting.Secret, err error) {
	done, err := s.deps.Limiter.Attempt(ctx, Attempt{Subject: subject, Factor: NameTOTP + "_enrollment", Client: by.Client})
	if err != nil {
		return nil, err
	}
	defer func() { settle(done, err) }()
	if err := s.room(ctx, subject); err != nil {
		return nil, err
	}
	act := s.deps.Events.Act(event(audit.MFAEnrolled, subject, by.Client, NameTOTP, map[string]string{"factor_id": id}))
	err = s.change(act.In(ctx), subject, named(kindPendingApp, id), func(r *Record) error {
		step, err := s.matchApp(*r, code)
		if err != nil {
			return err
		}
		r.Kind, r.Counter, r.LastUsedAt, r.Expires = kindApp, step, s.deps.Now(), time.Time{}
		return nil
	})
	if err != nil {
		return nil, s.refusedEnrollment(ctx, subject, by.Client, NameTOTP, err)
	}
	return s.joined(ctx, subject, by, NameTOTP, act)
}

// By is who changes the factors of an account.
type By struct {
	// Actor is the caller, if that is not the owner.
	Actor authn.Principal
	// Keep is the ID of the session that stays.
	Keep   string
	Client authn.Client
}

// refusedEnrollment says why a first code made no factor.
func (s *Service) refusedEnrollment(ctx context.Context, subject authn.Subject, client authn.Client, factor string, err error) error {
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return ErrEnrollmentInvalid
	case errors.Is(err, authn.ErrFactorInvalid):
		s.emit(ctx, audit.MFAFailed, subject, client, factor+"_enrollment", nil)
	}
	return err
}

// joined does what a new factor brings along. It returns recovery codes for an account that has none.
func (s *Service) joined(ctx context.Context, subject authn.Subject, by By, factor string, act *audit.Act) ([]setting.Secret, error) {
	act.Tell(ctx)
	if err := s.deps.Limiter.Reopen(ctx, subject, factor); err != nil {
		return nil, wrapped("reopen a factor", err)
	}
	if err := s.closeOthers(ctx, subject, by); err != nil {
		return nil, err
	}
	list, err := s.records(ctx, subject)
	if _, has := first(list, ofKind(kindRecovery)); has || err != nil {
		return nil, err
	}
	return s.NewRecoveryCodes(ctx, subject, by.Client)
}

// settle tells the limiter what became of an attempt. A wrong answer is no error to it, and a failure no wrong answer.
func settle(done func(bool, error), err error) {
	switch {
	case err == nil:
		done(true, nil)
	case errors.Is(err, authn.ErrFactorInvalid):
		done(false, nil)
	default:
		done(false, err)
	}
}

// matchApp returns the step of a code that was not used yet.
func (s *Service) matchApp(r Record, code setting.Secret) (int64, error) {
	a, _, err := s.openApp(r)
	if err != nil {
		return 0, err
	}
	step, found, err := a.match(code.Reveal(), s.deps.Now(), s.cfg.skew(), r.Counter)
	if err == nil && !found {
		err = authn.ErrFactorInvalid
	}
	return step, err
}

func (s *Service) sealApp(r Record, a app) ([]byte, error) {
	text, err := json.Marshal(a) //nolint:gosec // it is sealed before it goes anywhere
	if err != nil {
		return nil, errors.New("mfa: a secret could not be written")
	}
	return s.box.Seal(s.deps.Rand, text, string(r.Subject.Tenant), r.Subject.ID, r.ID)
}

// openApp returns the app, and whether it is sealed with the present secret.
func (s *Service) openApp(r Record) (a app, current bool, err error) {
	text, current, err := s.box.Open(r.Data, string(r.Subject.Tenant), r.Subject.ID, r.ID)
	if err != nil {
		return app{}, false, fmt.Errorf("%w: %w (factor %s)", ErrSecret, err, r.ID)
	}
	if json.Unmarshal(text, &a) != nil { // its error may hold the secret
		return app{}, false, ErrSecret
	}
	if err := a.check(); err != nil {
		return app{}, false, err
	}
	return a, current, nil
}

func orDefault(text, fallback string) string {
	if text == "" || len(text) > longestAccount {
		return fallback
	}
	return text
}
