package bench

import (
	"errors"
	"os"
	"slices"

	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/redistest"
)

// resources are what a case has opened, closed in the opposite order.
type resources struct {
	closers []func() error
	// postgres and redis are the case's servers, nil until somebody needs them.
	postgres *pgtest.Server
	redis    *redistest.Server
	prefixes int
}

func (r *resources) folder() (string, error) {
	dir, err := os.MkdirTemp("", "authmodule-bench-*")
	r.closers = append(r.closers, func() error { return os.RemoveAll(dir) })
	return dir, err
}

func (r *resources) close() error {
	var errs []error
	for _, c := range slices.Backward(r.closers) {
		errs = append(errs, c())
	}
	r.closers = nil
	return errors.Join(errs...)
}
