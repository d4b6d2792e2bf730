package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// attempt is one call of Rotate.
type attempt struct {
	tenant    authn.Tenant
	id        string
	presented refreshSecret
	client    authn.Client
	// arrived, not a later moment, decides about the grace window, so that a slow store closes it for nobody.
	arrived time.Time
}

// exchange is a session whose refresh token holds, and the next token's secret.
type exchange struct {
	record Record
	child  refreshSecret
	// replayed says that the child is the session's current secret already, so that nothing is left to rotate.
	replayed bool
}

// Rotate implements [authn.Sessions]. Within [Config.RefreshGraceSeconds] of a
// rotation the token that was exchanged is exchanged for the same child again:
// issue is called, nothing is stored.
func (m *Manager) Rotate(ctx context.Context, refresh setting.Secret, client authn.Client, issue func(authn.Session) error) (authn.Session, setting.Secret, error) {
	a, err := m.attempt(refresh, client)
	if err != nil {
		return authn.Session{}, "", err
	}
	x, err := m.present(ctx, a)
	if err != nil {
		return authn.Session{}, "", err
	}
	if err := issue(x.record.session()); err != nil {
		return authn.Session{}, "", err
	}
	if !x.replayed {
		if err := m.rotate(ctx, a, x); err != nil {
			return authn.Session{}, "", err
		}
	}
	x.record.Generation = x.child.generation
	return x.record.session(), m.encode(x.record, x.child.secret), nil
}

func (m *Manager) attempt(refresh setting.Secret, client authn.Client) (attempt, error) {
	c, err := credential.Parse(kindRefresh, refresh)
	if err != nil {
		return attempt{}, authn.ErrRefreshInvalid
	}
	presented, ok := parseRefreshSecret(c.Secret)
	if !ok {
		return attempt{}, authn.ErrRefreshInvalid
	}
	return attempt{
		tenant: authn.Tenant(c.Tenant()), id: c.ID, presented: presented, client: client, arrived: m.deps.Now(),
	}, nil
}

// present finds the live session of a refresh token. A token of an older
// generation that proves itself ends the session, unless the grace window holds, and so does one from a client
// that the session is not bound to; an unknown secret does not.
func (m *Manager) present(ctx context.Context, a attempt) (exchange, error) {
	record, err := m.find(ctx, a.tenant, a.id)
	if errors.Is(err, authn.ErrSessionEnded) {
		return exchange{}, authn.ErrRefreshInvalid
	}
	if err != nil {
		return exchange{}, err
	}
	if record.Carrier != authn.CarrierToken {
		return exchange{}, authn.ErrRefreshInvalid
	}
	x := exchange{record: record, child: a.presented.next(m.key(), record.ID)}
	switch m.standing(a, x) {
	case unknown:
		return exchange{}, authn.ErrRefreshInvalid
	case used:
		return exchange{}, m.reused(ctx, record, a.client)
	case repeated:
		x.replayed = true
	case current:
	}
	// Here the token has proved itself, for the first time or in grace.
	if why := record.Confirmation.Unproved(a.client); why != "" {
		return exchange{}, m.stolen(ctx, record, a.client, why)
	}
	return x, nil
}

func (m *Manager) rotate(ctx context.Context, a attempt, x exchange) error {
	act := audit.Offered(ctx)
	act.Settle(x.record.session())
	err := m.deps.Store.RotateSession(act.In(ctx), Rotation{
		Tenant: x.record.Subject.Tenant, ID: x.record.ID, Generation: x.record.Generation, SecretHash: x.record.SecretHash,
		NextHash: credential.Hash(x.child.secret), Use: useOf(a.client, m.deps.Now().UTC(), m.idle(x.record.Carrier, x.record.Remember)),
	})
	if err != nil {
		return m.notRotated(ctx, a, x, err)
	}
	return nil
}

// notRotated finds out what became of a rotation that returned an error. On a
// conflict another call came first: what was presented is now old, or of an
// ended session; in grace the other call's child, which is derived, is this
// one's too. On any other error the store may have rotated all the same;
// then the child is handed out as if nothing had happened.
func (m *Manager) notRotated(ctx context.Context, a attempt, x exchange, cause error) error {
	if errors.Is(cause, authn.ErrConflict) {
		again, err := m.present(ctx, a)
		if err == nil && !again.replayed {
			return authn.ErrRefreshInvalid
		}
		return err
	}
	stored, err := m.find(context.WithoutCancel(ctx), x.record.Subject.Tenant, x.record.ID)
	if err == nil && x.child.matches(stored) {
		return nil
	}
	return fmt.Errorf("session: rotate: %w", cause)
}

// stolen ends a session whose refresh token came from a client that it is not
// bound to: somebody else has the token, and a bound client keeps no other.
func (m *Manager) stolen(ctx context.Context, r Record, client authn.Client, why string) error {
	if _, err := m.end(ctx, r.Subject, Selection{Only: r.ID}, authn.EndBinding); err != nil {
		return err
	}
	m.deps.Events.Emit(ctx, authn.BindingFailed(r.Subject, r.ID, client, authn.CredentialRefreshToken, why))
	return authn.ErrTokenBinding
}

func (m *Manager) reused(ctx context.Context, r Record, client authn.Client) error {
	act := m.deps.Events.Act(audit.Event{
		Type: audit.RefreshReused, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID,
		IP: client.IPText(), UserAgent: client.UserAgent,
	})
	if _, err := m.end(ctx, r.Subject, Selection{Only: r.ID}, authn.EndReused, act); err != nil {
		return err
	}
	act.Tell(ctx)
	return authn.ErrRefreshReused
}
