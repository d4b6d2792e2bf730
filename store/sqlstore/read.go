package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// querier is what reads: a transaction or a pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// one reads a row, or returns [authn.ErrNotFound].
func one[T any](ctx context.Context, s *Store, op string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	stmt, err := s.reader.get(ctx, query)
	if err != nil {
		return zero, fail(ctx, op, err)
	}
	v, err := scan(stmt.QueryRowContext(ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return zero, authn.ErrNotFound
	}
	if err != nil {
		return zero, fail(ctx, op, err)
	}
	return v, nil
}

// list reads all rows.
func list[T any](ctx context.Context, s *Store, op string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	stmt, err := s.reader.get(ctx, query)
	if err != nil {
		return nil, fail(ctx, op, err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	all, err := collect(rows, err, scan)
	return all, fail(ctx, op, err)
}

// collect scans and closes rows; it takes what QueryContext returned.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return all, nil
}
