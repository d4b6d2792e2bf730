package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statements prepares each query once.
type statements struct {
	db *sql.DB
	// preparing holds a value while a query is being prepared, so that many
	// first callers prepare it once.
	preparing chan struct{}

	mu     sync.Mutex
	byText map[string]*sql.Stmt
	closed bool
}

var errClosed = errors.New("sqlstore: the store is closed")

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, preparing: make(chan struct{}, 1), byText: map[string]*sql.Stmt{}}
}

// get returns the prepared query. It may need a connection of the pool, so
// the caller must not hold one.
func (p *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, err := p.known(query); stmt != nil || err != nil {
		return stmt, err
	}
	select {
	case p.preparing <- struct{}{}:
		defer func() { <-p.preparing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if stmt, err := p.known(query); stmt != nil || err != nil {
		return stmt, err
	}
	stmt, err := p.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return p.keep(query, stmt)
}

// known returns the query if it was prepared, else nil.
func (p *statements) known(query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	return p.byText[query], nil
}

func (p *statements) keep(query string, stmt *sql.Stmt) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.Join(errClosed, stmt.Close())
	}
	p.byText[query] = stmt
	return stmt, nil
}

func (p *statements) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, stmt := range p.byText {
		errs = append(errs, stmt.Close())
	}
	clear(p.byText)
	return errors.Join(errs...)
}
