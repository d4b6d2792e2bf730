package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/setting"
)

// LongestHistory is how many former passwords of an account can be kept at most: each costs a hashing when a new one is chosen.
const LongestHistory = 24

// PasswordHistoryStore keeps hashes of passwords that accounts had before, as text of at most 512 bytes. Every method is one
// atomic step. Implementations are safe for concurrent use.
type PasswordHistoryStore interface {
	// PushPasswordHash keeps the hash and, of the subject's others, the keep-1 that were pushed last; the rest are
	// dropped. A keep below 1 counts as 1. A hash that is kept already is pushed anew.
	PushPasswordHash(ctx context.Context, s Subject, hash string, keep int) error
	// PasswordHistory returns the subject's hashes, the last pushed first.
	PasswordHistory(ctx context.Context, s Subject) ([]string, error)
	// DeletePasswordHistory removes them all; removing none is no error.
	DeletePasswordHistory(ctx context.Context, s Subject) error
}

// PasswordHistory refuses passwords that an account has or had. A nil one, and one that keeps none, refuses nothing. It is safe for
// concurrent use.
type PasswordHistory struct {
	// Keep is how many are kept besides the present one, up to [LongestHistory].
	Keep      int
	Store     PasswordHistoryStore
	Passwords PasswordStore
	Hasher    *Hasher
}

func (h *PasswordHistory) on() bool { return h != nil && h.Keep > 0 }

// Check returns a [FieldError] with the code used_before for a password that the account has now, or had among the last that are
// kept. It costs a hashing for each of these, one after the other, and returns what the [Hasher] refuses with, such as [ErrOverloaded].
// A hash that cannot be used matches nothing.
func (h *PasswordHistory) Check(ctx context.Context, s Subject, password setting.Secret) error {
	if !h.on() {
		return nil
	}
	hashes, err := h.hashes(ctx, s)
	if err != nil {
		return err
	}
	for _, hash := range hashes {
		match, err := h.Hasher.Check(ctx, password, hash)
		switch {
		case errors.Is(err, errStoredHash):
		case err != nil:
			return err
		case match:
			return passwordError("used_before", "must not be one that the account has or had before")
		}
	}
	return nil
}

// hashes are the present one and the former ones.
func (h *PasswordHistory) hashes(ctx context.Context, s Subject) ([]string, error) {
	former, err := h.Store.PasswordHistory(ctx, s)
	if err != nil {
		return nil, wrapped("read former passwords", err)
	}
	former = former[:min(len(former), h.Keep)] // more may have been kept once
	present, err := h.Passwords.PasswordHash(ctx, s)
	switch {
	case errors.Is(err, ErrNotFound):
		return former, nil
	case err != nil:
		return nil, wrapped("read a password hash", err)
	}
	return append([]string{present}, former...), nil
}

// Remember keeps the hash of a password that the account is about to lose. [Credentials.SetPassword] calls it.
func (h *PasswordHistory) Remember(ctx context.Context, s Subject, hash string) error {
	if !h.on() {
		return nil
	}
	return wrapped("keep a former password", h.Store.PushPasswordHash(ctx, s, hash, h.Keep))
}

// Forget drops what is kept of an account, such as one that is deleted.
func (h *PasswordHistory) Forget(ctx context.Context, s Subject) error {
	if !h.on() {
		return nil
	}
	return wrapped("drop former passwords", h.Store.DeletePasswordHistory(ctx, s))
}

// CheckReuse returns a [FieldError] with the code used_before for a password that the account may not have again; see
// [PasswordHistory.Check]. Whoever sets the password of an account that exists calls it, beside [PasswordPolicy.Check].
func (s *Service) CheckReuse(ctx context.Context, subject Subject, password setting.Secret) error {
	return s.deps.History.Check(ctx, subject, password)
}
