package authmodule_test

import (
	"context"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// looked counts the look-ups of requests, and holds an update of an account up when told to.
type looked struct {
	*memstore.Store
	lookups          atomic.Int64
	stall            atomic.Bool
	entered, release chan struct{}
}

func (s *looked) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	s.lookups.Add(1)
	return s.Store.Session(ctx, t, id)
}

func (s *looked) UserByID(ctx context.Context, subject authn.Subject) (authn.User, error) {
	s.lookups.Add(1)
	return s.Store.UserByID(ctx, subject)
}

func (s *looked) UpdateUser(ctx context.Context, u authn.User) error {
	if s.stall.CompareAndSwap(true, false) {
		close(s.entered)
		<-s.release
	}
	return s.Store.UpdateUser(ctx, u)
}

func (s *looked) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	s.lookups.Add(1)
	return s.Store.APIKey(ctx, t, id)
}

func (s *looked) Assignments(ctx context.Context, subject authn.Subject) ([]authz.Assignment, error) {
	s.lookups.Add(1)
	return s.Store.Assignments(ctx, subject)
}

func (s *looked) options() fx.Option {
	return fx.Options(
		authmodule.UseSessionStore(func() session.Store { return s }),
		authmodule.UseUserStore(func() authn.UserStore { return s }),
		authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return s }),
		authmodule.UseAssignmentStore(func() authz.AssignmentStore { return s }),
	)
}
