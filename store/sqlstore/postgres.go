package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// idleLifetime is how long a connection to PostgreSQL may be idle before it is closed.
const idleLifetime = 5 * time.Minute

// openPostgres opens one pool for reading and writing.
func openPostgres(ctx context.Context, o Options) (*Store, error) {
	db, err := sql.Open(o.Driver, o.DSN)
	if err != nil {
		return nil, fail(ctx, "open", withoutPassword(err, o.DSN))
	}
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxLifetime(o.ConnLifetime)
	db.SetConnMaxIdleTime(idleLifetime)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fail(ctx, "open", withoutPassword(err, o.DSN)), db.Close())
	}
	statements := newStatements(db, Postgres)
	return &Store{dialect: Postgres, now: o.Now, writer: statements, reader: statements, owned: []*sql.DB{db}}, nil
}

// passwordKeyword finds a password in a list of keywords or in an address's query.
var passwordKeyword = regexp.MustCompile(`(?i)(?:ssl)?password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// withoutPassword is the error's text with no password of the DSN in it. pgx hides
// them by itself, but its error holds the DSN.
func withoutPassword(err error, dsn string) error {
	text := err.Error()
	for _, secret := range passwords(dsn) {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return errors.New(text)
}

// passwords are the DSN's passwords in every spelling that an error may have.
func passwords(dsn string) []string {
	var found []string
	add := func(secret string) {
		if secret = strings.Trim(secret, "'"); secret != "" {
			found = append(found, secret)
			if plain, err := url.QueryUnescape(secret); err == nil && plain != "" {
				found = append(found, plain)
			}
		}
	}
	for _, match := range passwordKeyword.FindAllStringSubmatch(dsn, -1) {
		add(match[1])
	}
	if _, rest, isAddress := strings.Cut(dsn, "://"); isAddress {
		if user, _, has := cutLast(rest, "@"); has {
			_, secret, _ := strings.Cut(user, ":")
			add(secret)
			if plain, err := url.PathUnescape(secret); err == nil && plain != "" {
				found = append(found, plain)
			}
		}
	}
	return found
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
