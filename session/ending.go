package session

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// ending is one call that ends sessions.
type ending struct {
	m       *Manager
	subject authn.Subject
	which   Selection
	why     authn.EndReason
	// live are the IDs of the sessions that there are to end.
	live []string
	// ended are the sessions that this call ended.
	ended []Record
	// act tells of them, and with are others that the end of the sessions brings along.
	act  *audit.Act
	with []*audit.Act
}

func (e *ending) run(ctx context.Context) error {
	switch {
	case e.which.Only != "":
		return e.one(ctx)
	case e.which.Except != "":
		return e.others(ctx)
	}
	_ = e.list(ctx) // sessions that are being opened end as well, so nothing depends on it
	return e.m.deps.Revocations.EndSessions(ctx, e.subject, e.write)
}

// one tells of a session of the subject that has tokens, and of no other's.
func (e *ending) one(ctx context.Context) error {
	record, err := e.m.deps.Store.Session(ctx, e.subject.Tenant, e.which.Only)
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return nil
	case err != nil:
		return err
	case record.Subject != e.subject || !record.Live(e.m.deps.Now()):
		return nil
	}
	e.live = []string{record.ID}
	if record.Carrier != authn.CarrierToken {
		return e.write(ctx)
	}
	return e.m.deps.Revocations.EndSession(ctx, e.subject.Tenant, record.ID, e.m.tokensUntil(), e.write)
}

// others tells nobody when there is nothing to end: whoever asks again and again fills no log.
func (e *ending) others(ctx context.Context) error {
	if err := e.list(ctx); err != nil || len(e.live) == 0 {
		return err
	}
	return e.m.deps.Revocations.ChangeAccount(ctx, e.subject, e.write)
}

func (e *ending) list(ctx context.Context) error {
	records, err := e.m.deps.Store.Sessions(ctx, e.subject, e.m.deps.Now().UTC())
	for _, r := range records {
		if r.ID != e.which.Except {
			e.live = append(e.live, r.ID)
		}
	}
	return err
}

func (e *ending) write(ctx context.Context) error {
	now := e.m.deps.Now().UTC().Truncate(time.Microsecond)
	acting := e.act.In(ctx)
	for _, act := range e.with {
		acting = act.In(acting)
	}
	ended, err := e.m.deps.Store.EndSessions(acting, e.subject, e.which, now, e.why)
	if err != nil {
		return e.unanswered(ctx, now, err)
	}
	e.ended = ended
	return nil
}

// unanswered finds out which sessions were ended by a call that returned an
// error: the store may have done it all the same. When it ended all, the call succeeded.
func (e *ending) unanswered(ctx context.Context, now time.Time, cause error) error {
	for _, id := range e.live {
		record, err := e.m.deps.Store.Session(context.WithoutCancel(ctx), e.subject.Tenant, id)
		if err != nil {
			return cause
		}
		if record.Subject == e.subject && record.EndReason == e.why && record.EndedAt.Equal(now) {
			e.ended = append(e.ended, record)
		}
	}
	if len(e.ended) == 0 || len(e.ended) < len(e.live) {
		return cause
	}
	return nil
}
