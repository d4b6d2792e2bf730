package authn

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/internal/commonpasswords"
	"github.com/authmodule/authmodule/setting"
)

const (
	// ShortestPassword is the least length of a new password in code points (NIST SP 800-63B-4).
	ShortestPassword = 15
	// ShortestPasswordWithMFA is that of an account that cannot log in without a second factor, and the least that can be configured.
	ShortestPasswordWithMFA = 8
	// LongestPassword is the most that is hashed, in bytes.
	LongestPassword = 4096
	// LongestMinLength is the most that a least length can be: it keeps 64 characters permitted (NIST SP 800-63B-4).
	LongestMinLength = 64
)

// NewPassword is a password that somebody wants to have, and what it must not be.
type NewPassword struct {
	Password setting.Secret
	// Tenant and Email are the account's.
	Tenant Tenant
	Email  string
	// Words are further ones that an attacker would try with this account, such as its owner's names.
	Words []string
	// AlwaysMFA: the account cannot log in without a second factor, so that a shorter password will do.
	AlwaysMFA bool
}

// Format shows the password redacted.
func (n NewPassword) Format(f fmt.State, _ rune) {
	type plain NewPassword
	_, _ = fmt.Fprintf(f, "%+v", plain(n))
}

// PasswordCheck is a further condition on new passwords. A refusal is a
// [FieldError] of the field "password", which the caller sees; any other error means that there is no answer.
// Implementations are safe for concurrent use.
type PasswordCheck interface {
	CheckPassword(ctx context.Context, n NewPassword) error
}

// PasswordPolicy says which passwords may be chosen. It is data: nothing of it is
// stored with a password, and a change counts for passwords set after it. It is safe for concurrent use.
type PasswordPolicy struct {
	minLength, minLengthMFA int
	composition             CompositionConfig
	common                  commonpasswords.List
	words                   []string
	checks                  []PasswordCheck
}

// NewPasswordPolicy returns the policy. The checks are asked last and in their
// order, each only if all before it had no objection.
func NewPasswordPolicy(cfg PasswordConfig, checks ...PasswordCheck) (*PasswordPolicy, error) {
	p := &PasswordPolicy{
		minLength: cfg.MinLength.Or(ShortestPassword), minLengthMFA: cfg.MinLengthMFA.Or(ShortestPasswordWithMFA),
		composition: cfg.Composition, words: cfg.Words, checks: checks,
	}
	for _, length := range []int{p.minLength, p.minLengthMFA} {
		if length < ShortestPasswordWithMFA || length > LongestMinLength {
			return nil, fmt.Errorf("authn: the least length of passwords must be from %d to %d", ShortestPasswordWithMFA, LongestMinLength)
		}
	}
	if !cfg.CommonPasswords.Enabled() {
		return p, nil
	}
	var err error
	if p.common, err = commonpasswords.Load(); err != nil {
		return nil, fmt.Errorf("authn: %w", err)
	}
	return p, nil
}

// Check says whether the password may be chosen, with a [FieldError] for each reason why not. Nothing is
// trimmed, case-folded or cut; letters that Unicode can spell in two ways count as the same (NFC, NIST SP 800-63B-4).
// Blocked words are compared with the whole password, in any case of their letters, and never looked for inside it.
func (p *PasswordPolicy) Check(ctx context.Context, n NewPassword) error {
	text := n.Password.Reveal()
	if len(text) > LongestPassword {
		return passwordError("too_long", fmt.Sprintf("must have at most %d bytes", LongestPassword))
	}
	if !utf8.ValidString(text) {
		return passwordError("invalid_text", "must be valid UTF-8")
	}
	text = norm.NFC.String(text)
	err := errors.Join(p.checkLength(text, n.AlwaysMFA), p.checkComposition(text), p.checkBlocked(text, n))
	for _, check := range p.checks {
		if err != nil {
			return err
		}
		err = check.CheckPassword(ctx, n)
	}
	return err
}

func (p *PasswordPolicy) checkLength(text string, alwaysMFA bool) error {
	least := p.minLength
	if alwaysMFA {
		least = min(p.minLength, p.minLengthMFA)
	}
	if utf8.RuneCountInString(text) < least {
		return passwordError("too_short", fmt.Sprintf("must have at least %d characters", least))
	}
	return nil
}

func passwordError(code, problem string) error {
	return &FieldError{Field: "password", Code: code, Problem: problem}
}

// normal is the one spelling of a password that is hashed.
func normal(password setting.Secret) string { return norm.NFC.String(password.Reveal()) }
