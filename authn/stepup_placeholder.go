package authn

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// ErrImpersonationOff: nobody decides who may act as somebody else.
var ErrImpersonationOff = errors.New("authn: impersonation is off")

// StepUpRequest proves once more who the caller is.
type StepUpRequest struct {
	Caller Principal
	// Factor is password, or a second factor's name.
	Factor    string
	Secret    setting.Secret
	Challenge setting.Secret
	Cookie    setting.Secret
	Client    Client
	Device    DeviceClaim
}

// StepUpBegun is what a factor needs before it can be answered.
type StepUpBegun struct {
	FactorBegun
	Challenge setting.Secret
	Expires   time.Time
}

// StepUpFactors returns the factors that the caller may choose from.
func (s *Service) StepUpFactors(context.Context, Principal) ([]string, error) {
	return []string{"password"}, nil
}

// BeginStepUp prepares a factor.
func (s *Service) BeginStepUp(context.Context, Principal, string, Client) (StepUpBegun, error) {
	return StepUpBegun{}, ErrFactorInvalid
}

// StepUp completes a step-up.
func (s *Service) StepUp(context.Context, StepUpRequest) (Grant, error) {
	return Grant{}, ErrFactorInvalid
}

// Impersonator decides who may act as whom.
type Impersonator interface {
	MayImpersonate(ctx context.Context, actor Principal, target Subject) error
}

// Impersonation says why, and how the session is carried.
type Impersonation struct {
	Reason  string
	Carrier Carrier
	Client  Client
	Bind    Binding
}

// Impersonate opens a session of the target for the actor.
func (s *Service) Impersonate(ctx context.Context, actor Principal, target Subject, _ Impersonation) (Grant, error) {
	if s.deps.MayImpersonate == nil {
		return Grant{}, ErrImpersonationOff
	}
	return Grant{}, s.deps.MayImpersonate.MayImpersonate(ctx, actor, target)
}
