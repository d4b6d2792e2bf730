package authn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// SessionLimitError is how a login ends whose account has as many sessions as
// it may have, where the user may choose which to end. It is an [ErrSessionLimit].
type SessionLimitError struct {
	Subject Subject
	// Continuation, which may be used once, lets [Service.ContinueLogin] go on with the login.
	Continuation setting.Secret
	Expires      time.Time
	// Factor is what a second factor brought along; see [Grant]. Carrier is that of the login.
	Factor  FactorResult
	Carrier Carrier
}

// Error says that a limit was reached.
func (e *SessionLimitError) Error() string {
	return ErrSessionLimit.Error() + "; the user may choose which sessions to end"
}

// Unwrap makes it an [ErrSessionLimit].
func (e *SessionLimitError) Unwrap() error { return ErrSessionLimit }

const (
	continuationKind    = "cl"
	continuationPurpose = "login_continuation"
	// ContinuationLifetime is how long a login waits for its user's choice.
	ContinuationLifetime = 5 * time.Minute
	// MaxEnded is how many sessions a continued login may end.
	MaxEnded = 100
)

// continuation is a proved login as it is stored while its user chooses.
type continuation struct {
	Subject           string    `json:"subject"`
	Methods           []string  `json:"methods"`
	Time              time.Time `json:"time"`
	MFATime           time.Time `json:"mfa_time"`
	CredentialVersion int64     `json:"credential_version"`
	Carrier           Carrier   `json:"carrier"`
	Bind              Binding   `json:"bind"`
	Remember          bool      `json:"remember"`
	DeviceName        string    `json:"device_name"`
	// Epoch is the position of the revocation log when the login was first held up, Expires when it has waited for long enough.
	Epoch   int64     `json:"epoch"`
	Expires time.Time `json:"expires"`
	// Factored says that the second factor was asked for before.
	Factored bool `json:"factored"`
}

// held is what a continued login was held up by before.
type held struct {
	epoch   int64
	expires time.Time
}

// hold is the login as it is stored. One that is held up again has no more time than at first.
func (s *Service) hold(proof Proof, c Completion, epoch int64, lifetime time.Duration) continuation {
	before := held{epoch: epoch, expires: s.deps.Now().Add(lifetime)}
	if c.held != nil {
		before = *c.held
	}
	return continuation{
		Subject: proof.Subject.ID, Methods: proof.Methods, Time: proof.Time, MFATime: proof.MFATime, CredentialVersion: proof.CredentialVersion,
		Carrier: c.Carrier, Bind: c.Bind, Remember: c.Remember, DeviceName: c.Device.Name,
		Epoch: before.epoch, Expires: before.expires, Factored: c.factored,
	}
}

// resumed is what hold has stored.
func (login continuation) resumed(tenant Tenant) (Proof, Completion) {
	return Proof{
			Subject: Subject{Tenant: tenant, ID: login.Subject}, Methods: login.Methods, Time: login.Time, MFATime: login.MFATime, CredentialVersion: login.CredentialVersion,
		}, Completion{
			Carrier: login.Carrier, Bind: login.Bind, Remember: login.Remember, Device: DeviceClaim{Name: login.DeviceName},
			held: &held{epoch: login.Epoch, expires: login.Expires}, factored: login.Factored,
		}
}

// keep stores a login that waits, and returns the secret that finds it once.
func (s *Service) keep(ctx context.Context, subject Subject, kind, purpose string, expires time.Time, login any) (setting.Secret, error) {
	value, err := json.Marshal(login)
	if err != nil {
		return "", wrapped("store a login", err)
	}
	id, errID := credential.NewID(s.deps.Rand, string(subject.Tenant), subject.ID)
	secret, errSecret := credential.NewSecret(s.deps.Rand)
	if err := errors.Join(errID, errSecret); err != nil {
		return "", fmt.Errorf("authn: hold a login up: %w", err)
	}
	err = s.deps.OneTime.PutOneTime(ctx, OneTime{
		Tenant: subject.Tenant, Purpose: purpose, ID: id, SecretHash: credential.Hash(secret), Value: string(value), Expires: expires,
	})
	s.deps.Throttle.proved(FactorChallenge, id)
	return credential.Credential{Kind: kind, ID: id, Secret: secret}.Encode(), wrapped("store a login", err)
}

// wait stores what take consumed once more, under its secret of before. Who sent that meanwhile found nothing, which must not hold it up.
func (s *Service) wait(ctx context.Context, record OneTime) error {
	err := s.deps.OneTime.PutOneTime(context.WithoutCancel(ctx), record)
	s.deps.Throttle.proved(FactorChallenge, record.ID)
	return err
}

