package authn

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// MFARequiredError is how a login ends that must prove a second factor. There is no session yet.
type MFARequiredError struct {
	Subject Subject
	Demand  FactorDemand
	// Challenge lets [Service.AnswerChallenge] complete the login, once.
	Challenge setting.Secret
	Expires   time.Time
}

// Error says that more must be proved.
func (e *MFARequiredError) Error() string { return "authn: the login needs a second factor" }

const (
	challengeKind    = "mc"
	challengePurpose = "mfa_challenge"
	// ChallengeLifetime is how long a login waits for its second factor.
	ChallengeLifetime = 5 * time.Minute
	// ChallengeTries is how many wrong answers end a challenge. What an account may answer in all is limited besides.
	ChallengeTries = 5
	// challengeBegins is how often factors of one challenge may be begun.
	challengeBegins = 10
)

// challenge is a login as it is stored while it waits for a second factor.
type challenge struct {
	continuation
	Enroll bool `json:"enroll"`
	// Begun is the factor that State belongs to.
	Begun  string `json:"begun"`
	State  string `json:"state"`
	Tries  int    `json:"tries"`
	Begins int    `json:"begins"`
}

// demand returns an [MFARequiredError] when the login must prove more. It cannot where such a login cannot be kept, and then refuses.
func (s *Service) demand(ctx context.Context, proof Proof, user User, roles []string, c Completion, epoch int64) error {
	if s.deps.SecondFactor == nil || c.factored {
		return nil
	}
	due, err := s.deps.SecondFactor.Due(ctx, FactorQuery{Proof: proof, User: user, Roles: roles, Client: c.Client, Trust: c.Trust})
	if err != nil {
		return wrapped("ask for a second factor", err)
	}
	if !due.Due() {
		return nil
	}
	if s.deps.OneTime == nil {
		return errors.New("authn: a login that waits for a second factor cannot be kept: the service has no store of one-time records")
	}
	return s.challenged(ctx, proof, due, c, epoch)
}

// challenged stores the login and returns the error that lets its user go on.
func (s *Service) challenged(ctx context.Context, proof Proof, due FactorDemand, c Completion, epoch int64) error {
	waiting := challenge{continuation: s.hold(proof, c, epoch, ChallengeLifetime), Enroll: due.Enroll}
	secret, err := s.keep(ctx, proof.Subject, challengeKind, challengePurpose, waiting.Expires, waiting)
	if err != nil {
		return err
	}
	return &MFARequiredError{Subject: proof.Subject, Demand: due, Challenge: secret, Expires: waiting.Expires}
}

// waiting is a login that was taken up.
type waiting struct {
	record OneTime
	challenge
	proof Proof
	next  Completion
	query FactorQuery
}

// takeUp consumes a challenge, and looks at the account as it is now.
func (s *Service) takeUp(ctx context.Context, text setting.Secret, client Client) (waiting, error) {
	record, err := s.take(ctx, text, challengeKind, challengePurpose, client)
	if errors.Is(err, ErrNotFound) || s.deps.SecondFactor == nil {
		return waiting{}, ErrChallengeInvalid
	}
	if err != nil {
		return waiting{}, err
	}
	w := waiting{record: record}
	if err := json.Unmarshal([]byte(record.Value), &w.challenge); err != nil {
		return waiting{}, wrapped("read a challenge", err)
	}
	w.proof, w.next = w.resumed(record.Tenant)
	if err := s.mayContinue(ctx, w.proof, client, w.next.held.epoch, ErrChallengeInvalid); err != nil {
		return waiting{}, err
	}
	user, has, err := s.account(ctx, w.proof.Subject)
	if errors.Is(err, errGone) {
		return waiting{}, ErrInvalidCredentials
	}
	w.query = FactorQuery{Proof: w.proof, User: user, Roles: has.roles, Client: client}
	return w, err
}

// putBack has the challenge wait on, under its secret of before.
func (s *Service) putBack(ctx context.Context, w waiting) error {
	value, err := json.Marshal(w.challenge)
	if err != nil {
		return wrapped("store a login", err)
	}
	w.record.Value = string(value)
	return wrapped("store a login", s.wait(ctx, w.record))
}

