package mfa

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

const (
	kindRecovery = "recovery"
	// RecoveryCodes is how many recovery codes an account gets.
	RecoveryCodes = 10
	// recoveryBytes makes a code of 120 bits: more than 112, so that a plain hash keeps it (ASVS V6.5.2).
	recoveryBytes = 15
	recoveryGroup = 4
	// recoveryUsed is the counter of codes of which one was used and not made up for.
	recoveryUsed = 1
	// longestRecovery is the longest text that is looked at.
	longestRecovery = 64
)

// NewRecoveryCodes returns ten new recovery codes, each for one use, such as "abcd-efgh-ijkl-mnop-qrst-uvwx". They are shown once; those
// before are dead, other sessions than by.Keep are ended, and logins that wait are refused. It returns [ErrNoFactor] for an account that has
// no factor which they could stand in for.
func (s *Service) NewRecoveryCodes(ctx context.Context, subject authn.Subject, by By) (codes []setting.Secret, err error) {
	if has, err := s.Enrolled(ctx, subject); err != nil || !has {
		return nil, orError(err, ErrNoFactor)
	}
	_, err = s.alter(ctx, subject, by, func(ctx context.Context) error {
		codes, err = s.makeRecovery(ctx, subject, by.Client, "another")
		return err
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// makeRecovery stores new recovery codes in place of those before. The reason says whether they came with a factor.
func (s *Service) makeRecovery(ctx context.Context, subject authn.Subject, client authn.Client, reason string) ([]setting.Secret, error) {
	id, err := credential.NewID(s.deps.Rand, string(subject.Tenant), subject.ID)
	if err != nil {
		return nil, fmt.Errorf("mfa: make recovery codes: %w", err)
	}
	r := Record{Subject: subject, ID: id, Kind: kindRecovery, CreatedAt: s.deps.Now(), Version: 1}
	var codes []setting.Secret
	for range RecoveryCodes {
		raw := make([]byte, recoveryBytes)
		if _, err := io.ReadFull(s.deps.Rand, raw); err != nil {
			return nil, fmt.Errorf("mfa: make recovery codes: %w", err)
		}
		codes = append(codes, grouped(raw))
		r.Data = append(r.Data, hashRecovery(raw)...)
	}
	if err := s.deps.Limiter.Reopen(ctx, subject, NameRecoveryCode); err != nil {
		return nil, wrapped("reopen a factor", err)
	}
	act := s.deps.Events.Act(event(audit.RecoveryCodesReplaced, subject, client, reason, map[string]string{"count": strconv.Itoa(RecoveryCodes)}))
	if err := s.deps.Store.CreateFactor(act.In(ctx), r, 1); err != nil {
		return nil, wrapped("store recovery codes", err)
	}
	act.Tell(ctx)
	return codes, nil
}

// recoveryFactor is a recovery code at login.
type recoveryFactor struct{ s *Service }

var (
	_ Factor = recoveryFactor{}
	_ Backup = recoveryFactor{}
)

// Name implements [Factor].
func (f recoveryFactor) Name() string { return NameRecoveryCode }

// Backup implements [Backup].
func (f recoveryFactor) Backup() bool { return true }

// Ready implements [Factor].
func (f recoveryFactor) Ready(ctx context.Context, q authn.FactorQuery) (bool, error) {
	list, err := f.s.records(ctx, q.Proof.Subject)
	r, _ := first(list, ofKind(kindRecovery))
	return len(r.Data) > 0, err
}

// Verify implements [Factor]. Case, spaces and hyphens do not count.
func (f recoveryFactor) Verify(ctx context.Context, q authn.FactorQuery, code setting.Secret, _ string) ([]string, error) {
	raw, ok := ungrouped(code)
	if !ok {
		return nil, authn.ErrFactorInvalid
	}
	subject, left := q.Proof.Subject, 0
	act := f.s.deps.Events.ActOf(func(any) []audit.Event {
		return []audit.Event{event(audit.RecoveryCodeUsed, subject, q.Client, "", map[string]string{"left": strconv.Itoa(left)})}
	})
	err := f.s.change(act.In(ctx), subject, ofKind(kindRecovery), func(r *Record) error {
		rest, found := without(r.Data, hashRecovery(raw))
		if !found {
			return authn.ErrFactorInvalid
		}
		r.Data, r.LastUsedAt, r.Counter, left = rest, f.s.deps.Now(), recoveryUsed, len(rest)/sha256.Size
		return nil
	})
	if err != nil {
		return nil, absent(err)
	}
	act.Tell(ctx)
	return []string{authn.MethodRecovery, authn.MethodMFA}, nil
}

// afterRecovery demands a factor of a login by a recovery code, until one was enrolled.
func (s *Service) afterRecovery(ctx context.Context, proof authn.Proof) (authn.FactorDemand, error) {
	if s.cfg.AfterRecovery != AfterRecoveryEnroll || !slices.Contains(proof.Methods, authn.MethodRecovery) {
		return authn.FactorDemand{}, nil
	}
	list, err := s.records(ctx, proof.Subject)
	r, found := first(list, ofKind(kindRecovery))
	if err != nil || (found && r.Counter == 0) || count(list, kindApp) >= int(s.cfg.MaxApps) {
		return authn.FactorDemand{}, err
	}
	return s.enroll(), nil
}

// without takes one hash out of a row of them.
func without(hashes, hash []byte) ([]byte, bool) {
	for at := 0; at+sha256.Size <= len(hashes); at += sha256.Size {
		if subtle.ConstantTimeCompare(hashes[at:at+sha256.Size], hash) == 1 {
			return append(bytes.Clone(hashes[:at]), hashes[at+sha256.Size:]...), true
		}
	}
	return nil, false
}

func hashRecovery(raw []byte) []byte {
	return credential.Hash(append([]byte("authmodule recovery code "), raw...))
}

func recoveryEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

func grouped(raw []byte) setting.Secret {
	text := strings.ToLower(recoveryEncoding().EncodeToString(raw))
	var groups []string
	for ; text != ""; text = text[recoveryGroup:] {
		groups = append(groups, text[:recoveryGroup])
	}
	return setting.Secret(strings.Join(groups, "-"))
}

// ungrouped reads what grouped wrote, as people type it.
func ungrouped(code setting.Secret) ([]byte, bool) {
	text := code.Reveal()
	if len(text) > longestRecovery {
		return nil, false
	}
	text = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(text))
	raw, err := recoveryEncoding().DecodeString(text)
	if err != nil || len(raw) != recoveryBytes || recoveryEncoding().EncodeToString(raw) != text { // the decoder drops bits that are over
		return nil, false
	}
	return raw, true
}

// absent is for a factor that the account does not have, which the caller is not told.
func absent(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return authn.ErrFactorInvalid
	}
	return err
}

func orError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
