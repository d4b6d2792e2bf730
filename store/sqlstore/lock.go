package sqlstore

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// takeLock waits for a lock that the transaction holds until it ends. It
// belongs to the schema that the tables are in. Two names may share a lock, which costs a wait.
const takeLock = `SELECT pg_advisory_xact_lock(hashtextextended(coalesce(current_schema(), '') || ' authmodule ' || ?, 0))`

// What is counted before it is added to, and so has a lock for each subject.
const (
	lockSessions = "sessions"
	lockAPIKeys  = "api keys"
	lockDevices  = "devices"
	lockFactors  = "factors"
	lockHistory  = "former passwords"
	// lockAssignments is for what replaces assignments of a source, which two must not do at once.
	lockAssignments = "assignments"
)

// lockSubject has the transaction be the only one that adds things of this
// kind to the subject. In SQLite it is the only one that writes at all.
func (t txn) lockSubject(ctx context.Context, kind string, sub authn.Subject) error {
	return t.lock(ctx, fmt.Sprintf("%s %d:%s:%s", kind, len(sub.Tenant), sub.Tenant, sub.ID))
}

func (t txn) lock(ctx context.Context, name string) error {
	if t.statements.dialect != Postgres {
		return nil
	}
	rows, err := t.query(ctx, takeLock, name)
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Next()
	return rows.Err()
}
