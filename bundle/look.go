package bundle

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/session"
)

// look asks each store for something that is not there. It is not there on
// any node: the ID is random, so that the record that one node puts and consumes is no other's.
type look struct {
	ports  ports
	nobody authn.Subject
	now    func() time.Time
}

const (
	lookPurpose = "health"
	// lookLasts is how long the record of a look stays that was put and could not be consumed.
	lookLasts = time.Minute
)

// absent is for what is not there by intention.
func absent(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return nil
	}
	return err
}

func (l *look) users(ctx context.Context) error {
	_, err := l.ports.users.UserByID(ctx, l.nobody)
	return absent(err)
}

// updateUser changes an account that is not there: a write that changes nothing.
func (l *look) updateUser(ctx context.Context) error {
	return absent(l.ports.users.UpdateUser(ctx, authn.User{Subject: l.nobody, Email: l.nobody.ID, Version: 1}))
}

func (l *look) passwords(ctx context.Context) error {
	_, err := l.ports.passwords.PasswordHash(ctx, l.nobody)
	return absent(err)
}

func (l *look) history(ctx context.Context) error {
	_, err := l.ports.history.PasswordHistory(ctx, l.nobody)
	return err
}

func (l *look) sessions(ctx context.Context) error {
	_, err := l.ports.sessions.Sessions(ctx, l.nobody, l.now())
	return err
}

// endSessions ends all sessions of nobody: a write that changes nothing.
func (l *look) endSessions(ctx context.Context) error {
	_, err := l.ports.sessions.EndSessions(ctx, l.nobody, session.Selection{}, l.now(), authn.EndRevoked)
	return err
}

func (l *look) devices(ctx context.Context) error {
	_, err := l.ports.devices.Devices(ctx, l.nobody)
	return err
}

func (l *look) factors(ctx context.Context) error {
	_, err := l.ports.factors.Factors(ctx, l.nobody)
	return err
}

func (l *look) revocations(ctx context.Context) error {
	_, _, err := l.ports.revocations.Revocations(ctx, 0, 1)
	return err
}

// pruneRevocations drops the entries from before there were clocks.
func (l *look) pruneRevocations(ctx context.Context) error {
	_, err := l.ports.revocations.PruneRevocations(ctx, time.Unix(0, 0))
	return err
}

func (l *look) putOneTime(ctx context.Context) error {
	now, hash := l.now(), credential.Hash([]byte(l.nobody.ID))
	err := l.ports.oneTime.PutOneTime(ctx, authn.OneTime{Purpose: lookPurpose, ID: l.nobody.ID, SecretHash: hash, Expires: now.Add(lookLasts)})
	if err == nil {
		_, err = l.ports.oneTime.ConsumeOneTime(ctx, "", lookPurpose, l.nobody.ID, hash, now)
	}
	return err
}

func (l *look) counters(ctx context.Context) error {
	_, err := l.ports.counters.Counter(ctx, authn.CounterKey{Kind: lookPurpose, ID: l.nobody.ID})
	return err
}

func (l *look) rules(ctx context.Context) error {
	_, err := l.ports.rules.Rules(ctx, authn.Tenant(l.nobody.ID))
	return err
}

func (l *look) assignments(ctx context.Context) error {
	_, err := l.ports.assignments.Assignments(ctx, l.nobody)
	return err
}

func (l *look) apiKeys(ctx context.Context) error {
	_, err := l.ports.apiKeys.APIKeys(ctx, l.nobody)
	return err
}

func (l *look) signingKeys(ctx context.Context) error {
	_, err := l.ports.signingKeys.SigningKeys(ctx)
	return err
}

func (l *look) journal(ctx context.Context) error {
	_, err := l.ports.journal.Head(ctx)
	return err
}
