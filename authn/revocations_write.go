package authn

import (
	"context"
	"time"
)

// RevokeToken ends one access token; the entry is kept until the given time, which is at least the token's own end.
func (r *Revocations) RevokeToken(ctx context.Context, t Tenant, id string, until time.Time) error {
	return r.publish(ctx, "revoke a token", Revocation{Kind: RevokedToken, Tenant: t, ID: id, Until: until})
}

// RevokeSessions ends the access tokens of sessions in one step; the last of them expires before until.
func (r *Revocations) RevokeSessions(ctx context.Context, t Tenant, until time.Time, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	entries := make([]Revocation, len(ids))
	for i, id := range ids {
		entries[i] = Revocation{Kind: RevokedSession, Tenant: t, ID: id, Until: until}
	}
	return r.publish(ctx, "revoke sessions", entries...)
}

// RevokeKey ends every token that a signing key made; the entry is kept until
// the given time, which is at least the end of the last of them.
func (r *Revocations) RevokeKey(ctx context.Context, kid string, until time.Time) error {
	return r.publish(ctx, "revoke a signing key", Revocation{Kind: RevokedKey, ID: kid, Until: until})
}

// ChangeAccount writes a change of an account's roles, state or credentials:
// write does. When it returns, the change counts on this node for
// everything that was remembered of the account, and on the others within a
// second. The log is told before, so that a change counts even when this program ends in the middle, and after.
func (r *Revocations) ChangeAccount(ctx context.Context, s Subject, write func(context.Context) error) error {
	e := Revocation{Kind: ChangedAccount, Tenant: s.Tenant, ID: s.ID}
	return r.change(ctx, e, e, write)
}

// ChangeAPIKey is [Revocations.ChangeAccount] for an API key.
func (r *Revocations) ChangeAPIKey(ctx context.Context, t Tenant, id string, write func(context.Context) error) error {
	e := Revocation{Kind: ChangedAPIKey, Tenant: t, ID: id}
	return r.change(ctx, e, e, write)
}

// ChangeRules is [Revocations.ChangeAccount] for the roles and policies of a tenant.
func (r *Revocations) ChangeRules(ctx context.Context, t Tenant, write func(context.Context) error) error {
	e := Revocation{Kind: ChangedRules, Tenant: t}
	return r.change(ctx, e, e, write)
}

// EndSession is [Revocations.ChangeAccount] for one session, whose record
// write ends. Its access tokens are dead afterwards; the last of them expires before until.
func (r *Revocations) EndSession(ctx context.Context, t Tenant, id string, until time.Time, write func(context.Context) error) error {
	return r.change(ctx, Revocation{Kind: ChangedSession, Tenant: t, ID: id}, Revocation{Kind: RevokedSession, Tenant: t, ID: id, Until: until}, write)
}

// EndSessions ends every session of the account that was opened before,
// whatever their number, in one step; without an ID in s, every one of the
// tenant. A login that is under way ends with them. What write does, which may be nil, is meant for the sessions' own records.
func (r *Revocations) EndSessions(ctx context.Context, s Subject, write func(context.Context) error) error {
	if r == nil {
		return optional(ctx, write)
	}
	until := r.deps.Now().Add(r.deps.SessionLifetime + changeKept)
	return r.change(ctx, Revocation{Kind: EndedSessions, Tenant: s.Tenant, ID: s.ID, Until: until}, Revocation{Kind: ChangedAccount, Tenant: s.Tenant, ID: s.ID}, write)
}

// change publishes the first entry, writes, and publishes the second: whoever
// looked in between and still saw the old state looks once more. Nothing is
// remembered of what changes for a while after the first, so that this holds even
// when this program ends in the middle, if writing did not take longer than that.
func (r *Revocations) change(ctx context.Context, before, after Revocation, write func(context.Context) error) error {
	if r == nil {
		return optional(ctx, write)
	}
	for _, e := range []*Revocation{&before, &after} {
		if e.Until.IsZero() {
			e.Until = r.deps.Now().Add(changeKept)
		}
	}
	if err := r.publish(ctx, "announce a change", before); err != nil || write == nil {
		return err
	}
	if err := write(ctx); err != nil {
		return err
	}
	return r.publish(context.WithoutCancel(ctx), "announce a change", after)
}

func optional(ctx context.Context, write func(context.Context) error) error {
	if write == nil {
		return nil
	}
	return write(ctx)
}

// publish writes entries to the log and lets them count on this node at once.
func (r *Revocations) publish(ctx context.Context, what string, entries ...Revocation) error {
	if r == nil {
		return nil
	}
	last, err := r.deps.Store.Revoke(ctx, entries...)
	if err != nil {
		return wrapped(what, err)
	}
	for i := range entries {
		entries[i].Position = last - int64(len(entries)-1-i)
	}
	r.apply(entries, r.deps.Now())
	r.stir()
	return nil
}
