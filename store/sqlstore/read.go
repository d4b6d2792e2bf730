package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// runner runs a query that returns rows: a pool or a write transaction.
type runner interface {
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	decode(row scanner) scanner
}

// one reads a row, or returns [authn.ErrNotFound].
func one[T any](ctx context.Context, s *Store, op string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	return oneFrom(ctx, s, s.reader, op, scan, query, args...)
}

// oneFrom is one by certain connections.
func oneFrom[T any](ctx context.Context, s *Store, from *statements, op string, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var v T
	err := s.retry(ctx, func() (err error) {
		v, err = oneOf(ctx, from, scan, query, args...)
		return err
	})
	return v, fail(ctx, op, err)
}

// list reads all rows.
func list[T any](ctx context.Context, s *Store, op string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	return listFrom(ctx, s, s.reader, op, scan, query, args...)
}

// listFrom is list by certain connections.
func listFrom[T any](ctx context.Context, s *Store, from *statements, op string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := s.retry(ctx, func() (err error) {
		all, err = allOf(ctx, from, scan, query, args...)
		return err
	})
	return all, fail(ctx, op, err)
}

// oneOf reads a row, or returns [authn.ErrNotFound].
func oneOf[T any](ctx context.Context, r runner, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := r.query(ctx, query, args...)
	if err != nil {
		return zero, err
	}
	defer rows.Close()
	if !rows.Next() {
		return zero, cmp.Or(rows.Err(), authn.ErrNotFound)
	}
	v, err := scan(r.decode(rows))
	if err := errors.Join(err, rows.Close(), rows.Err()); err != nil {
		return zero, err
	}
	return v, nil
}

// allOf reads all rows.
func allOf[T any](ctx context.Context, r runner, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(r.decode(rows))
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

func (p *statements) decode(row scanner) scanner { return p.dialect.decode(row) }

func (t txn) decode(row scanner) scanner { return t.statements.decode(row) }