// BeginChallenge prepares one of a challenge's factors: it sends a code, or makes an enrollment. The challenge waits on under
// the same secret. It returns [ErrChallengeInvalid], and [ErrFactorInvalid] for a factor that is not among those asked for.
func (s *Service) BeginChallenge(ctx context.Context, text setting.Secret, factor string, client Client) (FactorBegun, error) {
	w, err := s.takeUp(ctx, text, client)
	if err != nil {
		return FactorBegun{}, err
	}
	if w.Begins++; w.Begins > challengeBegins {
		return FactorBegun{}, ErrChallengeInvalid
	}
	begun, err := s.deps.SecondFactor.Begin(ctx, w.query, factor, w.Enroll)
	if err == nil {
		w.Begun, w.State = factor, begun.State
	}
	if err := errors.Join(err, s.putBack(ctx, w)); err != nil {
		return FactorBegun{}, err
	}
	return begun, nil
}

// ChallengeAnswer answers a challenge.
type ChallengeAnswer struct {
	Challenge setting.Secret
	// Factor is one of those asked for, Code what its user gave.
	Factor string
	Code   setting.Secret
	// Trust asks that this device need no second factor for a while, if the configuration lets it.
	Trust  bool
	Client Client
	// Device and Replaces are as in [ContinueRequest].
	Device   DeviceClaim
	Replaces setting.Secret
}

// AnswerChallenge completes a login by a second factor, as [Service.Complete] does. A wrong answer is [ErrFactorInvalid], after which
// the challenge may be answered again, [ChallengeTries] times in all. It is [ErrChallengeInvalid] for a challenge that is unknown, was answered or
// is being answered, waited too long, or had too many wrong answers; and when all sessions of the account ended meanwhile.
// After the right one the challenge is used up, also where the login is then refused or held up.
func (s *Service) AnswerChallenge(ctx context.Context, r ChallengeAnswer) (Grant, error) {
	if err := CheckDeviceName("device_name", r.Device.Name); err != nil {
		return Grant{}, err
	}
	w, err := s.takeUp(ctx, r.Challenge, r.Client)
	if err != nil {
		return Grant{}, err
	}
	result, err := s.redeem(ctx, w, r)
	if err != nil {
		return Grant{}, err
	}
	if w.Enroll { // an enrollment ends all sessions and all logins but this one
		if result.CredentialVersion != 0 {
			w.proof.CredentialVersion = result.CredentialVersion
		}
		if w.next.held.epoch, err = s.view().Position(ctx); err != nil {
			return Grant{}, err
		}
	}
	w.proof.MFATime = s.deps.Now()
	for _, method := range result.Methods {
		if !slices.Contains(w.proof.Methods, method) {
			w.proof.Methods = append(w.proof.Methods, method)
		}
	}
	next := w.completion(r)
	if err := s.demandEnrollment(ctx, w, next); err != nil {
		return Grant{}, err
	}
	grant, err := s.Complete(ctx, w.proof, next)
	var held *SessionLimitError
	if errors.As(err, &held) {
		held.Factor = result
	}
	if err != nil {
		return Grant{}, err
	}
	grant.Factor = result
	return grant, nil
}

// demandEnrollment returns an [MFARequiredError] when the factor that was given, such as a recovery code, wants another to be enrolled.
func (s *Service) demandEnrollment(ctx context.Context, w waiting, c Completion) error {
	if w.Enroll {
		return nil
	}
	w.query.Proof = w.proof
	due, err := s.deps.SecondFactor.Due(ctx, w.query)
	if err != nil || !due.Enroll {
		return wrapped("ask for an enrollment", err)
	}
	return s.challenged(ctx, w.proof, due, c, c.held.epoch)
}

// redeem checks an answer. A challenge that may be answered again is put back.
func (s *Service) redeem(ctx context.Context, w waiting, r ChallengeAnswer) (FactorResult, error) {
	answer := FactorAnswer{Factor: r.Factor, Code: r.Code, Enroll: w.Enroll, Client: r.Client, Device: r.Device, Trust: r.Trust}
	if w.Begun == r.Factor {
		answer.State = w.State
	}
	if answer.Device.Name == "" {
		answer.Device.Name = w.DeviceName
	}
	result, err := s.deps.SecondFactor.Redeem(ctx, w.query, answer)
	if err == nil {
		return result, nil
	}
	if errors.Is(err, ErrFactorInvalid) {
		w.Tries++
	}
	if w.Tries < ChallengeTries {
		err = errors.Join(err, s.putBack(ctx, w))
	}
	return FactorResult{}, err
}

// completion is how the login goes on.
func (w waiting) completion(r ChallengeAnswer) Completion {
	c := w.next
	c.factored, c.held.expires = true, c.held.expires.Add(ContinuationLifetime)
	return c.takenUp(r.Client, r.Device, r.Replaces)
}
