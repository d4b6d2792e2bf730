package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

// txn is a write transaction. Its statements were prepared before it began.
type txn struct {
	*sql.Tx
	statements *statements
}

// write runs do in one immediate transaction, which is committed only if do
// returns nil; queries are the statements that do runs. Single statements go
// through it too: a driver may report a cancelled context for a lone statement
// that has taken effect, but not for a commit.
func (s *Store) write(ctx context.Context, op string, do func(t txn) error, queries ...string) error {
	for _, q := range queries {
		if _, err := s.writer.get(ctx, q); err != nil {
			return fail(ctx, op, err)
		}
	}
	tx, err := s.writer.db.BeginTx(ctx, nil)
	if err != nil {
		return fail(ctx, op, err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(txn{tx, s.writer}); err != nil {
		return fail(ctx, op, err)
	}
	return fail(ctx, op, tx.Commit())
}

// exec is write for one statement, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, op, query string, args ...any) (int, error) {
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

// exec runs a prepared statement, and returns how many rows it changed.
func (t txn) exec(ctx context.Context, query string, args ...any) (int, error) {
	stmt, err := t.prepared(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// query runs a prepared statement that returns rows.
func (t txn) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := t.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (t txn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := t.statements.known(query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return t.PrepareContext(ctx, query)
	}
	return t.StmtContext(ctx, stmt), nil
}

// oneOf reads a row in the transaction, or returns [authn.ErrNotFound].
func oneOf[T any](ctx context.Context, t txn, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	stmt, err := t.prepared(ctx, query)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := scan(stmt.QueryRowContext(ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = authn.ErrNotFound
	}
	return v, err
}
