package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

const (
	insertWaiting = `INSERT INTO authmodule_audit_waiting (id, tenant, subject_id, type, at, payload) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	anyWaiting   = `SELECT 1 FROM authmodule_audit_waiting LIMIT 1`
	countWaiting = `SELECT count(*) FROM authmodule_audit_waiting`

	// oldestWaiting says of each event whether it is in the chain already: one may be put again while it is moved.
	oldestWaiting = `SELECT w.position, w.id, w.tenant, w.subject_id, w.type, w.at, w.payload,
			CASE WHEN EXISTS (SELECT 1 FROM authmodule_audit c WHERE c.id = w.id) THEN 1 ELSE 0 END
		FROM authmodule_audit_waiting w ORDER BY w.position LIMIT ?`

	deleteWaiting = `DELETE FROM authmodule_audit_waiting WHERE position = ?`

	entryColumns = `seq, id, tenant, subject_id, type, at, payload, key_id, prev, hash`

	insertEntry = `INSERT INTO authmodule_audit (` + entryColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	headColumns = `seq, hash, dropped_seq, dropped_hash, key_id, mac`

	chainHead = `SELECT ` + headColumns + ` FROM authmodule_audit_head WHERE id = 1`

	putHead = `INSERT INTO authmodule_audit_head (id, ` + headColumns + `) VALUES (1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, dropped_seq = excluded.dropped_seq,
			dropped_hash = excluded.dropped_hash, key_id = excluded.key_id, mac = excluded.mac`

	firstEntries = `SELECT ` + entryColumns + ` FROM authmodule_audit ORDER BY seq LIMIT ?`

	deleteEntries = `DELETE FROM authmodule_audit WHERE seq <= ?`

	// lockChain names the lock of who changes the chain.
	lockChain = "audit"
)

// KeepOutbox has the store write the events of acts ([audit.Act.In]) in the transactions of the acts themselves. It is for the store
// that the journal is kept in. Call it before the store is used.
func (s *Store) KeepOutbox(on bool) { s.outbox.Store(on) }

// PutEvents implements [audit.JournalStore].
func (s *Store) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	return s.write(ctx, "put events", func(t txn) error {
		for _, w := range events {
			if _, err := t.exec(ctx, insertWaiting, waitingRow(w)...); err != nil {
				return err
			}
		}
		return nil
	}, insertWaiting)
}

// ChainEvents implements [audit.JournalStore].
func (s *Store) ChainEvents(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (n int, err error) {
	const op = "chain events"
	if _, err := one(ctx, s, op, scanInt, anyWaiting); errors.Is(err, authn.ErrNotFound) || err != nil {
		return 0, absent(err)
	}
	var refused error
	err = s.write(ctx, op, func(t txn) error {
		n, refused, err = t.chain(ctx, limit, link)
		return errors.Join(err, refused)
	}, oldestWaiting, deleteWaiting, insertEntry, chainHead, putHead)
	switch {
	case refused != nil:
		return 0, refused
	case err != nil:
		return 0, err
	}
	return n, nil
}

// chain returns the error of link apart from those of the database.
func (t txn) chain(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (n int, refused, err error) {
	if err := t.lock(ctx, lockChain); err != nil {
		return 0, nil, err
	}
	rows, err := allOf(ctx, t, scanQueued, oldestWaiting, max(limit, 0))
	if err != nil || len(rows) == 0 {
		return 0, nil, err
	}
	head, err := oneOf(ctx, t, scanHead, chainHead)
	if absent(err) != nil {
		return 0, nil, err
	}
	if fresh := unchained(rows); len(fresh) > 0 {
		entries, next, err := link(head, fresh)
		if err != nil {
			return 0, err, nil
		}
		if err := t.append(ctx, entries, next); err != nil {
			return 0, nil, err
		}
	}
	for _, r := range rows {
		if _, err := t.exec(ctx, deleteWaiting, r.position); err != nil {
			return 0, nil, err
		}
	}
	return len(rows), nil, nil
}

func (t txn) append(ctx context.Context, entries []audit.Entry, head audit.Head) error {
	for _, e := range entries {
		row := append([]any{e.Seq}, waitingRow(e.Waiting)...)
		if _, err := t.exec(ctx, insertEntry, append(row, e.KeyID, blob(e.Prev), blob(e.Hash))...); err != nil {
			return err
		}
	}
	return t.putHead(ctx, head)
}

func (t txn) putHead(ctx context.Context, h audit.Head) error {
	_, err := t.exec(ctx, putHead, h.Seq, blob(h.Hash), h.DroppedSeq, blob(h.DroppedHash), h.KeyID, blob(h.MAC))
	return err
}

// WaitingEvents implements [audit.JournalStore].
func (s *Store) WaitingEvents(ctx context.Context) (int, error) {
	n, err := one(ctx, s, "waiting events", scanInt, countWaiting)
	return int(n), err
}

// Entries implements [audit.JournalStore].
func (s *Store) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	query, args := entriesQuery(q)
	return list(ctx, s, "entries", scanEntry, query, args...)
}

func entriesQuery(q audit.Query) (query string, args []any) {
	query, args = `SELECT `+entryColumns+` FROM authmodule_audit WHERE seq > ?`, []any{q.After}
	add := func(use bool, condition string, arg any) {
		if use {
			query, args = query+` AND `+condition, append(args, arg)
		}
	}
	add(q.Tenant != nil, `tenant = ?`, deref(q.Tenant))
	add(q.Subject != "", `subject_id = ?`, q.Subject)
	add(q.Type != "", `type = ?`, q.Type)
	add(!q.From.IsZero(), `at >= ?`, micros(q.From))
	add(!q.To.IsZero(), `at < ?`, micros(q.To))
	return query + ` ORDER BY seq LIMIT ?`, append(args, max(q.Limit, 0))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Head implements [audit.JournalStore].
func (s *Store) Head(ctx context.Context) (audit.Head, error) {
	h, err := one(ctx, s, "head", scanHead, chainHead)
	return h, absent(err)
}

// PruneEntries implements [audit.JournalStore].
func (s *Store) PruneEntries(ctx context.Context, before time.Time, limit int, move func(audit.Head, []audit.Entry) (audit.Head, error)) (n int, err error) {
	var refused error
	err = s.write(ctx, "prune entries", func(t txn) error {
		n, refused, err = t.pruneEntries(ctx, before, limit, move)
		return errors.Join(err, refused)
	}, firstEntries, chainHead, deleteEntries, putHead)
	switch {
	case refused != nil:
		return 0, refused
	case err != nil:
		return 0, err
	}
	return n, nil
}

func (t txn) pruneEntries(ctx context.Context, before time.Time, limit int, move func(audit.Head, []audit.Entry) (audit.Head, error)) (n int, refused, err error) {
	if err := t.lock(ctx, lockChain); err != nil {
		return 0, nil, err
	}
	entries, err := allOf(ctx, t, scanEntry, firstEntries, max(limit, 0))
	if err != nil {
		return 0, nil, err
	}
	for n < len(entries) && micros(entries[n].Time) < micros(before) {
		n++
	}
	if n == 0 {
		return 0, nil, nil
	}
	head, err := oneOf(ctx, t, scanHead, chainHead)
	if absent(err) != nil {
		return 0, nil, err
	}
	next, refused := move(head, entries[:n])
	if refused != nil {
		return 0, refused, nil
	}
	if _, err := t.exec(ctx, deleteEntries, entries[n-1].Seq); err != nil {
		return 0, nil, err
	}
	return n, nil, t.putHead(ctx, next)
}

// absent is for what need not be there.
func absent(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return nil
	}
	return err
}

func waitingRow(w audit.Waiting) []any {
	return []any{w.ID, w.Tenant, w.Subject, w.Type, micros(w.Time), blob(w.Payload)}
}

// queued is a row of those that wait; chained says that the event is in the chain already.
type queued struct {
	position int64
	audit.Waiting
	chained bool
}

func unchained(rows []queued) []audit.Waiting {
	var fresh []audit.Waiting
	for _, r := range rows {
		if !r.chained {
			fresh = append(fresh, r.Waiting)
		}
	}
	return fresh
}

func scanQueued(row scanner) (q queued, err error) {
	err = row.Scan(&q.position, &q.ID, &q.Tenant, &q.Subject, &q.Type, instant{&q.Time}, &q.Payload, boolean{&q.chained})
	return q, err
}

func scanEntry(row scanner) (e audit.Entry, err error) {
	err = row.Scan(&e.Seq, &e.ID, &e.Tenant, &e.Subject, &e.Type, instant{&e.Time}, &e.Payload, &e.KeyID, &e.Prev, &e.Hash)
	return e, err
}

func scanHead(row scanner) (h audit.Head, err error) {
	err = row.Scan(&h.Seq, &h.Hash, &h.DroppedSeq, &h.DroppedHash, &h.KeyID, &h.MAC)
	return h, err
}
