package account

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
	codeKind    = "lc"
	codePurpose = "account_login_code"
	codeDigits  = 8
	// CodeLifetime is how long a login code is good (ASVS 6.6.3).
	CodeLifetime = 10 * time.Minute
	// CodeTries is how many wrong codes end a challenge.
	CodeTries = 5
)

// CodeChallenge is what the client that asked for a code answers with. Addresses without an account get one too, which no code answers.
type CodeChallenge struct {
	Secret  setting.Secret
	Expires time.Time
}

// waiting is a challenge as it is stored.
type waiting struct {
	ticket
	// Asked is the address that was given.
	Asked string `json:"asked"`
	Hash  []byte `json:"hash"`
	Nonce []byte `json:"nonce"`
	Tries int    `json:"tries"`
}

// BeginCode sends a code that logs in, if the address has an account, and returns the challenge that the code answers. What it
// tells is as in [Service.Forgot]; [ErrNotOffered] where there are none.
func (s *Service) BeginCode(ctx context.Context, r Request) (CodeChallenge, error) {
	if !s.cfg.LoginCode {
		return CodeChallenge{}, ErrNotOffered
	}
	email, err := s.ask(ctx, r, counterMail)
	if err != nil {
		return CodeChallenge{}, err
	}
	challenge, record, code, err := s.newCode(r.Tenant, email)
	if err != nil {
		return CodeChallenge{}, err
	}
	if err := s.deps.OneTime.PutOneTime(ctx, record); err != nil {
		return CodeChallenge{}, fmt.Errorf("account: store a challenge: %w", err)
	}
	err = s.mail(NoticeLoginCode, r, email, func(ctx context.Context, user authn.User) (*Notice, error) {
		return s.coded(ctx, user, record, code, r.Client)
	})
	return challenge, err
}

// newCode makes a challenge that is nobody's yet, and its code.
func (s *Service) newCode(t authn.Tenant, email string) (CodeChallenge, authn.OneTime, setting.Secret, error) {
	code, errCode := credential.NewDigits(s.deps.Rand, codeDigits)
	nonce, errNonce := credential.NewSecret(s.deps.Rand)
	secret, errSecret := credential.NewSecret(s.deps.Rand)
	id, errID := credential.NewID(s.deps.Rand, string(t), email)
	if err := errors.Join(errCode, errNonce, errSecret, errID); err != nil {
		return CodeChallenge{}, authn.OneTime{}, "", fmt.Errorf("account: make a code: %w", err)
	}
	value, err := json.Marshal(waiting{Asked: email, Hash: s.codeHash(nonce, id, code), Nonce: nonce})
	if err != nil {
		return CodeChallenge{}, authn.OneTime{}, "", errors.New("account: a code could not be kept")
	}
	expires := s.deps.Now().Add(CodeLifetime)
	record := authn.OneTime{Tenant: t, Purpose: codePurpose, ID: id, SecretHash: credential.Hash(secret), Value: string(value), Expires: expires}
	return CodeChallenge{Secret: credential.Credential{Kind: codeKind, ID: id, Secret: secret}.Encode(), Expires: expires}, record, code, nil
}

// codeHash is keyed, since whoever reads a store could try all codes, and bound to its challenge.
func (s *Service) codeHash(nonce []byte, id string, code setting.Secret) []byte {
	mac := hmac.New(sha256.New, s.codeKey())
	mac.Write(nonce)
	mac.Write(credential.Hash([]byte(id)))
	mac.Write(credential.Hash([]byte(code.Reveal())))
	return mac.Sum(nil)
}

// coded makes the challenge the account's, as it is now, before its code is sent.
func (s *Service) coded(ctx context.Context, user authn.User, record authn.OneTime, code setting.Secret, client authn.Client) (*Notice, error) {
	var w waiting
	if err := json.Unmarshal([]byte(record.Value), &w); err != nil {
		return nil, errors.New("account: a code could not be kept")
	}
	w.ticket = ticket{Subject: user.Subject.ID, Version: user.CredentialVersion, Email: user.Email}
	act := s.act(audit.LoginLinkMailed, user.Subject, authn.Principal{}, client, string(NoticeLoginCode))
	if err := s.keep(act.In(ctx), record, w); err != nil {
		return nil, err
	}
	act.Tell(ctx)
	n := s.notice(NoticeLoginCode, user, client)
	n.Code, n.Expires = code, record.Expires
	return n, nil
}

