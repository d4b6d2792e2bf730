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

// Format shows the enrollment with its secret redacted, for every verb.
func (e Enrollment) Format(f fmt.State, _ rune) {
	type plain Enrollment
	_, _ = fmt.Fprintf(f, "%+v", plain(e))
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
	key, err := otp.NewKeyFromURL(a.uri(s.cfg.Issuer, orDefault(account, s.cfg.Issuer)))
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
// [authn.ErrFactorInvalid] for a wrong code, [authn.ErrConflict] for an account that is not as by.From says, and what the limiter
// refuses with. Other sessions than by.Keep are ended, logins that wait are refused, and no device is trusted any more.
func (s *Service) ConfirmTOTP(ctx context.Context, subject authn.Subject, id string, code setting.Secret, by By) ([]setting.Secret, error) {
	codes, _, err := s.confirmTOTP(ctx, subject, id, code, by)
	return codes, err
}

// confirmTOTP returns the account's version as well.
func (s *Service) confirmTOTP(ctx context.Context, subject authn.Subject, id string, code setting.Secret, by By) ([]setting.Secret, int64, error) {
	return s.confirm(ctx, subject, by, waiting{NameTOTP, named(kindPendingApp, id), func(r *Record) error {
		if err := s.room(ctx, subject); err != nil {
			return err
		}
		step, err := s.matchApp(*r, code)
		if err != nil {
			return err
		}
		r.Kind, r.Counter, r.LastUsedAt, r.Expires = kindApp, step, s.deps.Now(), time.Time{}
		return nil
	}})
}

// enrollment is by what name the first codes of a factor are counted.
func enrollment(factor string) string { return factor + "_enrollment" }

// others reports whether the account has more than one factor.
func (s *Service) others(ctx context.Context, subject authn.Subject, list []Record) (bool, error) {
	if count(list, kindApp)+count(list, kindEmail) > 1 {
		return true, nil
	}
	for _, f := range s.deps.Factors {
		if has, err := f.Ready(ctx, authn.FactorQuery{Proof: authn.Proof{Subject: subject}}); err != nil || has && !backup(f) {
			return has, err
		}
	}
	return false, nil
}

// counted makes an attempt that the limiter counts. A wrong answer is no error to it, and a failure no wrong answer; what panics stays counted.
func (s *Service) counted(ctx context.Context, a Attempt, check func() error) error {
	done, err := s.deps.Limiter.Attempt(ctx, a)
	if err != nil {
		return err
	}
	err = check()
	switch {
	case err == nil:
		done(true, nil)
	case errors.Is(err, authn.ErrFactorInvalid):
		done(false, nil)
	default:
		done(false, err)
	}
	return err
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
