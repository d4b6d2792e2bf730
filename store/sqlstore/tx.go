package sqlstore

import (
	"context"
	"database/sql"
)

// txn is a write transaction. Its statements were prepared before it began.
type txn struct {
	*sql.Tx
	statements *statements
}

// write runs do in one transaction, which is committed only if do returns nil;
// queries are the statements that do runs. It runs do again when the database
// gave the transaction up for another one's sake.
func (s *Store) write(ctx context.Context, op string, do func(t txn) error, queries ...string) error {
	for _, q := range queries {
		if _, err := s.writer.get(ctx, q); err != nil {
			return fail(ctx, op, err)
		}
	}
	return fail(ctx, op, s.retry(ctx, func() error { return s.once(ctx, do) }))
}

func (s *Store) once(ctx context.Context, do func(t txn) error) error {
	tx, err := s.writer.db.BeginTx(ctx, s.dialect.transaction())
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(txn{tx, s.writer}); err != nil {
		return err
	}
	return tx.Commit()
}

// exec is write for one statement, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, op, query string, args ...any) (int, error) {
	if s.dialect.alone() {
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
	if s.dialect.alone() {
		all, err := allOf(ctx, s.writer, scan, query, args...)
		if !isRefused(err) {
			return all, fail(ctx, op, err)
		}
	}
	var all []T
	err := s.write(ctx, op, func(t txn) (err error) {
		all, err = allOf(ctx, t, scan, query, args...)
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
	if s.stmt == nil {
		return affected(t.ExecContext(ctx, s.text, args...))
	}
	return affected(t.StmtContext(ctx, s.stmt).ExecContext(ctx, args...))
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
