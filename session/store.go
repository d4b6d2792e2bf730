package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// Record is a session as it is stored. It holds no secret, only a hash.
type Record struct {
	Subject authn.Subject
	ID      string
	Carrier authn.Carrier
	// SecretHash is the SHA-256 of the secret of this generation.
	SecretHash []byte
	// PreviousHash is the hash of the generation before, empty in the first.
	PreviousHash []byte
	// Generation counts the secrets: 1 after login, one more with each rotation.
	Generation int64
	// RotatedAt is when the last rotation was, zero in the first generation.
	RotatedAt time.Time
	Methods   []string
	AuthTime  time.Time
	// MFATime, Actor and ActorSession are as in [authn.Session]. A session with an Actor counts to no [Limit] and is never evicted.
	MFATime             time.Time
	Actor, ActorSession string
	CreatedAt           time.Time
	LastUsedAt          time.Time
	// IdleAt is when the session ends if it is not used again; EndsAt is when it ends in any case.
	IdleAt, EndsAt time.Time
	// EndedAt and EndReason are set when the session was ended before its time.
	EndedAt   time.Time
	EndReason authn.EndReason
	// Epoch is the position of the revocation log when the session was opened.
	Epoch int64
	// Confirmation is what the session is bound to. Nothing changes it.
	Confirmation authn.Confirmation
	// IP, UserAgent and Device describe the client at its last use.
	IP, UserAgent, Device string
	// DeviceID names the [Device] that the session was opened on, empty where none is known.
	DeviceID string
	// Remember says that the session has the longer lifetime that its user asked for at login.
	Remember bool
}

// Live reports whether the session may be used at now.
func (r Record) Live(now time.Time) bool {
	return r.EndedAt.IsZero() && now.Before(r.IdleAt) && now.Before(r.EndsAt)
}

// Limit bounds the live sessions of one subject. Max 0 is no limit.
type Limit struct {
	Max    int
	Policy LimitPolicy
}

// Rotation replaces a session's secret by the next one.
type Rotation struct {
	Tenant authn.Tenant
	ID     string
	// Generation and SecretHash must be the stored ones.
	Generation int64
	SecretHash []byte
	// NextHash is stored with Generation+1, SecretHash becomes PreviousHash, and
	// Use.At becomes RotatedAt, also when it is earlier than the time before.
	NextHash []byte
	Use      Use
	// Proved, if not nil, is stored in the same step.
	Proved *Proved
}

// Proved is what the user of a session proved once more. A zero time proves nothing of its kind.
type Proved struct {
	Methods           []string
	AuthTime, MFATime time.Time
}

// Prove adds to the record what was proved: times never move backwards, and methods that are new come last, in the order given. It
// shares no memory with what it was given.
func (r *Record) Prove(p Proved) {
	if p.AuthTime.After(r.AuthTime) {
		r.AuthTime = p.AuthTime
	}
	if p.MFATime.After(r.MFATime) {
		r.MFATime = p.MFATime
	}
	r.Methods = slices.Clone(r.Methods)
	for _, method := range p.Methods {
		if !slices.Contains(r.Methods, method) {
			r.Methods = append(r.Methods, method)
		}
	}
}

// Use is what a use of a session writes. Times never move backwards.
type Use struct {
	At, IdleAt            time.Time
	IP, UserAgent, Device string
}

// Touch is a use of one session.
type Touch struct {
	Tenant authn.Tenant
	ID     string
	Use    Use
}

// Selection chooses sessions of one subject: the one named Only, or all but
// the one named Except. With both empty it is all of them.
type Selection struct {
	Only, Except string
}

// ErrLimit is what [Store.CreateSession] returns when the limit refuses.
var ErrLimit = errors.New("session: limit reached")

// Page is a part of a list. Next, if not empty, is the ID after which there may be further records; it is not before that of the last one here.
type Page struct {
	Records []Record
	Next    string
}

// PageOf is the page of a store that looks until it has limit records, or all.
func PageOf(records []Record, limit int) Page {
	p := Page{Records: records}
	if limit > 0 && len(records) >= limit {
		p.Next = records[len(records)-1].ID
	}
	return p
}

// Store keeps session records. Every method is one atomic step, and "live" is
// what [Record.Live] says for the time that the call names. An error that is
// none of the named sentinels means that the store could not answer; callers
// refuse the request then. Times are kept to the microsecond.
// Implementations are safe for concurrent use.
type Store interface {
	// CreateSession stores r. When the subject has limit.Max or more live sessions at
	// r.CreatedAt, EvictOldest first ends those with the oldest LastUsedAt, as many as
	// needed to leave limit.Max with r, and returns them; Refuse returns [ErrLimit] and changes
	// nothing. Of concurrent calls, no more than limit.Max sessions are ever live. Sessions with an Actor are not counted, not
	// ended and not refused.
	CreateSession(ctx context.Context, r Record, limit Limit) (evicted []Record, err error)
	// Session returns the record, live or not, or [authn.ErrNotFound].
	Session(ctx context.Context, t authn.Tenant, id string) (Record, error)
	// RotateSession stores the next secret if the session is live at r.Use.At and its
	// generation and hash are the named ones; otherwise it changes nothing and returns
	// [authn.ErrConflict]. Of concurrent calls exactly one succeeds.
	RotateSession(ctx context.Context, r Rotation) error
	// ProveSession adds what was proved to a session that is live at now, as [Record.Prove] does, and returns the session as it is then, or
	// [authn.ErrNotFound]. Of concurrent calls none is lost.
	ProveSession(ctx context.Context, t authn.Tenant, id string, p Proved, now time.Time) (Record, error)
	// TouchSessions records uses, each in a step of its own: on a session that is not live at
	// Use.At it does nothing. It never shortens IdleAt and never revives a session. There may be
	// several uses of one session, which are then recorded in their order. After an error, some may have been recorded.
	TouchSessions(ctx context.Context, touches ...Touch) error
	// EndSessions ends the chosen sessions of s that are live at now, and returns them as they then are.
	// A session that has ended keeps its first reason.
	EndSessions(ctx context.Context, s authn.Subject, which Selection, now time.Time, why authn.EndReason) ([]Record, error)
	// Sessions returns the subject's sessions that are live at now, the last used first.
	Sessions(ctx context.Context, s authn.Subject, now time.Time) ([]Record, error)
	// TenantSessions returns the tenant's sessions that are live at now and have an ID after the
	// given one, in the order of their IDs, bytewise; at most limit. The work of a call is bounded: a page may be short, or
	// empty, while [Page.Next] says where to go on.
	TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) (Page, error)
	// PruneSessions drops records that ended, idled out or passed their end before the given time, and returns how many.
	PruneSessions(ctx context.Context, before time.Time) (int, error)
}
