package mfa

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

const (
	kindEmail = "email_code"
	// kindPendingEmail waits for the code that shows that the owner reads the mailbox.
	kindPendingEmail = "email_code_pending"
	// CodeLifetime is how long a code sent by e-mail is good.
	CodeLifetime = 5 * time.Minute
	// CodesPerHour is how many codes an account is sent at most.
	CodesPerHour = 5
	codeDigits   = 8
)

// emailFactor sends a code to the account's own address. It is bound to the one login that it was begun for.
type emailFactor struct{ s *Service }

var (
	_ Factor   = emailFactor{}
	_ Beginner = emailFactor{}
)

// sent is the state of a login that waits for a code.
type sent struct {
	Hash    []byte    `json:"hash"`
	Nonce   []byte    `json:"nonce"`
	Expires time.Time `json:"expires"`
}

// Name implements [Factor].
func (f emailFactor) Name() string { return NameEmailCode }

// Ready implements [Factor].
func (f emailFactor) Ready(ctx context.Context, q authn.FactorQuery) (bool, error) {
	list, err := f.s.records(ctx, q.Proof.Subject)
	return count(list, kindEmail) > 0, err
}

// Begin implements [Beginner]. It returns [ErrTooManyCodes].
func (f emailFactor) Begin(ctx context.Context, q authn.FactorQuery) (authn.FactorBegun, error) {
	if byMailbox(q.Proof.Methods) {
		return authn.FactorBegun{}, authn.ErrFactorInvalid
	}
	if err := f.s.change(ctx, q.Proof.Subject, ofKind(kindEmail), f.s.countCode); err != nil {
		return authn.FactorBegun{}, absent(err)
	}
	state, err := f.s.send(ctx, q)
	return authn.FactorBegun{State: string(state)}, err
}

// countCode counts a code before it is sent, so that no number of calls at once sends more than there may be.
// Counter is how many were sent in the hour that began at LastUsedAt.
func (s *Service) countCode(r *Record) error {
	now := s.deps.Now()
	if now.Sub(r.LastUsedAt).Abs() >= time.Hour { // an hour that is to come was begun by a clock that was wrong
		r.Counter, r.LastUsedAt = 0, now
	}
	if r.Counter++; r.Counter > CodesPerHour {
		return &TooManyCodesError{RetryAfter: min(r.LastUsedAt.Add(time.Hour).Sub(now), time.Hour)}
	}
	return nil
}

// Verify implements [Factor]. The login's challenge, which holds the state, is used up with the code.
func (f emailFactor) Verify(_ context.Context, q authn.FactorQuery, code setting.Secret, state string) ([]string, error) {
	if byMailbox(q.Proof.Methods) || !f.s.codeFits([]byte(state), q.Proof.Subject, code) {
		return nil, authn.ErrFactorInvalid
	}
	return []string{authn.MethodEmail, authn.MethodMFA}, nil
}

// send sends a new code and returns the state that it is checked against.
func (s *Service) send(ctx context.Context, q authn.FactorQuery) ([]byte, error) {
	code, errCode := credential.NewDigits(s.deps.Rand, codeDigits)
	nonce, errNonce := credential.NewSecret(s.deps.Rand)
	if err := errors.Join(errCode, errNonce); err != nil {
		return nil, fmt.Errorf("mfa: make a code: %w", err)
	}
	state, err := json.Marshal(sent{Hash: s.codeHash(nonce, q.Proof.Subject, code), Nonce: nonce, Expires: s.deps.Now().Add(CodeLifetime)})
	if err != nil {
		return nil, errors.New("mfa: a code could not be kept")
	}
	if err := s.deps.Sender.SendCode(ctx, q.User, code); err != nil {
		return nil, wrapped("send a code", err)
	}
	s.emit(ctx, audit.CodeMailed, q.Proof.Subject, q.Client, NameEmailCode, nil)
	return state, nil
}

// codeHash is keyed: who reads a store cannot try all codes.
func (s *Service) codeHash(nonce []byte, subject authn.Subject, code setting.Secret) []byte {
	mac := hmac.New(sha256.New, s.codeKey())
	mac.Write(nonce)
	for _, part := range []string{string(subject.Tenant), subject.ID, code.Reveal()} {
		mac.Write(credential.Hash([]byte(part)))
	}
	return mac.Sum(nil)
}

func (s *Service) codeFits(state []byte, subject authn.Subject, code setting.Secret) bool {
	var waiting sent
	if json.Unmarshal(state, &waiting) != nil || len(waiting.Hash) != sha256.Size || !s.deps.Now().Before(waiting.Expires) {
		return false
	}
	return subtle.ConstantTimeCompare(waiting.Hash, s.codeHash(waiting.Nonce, subject, code)) == 1
}

// EnrollEmail sends a code to the account's address, in place of one that was sent before, so that codes by e-mail
// become a factor when [Service.ConfirmEmail] gets it. It returns [ErrUnavailable], [ErrTooMany] and [ErrTooManyCodes].
func (s *Service) EnrollEmail(ctx context.Context, user authn.User, client authn.Client) error {
	if !s.cfg.EmailCode {
		return ErrUnavailable
	}
	list, err := s.records(ctx, user.Subject)
	if err != nil {
		return err
	}
	if count(list, kindEmail) > 0 {
		return ErrTooMany
	}
	err = s.change(ctx, user.Subject, ofKind(kindPendingEmail), s.countCode)
	if errors.Is(err, authn.ErrNotFound) {
		now := s.deps.Now()
		err = wrapped("store an enrollment", s.deps.Store.CreateFactor(ctx, Record{
			// The ID is the same for all, so that of calls at once one creates it.
			Subject: user.Subject, ID: kindEmail, Kind: kindPendingEmail, Counter: 1, CreatedAt: now, LastUsedAt: now, Version: 1,
		}, 1))
	}
	if err != nil {
		return err
	}
	state, err := s.send(ctx, authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject}, User: user, Client: client})
	if err != nil {
		return err
	}
	return s.change(ctx, user.Subject, ofKind(kindPendingEmail), func(r *Record) error {
		r.Data = state
		return nil
	})
}

// ConfirmEmail makes codes by e-mail a factor. The results are those of [Service.ConfirmTOTP].
func (s *Service) ConfirmEmail(ctx context.Context, subject authn.Subject, code setting.Secret, by By) ([]setting.Secret, error) {
	codes, _, err := s.confirm(ctx, subject, by, waiting{NameEmailCode, ofKind(kindPendingEmail), func(r *Record) error {
		if !s.codeFits(r.Data, subject, code) {
			return authn.ErrFactorInvalid
		}
		r.Kind, r.Data, r.Counter, r.Expires = kindEmail, nil, 0, time.Time{}
		return nil
	}})
	return codes, err
}