// take consumes what keep has stored, or returns [ErrNotFound], which counts as a failure of the client.
func (s *Service) take(ctx context.Context, text setting.Secret, kind, purpose string, client Client) (OneTime, error) {
	if err := s.deps.Throttle.holdsUp(FactorChallenge, client, text); err != nil {
		return OneTime{}, err
	}
	record, err := s.consume(ctx, text, kind, purpose)
	if errors.Is(err, ErrNotFound) {
		s.deps.Throttle.refuted(ctx, FactorChallenge, client, text)
	}
	return record, err
}

func (s *Service) consume(ctx context.Context, text setting.Secret, kind, purpose string) (OneTime, error) {
	given, err := credential.Parse(kind, text)
	if err != nil || s.deps.OneTime == nil {
		return OneTime{}, ErrNotFound
	}
	record, err := s.deps.OneTime.ConsumeOneTime(ctx, Tenant(given.Tenant()), purpose, given.ID, credential.Hash(given.Secret), s.deps.Now())
	if errors.Is(err, ErrNotFound) {
		return OneTime{}, ErrNotFound
	}
	return record, wrapped("take up a login", err)
}

// offer stores the login and returns the error that lets its user go on.
func (s *Service) offer(ctx context.Context, proof Proof, c Completion, epoch int64) error {
	login := s.hold(proof, c, epoch, ContinuationLifetime)
	secret, err := s.keep(ctx, proof.Subject, continuationKind, continuationPurpose, login.Expires, login)
	if err != nil {
		return err
	}
	return &SessionLimitError{Subject: proof.Subject, Expires: login.Expires, Continuation: secret, Carrier: c.Carrier}
}

// ContinueRequest goes on with a login that the session limit held up.
type ContinueRequest struct {
	Continuation setting.Secret
	// End are the IDs of the account's sessions to end, [MaxEnded] at most. One that has ended already is no error.
	End    []string
	Client Client
	// Device is as in [LoginRequest]; a name given there holds if there is none here.
	Device DeviceClaim
	// Replaces is as in [Completion].
	Replaces setting.Secret
}

// ContinueLogin ends the chosen sessions and completes the login as
// [Service.Complete] does. The continuation is used up, also when the login is then refused: when the limit holds
// it up again, because another login came first, there is a new one, which ends when the first would have. It returns [ErrContinuationInvalid] for
// one that is unknown, used or expired, and when all sessions of the account or its tenant were ended meanwhile, and a [ThrottledError].
func (s *Service) ContinueLogin(ctx context.Context, r ContinueRequest) (Grant, error) {
	if err := atMost("end", len(r.End), MaxEnded); err != nil {
		return Grant{}, err
	}
	proof, c, err := s.resume(ctx, r.Continuation, r.Client)
	if err != nil {
		return Grant{}, err
	}
	if err := s.mayContinue(ctx, proof, r.Client, c.held.epoch, ErrContinuationInvalid); err != nil {
		return Grant{}, err
	}
	for _, id := range r.End {
		if err := s.deps.Sessions.Close(ctx, proof.Subject, id, EndReplaced); err != nil && !errors.Is(err, ErrNotFound) {
			return Grant{}, err
		}
	}
	return s.Complete(ctx, proof, c.takenUp(r.Client, r.Device, r.Replaces))
}

// takenUp is a login that waited, as the request that takes it up has it go on.
func (c Completion) takenUp(client Client, device DeviceClaim, replaces setting.Secret) Completion {
	c.Client, c.Replaces = client, replaces
	if c.Carrier == CarrierCookie || !device.Fresh {
		c.Device.Token = device.Token
	}
	if device.Name != "" {
		c.Device.Name = device.Name
	}
	return c
}

// mayContinue refuses a login whose account's sessions were all ended since it was held up, or whose
// account would not be let in any more, before anything is ended for it.
func (s *Service) mayContinue(ctx context.Context, proof Proof, client Client, epoch int64, ended error) error {
	if gone, err := s.view().EndedSince(ctx, proof.Subject, epoch); err != nil || gone {
		return orError(err, ended)
	}
	err := s.stillGood(ctx, proof)
	if errors.Is(err, ErrInvalidCredentials) {
		s.refused(ctx, proof.Subject, client, "account_changed")
	}
	return err
}

// resume consumes a continuation.
func (s *Service) resume(ctx context.Context, text setting.Secret, client Client) (Proof, Completion, error) {
	record, err := s.take(ctx, text, continuationKind, continuationPurpose, client)
	if errors.Is(err, ErrNotFound) {
		return Proof{}, Completion{}, ErrContinuationInvalid
	}
	if err != nil {
		return Proof{}, Completion{}, err
	}
	var login continuation
	if err := json.Unmarshal([]byte(record.Value), &login); err != nil {
		return Proof{}, Completion{}, wrapped("read a continuation", err)
	}
	proof, c := login.resumed(record.Tenant)
	return proof, c, nil
}
