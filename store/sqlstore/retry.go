package sqlstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// How often a call that the database refused is made, and the longest first
// pause before it is made again; the pause doubles each time.
const (
	tries      = 10
	firstPause = 2 * time.Millisecond
)

// What PostgreSQL reports, in the codes of the SQL standard.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
)

// sqlState is the code of an error of the database, else empty. It is asked
// for by its method, so that no driver need be imported.
func sqlState(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// isRefused reports whether the database gave a call up for another one's
// sake, and changed nothing.
func isRefused(err error) bool {
	state := sqlState(err)
	return state == serializationFailure || state == deadlockDetected
}

// retry calls do again while the database refuses it, after a random pause, for as long as the context lasts.
func (s *Store) retry(ctx context.Context, do func() error) error {
	err := do()
	for pause := firstPause; pause < firstPause<<(tries-1) && isRefused(err); pause *= 2 {
		select {
		case <-time.After(jitter(pause)):
		case <-ctx.Done():
			return ctx.Err()
		}
		err = do()
	}
	return err
}

// jitter is a random part of the pause, so that those who met once do not meet again.
func jitter(pause time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return time.Duration(binary.LittleEndian.Uint64(b[:]) % uint64(pause))
}
