package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// fail says which operation failed. Sentinels are returned as they are, and a
// failure in a context that is done is always found as the context's error.
func fail(ctx context.Context, op string, err error) error {
	if err == nil || isSentinel(err) {
		return err
	}
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("sqlstore: %s: %w: %w", op, done, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", op, err)
}

func isSentinel(err error) bool {
	sentinels := []error{
		authn.ErrNotFound, authn.ErrConflict, authn.ErrEmailTaken, authn.ErrAPIKeyLimit, session.ErrLimit,
		ErrMigrationsPending, ErrMigrationChanged, ErrDatabaseNewer, errClosed,
	}
	return slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) })
}
