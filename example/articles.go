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
	// Owner is the ID of the account that wrote it; articles of the first start have none.
	Owner string `json:"owner"`
	// Status is draft or published.
	Status string `json:"status"`
}

const (
	draft     = "draft"
	published = "published"
)

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
	for _, statement := range versions()[min(version, len(versions())):] {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("articles: make the table: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("articles: make the table: %w", err)
	}
	return nil
}

// versions are what leads from each version of the database to the next.
func versions() []string {
	return []string{
		`CREATE TABLE articles (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, body TEXT NOT NULL) STRICT;
		INSERT INTO articles (title, body) VALUES
			('Welcome', 'Viewers read, editors write as well, and admins delete too.'),
			('Guards', 'A guard is one argument of a route. It says who may come in, and why somebody may not.');
		PRAGMA user_version = 1`,
		`ALTER TABLE articles ADD COLUMN owner TEXT NOT NULL DEFAULT '';
		ALTER TABLE articles ADD COLUMN status TEXT NOT NULL DEFAULT 'published';
		PRAGMA user_version = 2`,
	}
}

// list returns the newest articles, the newest first.
func (a *articles) list(ctx context.Context) ([]article, error) {
	rows, err := a.db.QueryContext(ctx, `SELECT id, title, body, owner, status FROM articles ORDER BY id DESC LIMIT ?`, mostListed)
	if err != nil {
		return nil, fmt.Errorf("articles: list: %w", err)
	}
	defer rows.Close()
	all := []article{}
	for rows.Next() {
		var one article
		if err := rows.Scan(&one.ID, &one.Title, &one.Body, &one.Owner, &one.Status); err != nil {
			return nil, fmt.Errorf("articles: list: %w", err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("articles: list: %w", err)
	}
	return all, nil
}

// find returns an article, or errNoArticle.
func (a *articles) find(ctx context.Context, id string) (article, error) {
	number, err := articleNumber(id)
	if err != nil {
		return article{}, err
	}
	var one article
	err = a.db.QueryRowContext(ctx, `SELECT id, title, body, owner, status FROM articles WHERE id = ?`, number).
		Scan(&one.ID, &one.Title, &one.Body, &one.Owner, &one.Status)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return article{}, errNoArticle
	case err != nil:
		return article{}, fmt.Errorf("articles: find: %w", err)
	}
	return one, nil
}

// add stores a new article and returns it with its ID.
func (a *articles) add(ctx context.Context, one article) (article, error) {
	err := a.db.QueryRowContext(ctx, `INSERT INTO articles (title, body, owner, status) VALUES (?, ?, ?, ?) RETURNING id`,
		one.Title, one.Body, one.Owner, one.Status).Scan(&one.ID)
	if err != nil {
		return article{}, fmt.Errorf("articles: add: %w", err)
	}
	return one, nil
}

// edit changes the texts and the status of an article, if it still is as it was before, or returns errNoArticle.
func (a *articles) edit(ctx context.Context, before, one article) error {
	result, err := a.db.ExecContext(ctx, `UPDATE articles SET title = ?, body = ?, status = ? WHERE id = ? AND owner = ? AND status = ?`,
		one.Title, one.Body, one.Status, before.ID, before.Owner, before.Status)
	return changedOne(result, err, "edit")
}

// remove deletes an article, or returns errNoArticle.
func (a *articles) remove(ctx context.Context, id string) error {
	number, err := articleNumber(id)
	if err != nil {
		return err
	}
	result, err := a.db.ExecContext(ctx, `DELETE FROM articles WHERE id = ?`, number)
	return changedOne(result, err, "delete")
}

func articleNumber(id string) (int64, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != id {
		return 0, errNoArticle
	}
	return number, nil
}

func changedOne(result sql.Result, err error, what string) error {
	var n int64
	if err == nil {
		n, err = result.RowsAffected()
	}
	switch {
	case err != nil:
		return fmt.Errorf("articles: %s: %w", what, err)
	case n == 0:
		return errNoArticle
	}
	return nil
}
