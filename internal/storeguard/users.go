package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

type users struct {
	g *Guard
	s authn.UserStore
}

var _ authn.UserStore = users{}

// Users guards accounts.
func (g *Guard) Users(s authn.UserStore) authn.UserStore { return users{g, s} }

// CreateUser implements [authn.UserStore].
func (p users) CreateUser(ctx context.Context, u authn.User) error {
	return do(ctx, p.g, "CreateUser", func(ctx context.Context) error { return p.s.CreateUser(ctx, u) })
}

// UserByID implements [authn.UserStore].
func (p users) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	return read(ctx, p.g, "UserByID", func(ctx context.Context) (authn.User, error) { return p.s.UserByID(ctx, s) })
}

// UserByEmail implements [authn.UserStore].
func (p users) UserByEmail(ctx context.Context, t authn.Tenant, email string) (authn.User, error) {
	return read(ctx, p.g, "UserByEmail", func(ctx context.Context) (authn.User, error) { return p.s.UserByEmail(ctx, t, email) })
}

// UpdateUser implements [authn.UserStore].
func (p users) UpdateUser(ctx context.Context, u authn.User) error {
	return do(ctx, p.g, "UpdateUser", func(ctx context.Context) error { return p.s.UpdateUser(ctx, u) })
}

// Users implements [authn.UserStore].
func (p users) Users(ctx context.Context, t authn.Tenant, after string, limit int) ([]authn.User, error) {
	return read(ctx, p.g, "Users", func(ctx context.Context) ([]authn.User, error) { return p.s.Users(ctx, t, after, limit) })
}
