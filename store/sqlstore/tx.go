package sqlstore

import (
	"context"
	"database/sql"

	"github.com/authmodule/authmodule/audit"
)

// txn is a write transaction. Its statements were prepared before it began.
type txn struct {
	*sql.Tx
	statements *statements
	done       *done
}

// done is what a transaction has changed so far.
type done struct {
	rows int
	// outcome is what the store's method will answer, for events that depend on it.
	outcome any
}

// write runs do in one transaction, which is committed only if do returns nil;
// queries are the statements that do runs. It runs do again when the database
// gave the transaction up for another one's sake.
//
// The events of the context's acts are written in the same transaction, if it changes anything.
func (s *Store) write(ctx context.Context, op string, do func(t txn) error, queries ...string) error {
	acts := s.acts(ctx)
	if acts != nil {
		queries = append(queries[:len(queries):len(queries)], insertWaiting)
	}
	for _, q := range queries {
		if _, err := s.writer.get(ctx, q); err != nil {
			return fail(ctx, op, err)
		}
	}
	return fail(ctx, op, s.retry(ctx, func() error { return s.once(ctx, acts, do) }))
}

func (s *Store) once(ctx context.Context, acts audit.Attached, do func(t txn) error) error {
	tx, err := s.writer.db.BeginTx(ctx, s.dialect.transaction())
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	t := txn{tx, s.writer, &done{}}
	if err := do(t); err != nil {
		return err
	}
	if acts == nil || t.done.rows == 0 {
		return tx.Commit()
	}
	if err := t.record(ctx, acts); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	acts.Recorded()
	return nil
}

// record puts the acts' events where they wait for the chain.
func (t txn) record(ctx context.Context, acts audit.Attached) error {
	events, err := acts.Waiting(t.done.outcome)
	if err != nil {
		return err
	}
	for _, w := range events {
		if _, err := t.exec(ctx, insertWaiting, waitingRow(w)...); err != nil {
			return err
		}
	}
	return nil
}

// acts are the context's, if this store keeps the journal.
func (s *Store) acts(ctx context.Context) audit.Attached {
	if !s.outbox.Load() {
		return nil
	}
	return audit.AttachedTo(ctx)
}

// alone reports whether one statement needs no transaction.
func (s *Store) alone(ctx context.Context) bool { return s.dialect.alone() && s.acts(ctx) == nil }

// exec is write for one statement, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, op, query string, args ...any) (int, error) {
	if s.alone(ctx) {
		n, err := s.writer.exec(ctx, query, args...)
		if !isRefused(err) {
			return n, fail(ctx, op, err)
		}
	}
	var n int
	err := s.write(ctx, op, func(t txn) (err error) {
		n, err = t.exec(ctx, query, args...)
		return err
	}, query)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// returning is exec for one statement that returns the rows it has changed.
func returning[T any](ctx context.Context, s *Store, op string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	if s.alone(ctx) {
		all, err := allOf(ctx, s.writer, scan, query, args...)
		if !isRefused(err) {
			return all, fail(ctx, op, err)
		}
	}
	var all []T
	err := s.write(ctx, op, func(t txn) (err error) {
		all, err = allOf(ctx, t, scan, query, args...)
		t.done.rows, t.done.outcome = len(all), all
		return err
	}, query)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// exec runs a prepared statement, and returns how many rows it changed.
func (t txn) exec(ctx context.Context, query string, args ...any) (int, error) {
	s, err := t.known(query)
	if err != nil {
		return 0, err
	}
	args = t.statements.dialect.encode(args)
	n := 0
	if s.stmt == nil {
		n, err = affected(t.ExecContext(ctx, s.text, args...))
	} else {
		n, err = affected(t.StmtContext(ctx, s.stmt).ExecContext(ctx, args...))
	}
	t.done.rows += n
	return n, err
}

// step is one statement of a transaction, which returns no rows.
type step struct {
	query string
	args  []any
}

// run runs the steps, in order.
func (t txn) run(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if _, err := t.exec(ctx, s.query, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// query runs a prepared statement that returns rows.
func (t txn) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.known(query)
	if err != nil {
		return nil, err
	}
	args = t.statements.dialect.encode(args)
	if s.stmt == nil {
		return t.QueryContext(ctx, s.text, args...)
	}
	return t.StmtContext(ctx, s.stmt).QueryContext(ctx, args...)
}

// known is the prepared query, or the plain one: preparing needs a connection, and the transaction holds one.
func (t txn) known(query string) (statement, error) {
	s, found, err := t.statements.known(query)
	if found || err != nil {
		return s, err
	}
	s = statement{text: t.statements.dialect.text(query)}
	if t.statements.dialect.prepares() {
		return s, nil
	}
	return t.statements.keep(query, s)
}
