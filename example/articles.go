package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for PostgreSQL, if the module's store is there
	"go.uber.org/fx"
	_ "modernc.org/sqlite" // the driver, for the articles here and for the module's store
)

// errNoArticle: no article has the ID.
var errNoArticle = errors.New("articles: no such article")

// mostListed is how many articles a list holds.
const mostListed = 100

// article is one text.
type article struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Body  string `json:"body"`
}

// articles keeps the articles in a database of its own: authmodule's file is none of its business.
type articles struct {
	db *sql.DB
}

// newArticles opens articles.db in the data folder. Its table is made at start.
func newArticles(lc fx.Lifecycle, s settings) (*articles, error) {
	path := filepath.Join(s.folder, "articles.db")
	if err := ownerOnly(path); err != nil {
		return nil, fmt.Errorf("articles: %w", err)
	}
	db, err := sql.Open("sqlite", databaseURI(path))
	if err != nil {
		return nil, fmt.Errorf("articles: open %s: %w", path, err)
	}
	a := &articles{db: db}
	lc.Append(fx.Hook{
		OnStart: a.prepare,
		OnStop:  func(context.Context) error { return db.Close() },
	})
	return a, nil
}

// ownerOnly makes an empty file that only its owner can read, unless there is a file.
func ownerOnly(path string) error {
	const mode = 0o600
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
	if err != nil {
		return err
	}
	return f.Close()
}

func databaseURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Path: path}
	return "file://" + u.EscapedPath() + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"
}

// prepare makes the table and two articles, once: they do not come back when they were deleted.
func (a *articles) prepare(ctx context.Context) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("articles: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return fmt.Errorf("articles: %w", err)
	}
	if version > 0 {
		return nil
	}
	for _, statement := range []string{
		`CREATE TABLE articles (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, body TEXT NOT NULL) STRICT`,
		`INSERT INTO articles (title, body) VALUES
			('Welcome', 'Viewers read, editors write as well, and admins delete too.'),
			('Guards', 'A guard is one argument of a route. It says who may come in, and why somebody may not.')`,
		`PRAGMA user_version = 1`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("articles: make the table: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("articles: make the table: %w", err)
	}
	return nil
}

// list returns the newest articles, the newest first.
func (a *articles) list(ctx context.Context) ([]article, error) {
	rows, err := a.db.QueryContext(ctx, `SELECT id, title, body FROM articles ORDER BY id DESC LIMIT ?`, mostListed)
	if err != nil {
		return nil, fmt.Errorf("articles: list: %w", err)
	}
	defer rows.Close()
	all := []article{}
	for rows.Next() {
		var one article
		if err := rows.Scan(&one.ID, &one.Title, &one.Body); err != nil {
			return nil, fmt.Errorf("articles: list: %w", err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("articles: list: %w", err)
	}
	return all, nil
}

// add stores a new article and returns it with its ID.
func (a *articles) add(ctx context.Context, title, body string) (article, error) {
	one := article{Title: title, Body: body}
	err := a.db.QueryRowContext(ctx, `INSERT INTO articles (title, body) VALUES (?, ?) RETURNING id`, title, body).Scan(&one.ID)
	if err != nil {
		return article{}, fmt.Errorf("articles: add: %w", err)
	}
	return one, nil
}

// remove deletes an article, or returns errNoArticle.
func (a *articles) remove(ctx context.Context, id string) error {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != id {
		return errNoArticle
	}
	result, err := a.db.ExecContext(ctx, `DELETE FROM articles WHERE id = ?`, number)
	if err != nil {
		return fmt.Errorf("articles: delete: %w", err)
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return fmt.Errorf("articles: delete: %w", err)
	case n == 0:
		return errNoArticle
	}
	return nil
}
