package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statements runs queries on a pool, each in the pool's dialect. It translates and, where
// the driver does not, prepares each query once.
type statements struct {
	db      *sql.DB
	dialect Dialect
	// preparing holds a value while a query is being prepared, so that many
	// first callers prepare it once.
	preparing chan struct{}

	mu     sync.RWMutex
	byText map[string]statement
	closed bool
}

// statement is a query in the dialect; stmt is nil where the driver prepares it.
type statement struct {
	text string
	stmt *sql.Stmt
}

var errClosed = errors.New("sqlstore: the store is closed")

func newStatements(db *sql.DB, d Dialect) *statements {
	return &statements{db: db, dialect: d, preparing: make(chan struct{}, 1), byText: map[string]statement{}}
}

// get returns the prepared query. It may need a connection of the pool, so
// the caller must not hold one.
func (p *statements) get(ctx context.Context, query string) (statement, error) {
	if known, found, err := p.known(query); found || err != nil {
		return known, err
	}
	if !p.dialect.prepares() {
		return p.keep(query, statement{text: p.dialect.text(query)})
	}
	select {
	case p.preparing <- struct{}{}:
		defer func() { <-p.preparing }()
	case <-ctx.Done():
		return statement{}, ctx.Err()
	}
	if known, found, err := p.known(query); found || err != nil {
		return known, err
	}
	text := p.dialect.text(query)
	stmt, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return statement{}, err
	}
	return p.keep(query, statement{text, stmt})
}

// known returns the query if it was prepared.
func (p *statements) known(query string) (known statement, found bool, err error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return statement{}, false, errClosed
	}
	known, found = p.byText[query]
	return known, found, nil
}

func (p *statements) keep(query string, s statement) (statement, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return statement{}, errors.Join(errClosed, s.close())
	}
	p.byText[query] = s
	return s, nil
}

func (p *statements) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, s := range p.byText {
		errs = append(errs, s.close())
	}
	clear(p.byText)
	return errors.Join(errs...)
}

func (s statement) close() error {
	if s.stmt == nil {
		return nil
	}
	return s.stmt.Close()
}

// query runs a query that returns rows.
func (p *statements) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.get(ctx, query)
	if err != nil {
		return nil, err
	}
	args = p.dialect.encode(args)
	if s.stmt != nil {
		return s.stmt.QueryContext(ctx, args...)
	}
	return p.db.QueryContext(ctx, s.text, args...)
}

// exec runs a query that returns no rows, and returns how many it changed.
func (p *statements) exec(ctx context.Context, query string, args ...any) (int, error) {
	s, err := p.get(ctx, query)
	if err != nil {
		return 0, err
	}
	args = p.dialect.encode(args)
	if s.stmt != nil {
		return affected(s.stmt.ExecContext(ctx, args...))
	}
	return affected(p.db.ExecContext(ctx, s.text, args...))
}

func affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
