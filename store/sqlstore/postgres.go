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

// openPostgres opens one pool for reading and writing, and where there may be two connections one for the revocation log.
func openPostgres(ctx context.Context, o Options) (*Store, error) {
	const forLog = 1
	conns := o.MaxConns
	if conns > forLog {
		conns -= forLog
	}
	db, err := openConns(ctx, o, conns)
	if err != nil {
		return nil, err
	}
	statements := newStatements(db, Postgres)
	s := &Store{dialect: Postgres, now: o.Now, writer: statements, reader: statements, log: statements, owned: []*sql.DB{db}}
	if conns == o.MaxConns {
		return s, nil
	}
	log, err := openConns(ctx, o, forLog)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.log, s.owned = newStatements(log, Postgres), append(s.owned, log)
	return s, nil
}

func openConns(ctx context.Context, o Options, conns int) (*sql.DB, error) {
	db, err := sql.Open(o.Driver, o.DSN)
	if err != nil {
		return nil, fail(ctx, "open", withoutPassword(err, o.DSN))
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxLifetime(o.ConnLifetime)
	db.SetConnMaxIdleTime(idleLifetime)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fail(ctx, "open", withoutPassword(err, o.DSN)), db.Close())
	}
	return db, nil
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