func (s *Service) keep(ctx context.Context, record authn.OneTime, w waiting) error {
	value, err := json.Marshal(w)
	if err != nil {
		return errors.New("account: a code could not be kept")
	}
	record.Value = string(value)
	if err := s.deps.OneTime.PutOneTime(ctx, record); err != nil {
		return fmt.Errorf("account: store a challenge: %w", err)
	}
	return nil
}

// FinishCode checks the code and completes the login as [authn.Service.Complete] does. After a wrong one the challenge may be answered again, [CodeTries]
// times in all; and wrong codes count for the account, which after too many in a row has no login by code. Errors are [ErrCodeInvalid], [ErrNotOffered],
// [authn.ErrThrottled] and those of Complete.
func (s *Service) FinishCode(ctx context.Context, challenge, code setting.Secret, c authn.Completion) (authn.Grant, error) {
	if !s.cfg.LoginCode {
		return authn.Grant{}, ErrNotOffered
	}
	if err := s.deps.Throttle.Blocked(authn.FactorReset, c.Client); err != nil {
		return authn.Grant{}, err
	}
	record, w, err := s.takeUp(ctx, challenge)
	if err != nil {
		if errors.Is(err, ErrCodeInvalid) {
			s.deps.Throttle.Failed(ctx, authn.FactorReset, c.Client)
		}
		return authn.Grant{}, err
	}
	user, err := s.answered(ctx, record, w, code, c)
	if err != nil {
		return authn.Grant{}, err
	}
	return s.deps.Users.Complete(ctx, s.byMail(user), c)
}

// takeUp consumes a challenge, so that no two answers to it are looked at at once.
func (s *Service) takeUp(ctx context.Context, challenge setting.Secret) (authn.OneTime, waiting, error) {
	given, err := credential.Parse(codeKind, challenge)
	if err != nil {
		return authn.OneTime{}, waiting{}, ErrCodeInvalid
	}
	record, err := s.deps.OneTime.ConsumeOneTime(ctx, authn.Tenant(given.Tenant()), codePurpose, given.ID, credential.Hash(given.Secret), s.deps.Now())
	if errors.Is(err, authn.ErrNotFound) {
		return authn.OneTime{}, waiting{}, ErrCodeInvalid
	}
	if err != nil {
		return authn.OneTime{}, waiting{}, fmt.Errorf("account: take up a challenge: %w", err)
	}
	var w waiting
	if err := json.Unmarshal([]byte(record.Value), &w); err != nil {
		return authn.OneTime{}, waiting{}, errors.New("account: a challenge cannot be read")
	}
	return record, w, nil
}

// answered returns the account whose code this is. The attempt is counted before the code is looked at, for an address without an account too.
func (s *Service) answered(ctx context.Context, record authn.OneTime, w waiting, code setting.Secret, c authn.Completion) (authn.User, error) {
	target := authn.Target{
		Factor: authn.FactorLoginCode, Subject: authn.Subject{Tenant: record.Tenant, ID: w.Subject}, Name: w.Asked, Client: c.Client, Device: c.Device,
	}
	attempt, err := s.deps.Throttle.Attempt(ctx, target)
	disabled := errors.Is(err, authn.ErrAuthenticatorDisabled) // which no address without an account can be
	if err != nil && !disabled {
		return authn.User{}, errors.Join(err, s.keep(context.WithoutCancel(ctx), record, w))
	}
	right := subtle.ConstantTimeCompare(w.Hash, s.codeHash(w.Nonce, record.ID, code)) == 1 && w.Subject != "" && !disabled
	if !right {
		attempt.Fail(ctx)
		if w.Tries++; w.Tries >= CodeTries {
			return authn.User{}, ErrCodeInvalid
		}
		return authn.User{}, errors.Join(ErrCodeInvalid, s.keep(context.WithoutCancel(ctx), record, w))
	}
	user, err := s.arrived(ctx, spent{record: record, ticket: w.ticket}, c.Client)
	attempt.Done(ctx, err == nil, err)
	if errors.Is(err, ErrTokenInvalid) {
		err = ErrCodeInvalid
	}
	return user, err
}
