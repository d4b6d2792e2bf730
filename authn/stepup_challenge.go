package authn

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

const (
	stepUpKind    = "sc"
	stepUpPurpose = "step_up_challenge"
)

// stepUpChallenge is a factor that was begun, as it is stored. It is for one session, and one factor.
type stepUpChallenge struct {
	Subject string    `json:"subject"`
	Session string    `json:"session"`
	Factor  string    `json:"factor"`
	State   string    `json:"state"`
	Tries   int       `json:"tries"`
	Expires time.Time `json:"expires"`
}

// BeginStepUp prepares one of the caller's second factors: it sends a code, or makes options. It returns [ErrFactorInvalid] for
// one that the account does not have and for a password, which needs no beginning, and [ErrStepUpRefused] as [Service.StepUpFactors] does.
func (s *Service) BeginStepUp(ctx context.Context, caller Principal, factor string, client Client) (StepUpBegun, error) {
	p, err := s.stepper(ctx, caller, client)
	if err != nil {
		return StepUpBegun{}, err
	}
	if s.deps.SecondFactor == nil || factor == string(FactorPassword) {
		return StepUpBegun{}, ErrFactorInvalid
	}
	if s.deps.OneTime == nil {
		return StepUpBegun{}, errors.New("authn: a step-up cannot be begun: the service has no store of one-time records")
	}
	begun, err := s.deps.SecondFactor.Begin(ctx, p.query, factor, false)
	if err != nil {
		return StepUpBegun{}, err
	}
	c := stepUpChallenge{
		Subject: caller.Subject.ID, Session: caller.SessionID, Factor: factor, State: begun.State, Expires: s.deps.Now().Add(ChallengeLifetime),
	}
	secret, err := s.keep(ctx, caller.Subject, stepUpKind, stepUpPurpose, c.Expires, c)
	if err != nil {
		return StepUpBegun{}, err
	}
	return StepUpBegun{FactorBegun: begun, Challenge: secret, Expires: c.Expires}, nil
}

// factor checks the answer to a second factor, and returns the methods that it proved. A challenge is used up by the right one.
func (s *Service) factor(ctx context.Context, p stepper, r StepUpRequest) ([]string, error) {
	if s.deps.SecondFactor == nil {
		return nil, ErrFactorInvalid
	}
	c, record, err := s.begunStepUp(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := FactorAnswer{Factor: r.Factor, Code: r.Secret, State: c.State, Client: r.Client, Device: r.Device}
	result, err := s.deps.SecondFactor.Redeem(ctx, p.query, answer)
	if errors.Is(err, ErrFactorInvalid) {
		c.Tries++
		s.notStepped(ctx, r, "code_invalid")
	}
	if err != nil {
		return nil, errors.Join(err, s.answerAgain(ctx, c, record))
	}
	methods := slices.Clone(result.Methods)
	if !slices.Contains(methods, MethodMFA) {
		methods = append(methods, MethodMFA)
	}
	return methods, nil
}

// begunStepUp consumes the challenge, if there is one. That of another session or factor is none.
func (s *Service) begunStepUp(ctx context.Context, r StepUpRequest) (c stepUpChallenge, record OneTime, err error) {
	if r.Challenge == "" {
		return c, record, nil
	}
	record, err = s.take(ctx, r.Challenge, stepUpKind, stepUpPurpose, r.Client)
	if errors.Is(err, ErrNotFound) {
		return c, record, ErrChallengeInvalid
	}
	if err != nil {
		return c, record, err
	}
	if err := json.Unmarshal([]byte(record.Value), &c); err != nil {
		return c, record, wrapped("read a challenge", err)
	}
	caller := r.Caller
	if record.Tenant != caller.Subject.Tenant || c.Subject != caller.Subject.ID || c.Session != caller.SessionID || c.Factor != r.Factor {
		return c, record, ErrChallengeInvalid
	}
	return c, record, nil
}

// answerAgain puts the challenge back under its secret of before, unless it had too many wrong answers.
func (s *Service) answerAgain(ctx context.Context, c stepUpChallenge, record OneTime) error {
	if record.ID == "" || c.Tries >= ChallengeTries {
		return nil
	}
	value, err := json.Marshal(c)
	if err != nil {
		return wrapped("store a challenge", err)
	}
	record.Value = string(value)
	return wrapped("store a challenge", s.wait(ctx, record))
}
