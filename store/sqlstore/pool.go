package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// How often and how long opening is tried again while another process holds the file.
const (
	busyPause = 10 * time.Millisecond
	busyTries = 500
)

func openPool(ctx context.Context, driver, uri string, conns int) (*sql.DB, error) {
	db, err := sql.Open(driver, uri)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := connect(ctx, db); err != nil {
		return nil, errors.Join(fail(ctx, "open", err), db.Close())
	}
	return db, nil
}

// connect opens the first connection. SQLite does not wait for its lock,
// whatever the timeout, when a file is switched to the write-ahead log; when
// several processes do that at once, all but one must try again.
func connect(ctx context.Context, db *sql.DB) error {
	var err error
	for range busyTries {
		if err = db.PingContext(ctx); !isBusy(err) {
			return err
		}
		select {
		case <-time.After(busyPause):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// isBusy tells SQLITE_BUSY by the code that modernc.org/sqlite reports.
func isBusy(err error) bool {
	const busy = 5
	var coded interface{ Code() int }
	return errors.As(err, &coded) && coded.Code()&0xff == busy
}
