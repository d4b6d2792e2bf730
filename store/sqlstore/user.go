package sqlstore

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

const (
	userColumns = `tenant, id, email, created_at, verified_at, disabled_at, deleted_at, last_login_at, credential_version, version`

	insertUser = `INSERT INTO authmodule_users (` + userColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`

	emailOwner = `SELECT id FROM authmodule_users WHERE tenant = ? AND email = ?`

	userVersion = `SELECT version FROM authmodule_users WHERE tenant = ? AND id = ?`

	updateUser = `UPDATE authmodule_users
		SET email = ?, created_at = ?, verified_at = ?, disabled_at = ?, deleted_at = ?, last_login_at = ?, credential_version = ?, version = version + 1
		WHERE tenant = ? AND id = ? AND version = ?
		AND NOT EXISTS (SELECT 1 FROM authmodule_users WHERE tenant = ? AND email = ? AND id <> ?)`

	userByID    = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND id = ?`
	userByEmail = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND email = ?`
	usersAfter  = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND id > ? AND deleted_at = 0 ORDER BY id LIMIT ?`
)

// createTries bounds how often CreateUser meets an account that is gone when it looks.
const createTries = 3

var (
	errUserExists   = errors.New("the ID exists already")
	errUserChanging = errors.New("the address is changing hands: try again")
)

// CreateUser implements [authn.UserStore]. An ID that exists already is an error.
func (s *Store) CreateUser(ctx context.Context, u authn.User) error {
	const op = "create user"
	for range createTries {
		n, err := s.exec(ctx, op, insertUser, u.Subject.Tenant, u.Subject.ID, u.Email,
			micros(u.CreatedAt), micros(u.VerifiedAt), micros(u.DisabledAt), micros(u.DeletedAt), micros(u.LastLoginAt), u.CredentialVersion)
		if err != nil || n == 1 {
			return err
		}
		if err := s.whyNotCreated(ctx, op, u); err != nil {
			return err
		}
	}
	return fail(ctx, op, errUserChanging)
}

// whyNotCreated finds out what insertUser ran into; nil when it is gone again.
func (s *Store) whyNotCreated(ctx context.Context, op string, u authn.User) error {
	_, err := one(ctx, s, op, scanString, emailOwner, u.Subject.Tenant, u.Email)
	if err == nil {
		return authn.ErrEmailTaken
	}
	if !errors.Is(err, authn.ErrNotFound) {
		return err
	}
	_, err = one(ctx, s, op, scanInt, userVersion, u.Subject.Tenant, u.Subject.ID)
	switch {
	case err == nil:
		return fail(ctx, op, errUserExists)
	case errors.Is(err, authn.ErrNotFound):
		return nil
	}
	return err
}

// UserByID implements [authn.UserStore].
func (s *Store) UserByID(ctx context.Context, sub authn.Subject) (authn.User, error) {
	return one(ctx, s, "user by id", scanUser, userByID, sub.Tenant, sub.ID)
}

// UserByEmail implements [authn.UserStore].
func (s *Store) UserByEmail(ctx context.Context, t authn.Tenant, email string) (authn.User, error) {
	return one(ctx, s, "user by email", scanUser, userByEmail, t, email)
}

// UpdateUser implements [authn.UserStore].
func (s *Store) UpdateUser(ctx context.Context, u authn.User) error {
	const op = "update user"
	n, err := s.exec(ctx, op, updateUser,
		u.Email, micros(u.CreatedAt), micros(u.VerifiedAt), micros(u.DisabledAt), micros(u.DeletedAt), micros(u.LastLoginAt), u.CredentialVersion,
		u.Subject.Tenant, u.Subject.ID, u.Version,
		u.Subject.Tenant, u.Email, u.Subject.ID)
	switch {
	case sqlState(err) == uniqueViolation: // somebody took the address at the same moment
		return authn.ErrEmailTaken
	case err != nil || n == 1:
		return err
	}
	return s.whyNotUpdated(ctx, op, u)
}

// whyNotUpdated finds out which condition of updateUser failed. A version
// never comes back, so the one that is stored now was stored then.
func (s *Store) whyNotUpdated(ctx context.Context, op string, u authn.User) error {
	version, err := one(ctx, s, op, scanInt, userVersion, u.Subject.Tenant, u.Subject.ID)
	switch {
	case err != nil:
		return err
	case version != u.Version:
		return authn.ErrConflict
	}
	return authn.ErrEmailTaken
}

// Users implements [authn.UserStore].
func (s *Store) Users(ctx context.Context, t authn.Tenant, after string, limit int) ([]authn.User, error) {
	return list(ctx, s, "users", scanUser, usersAfter, t, after, max(limit, 0))
}

func scanUser(row scanner) (u authn.User, err error) {
	err = row.Scan(&u.Subject.Tenant, &u.Subject.ID, &u.Email,
		instant{&u.CreatedAt}, instant{&u.VerifiedAt}, instant{&u.DisabledAt}, instant{&u.DeletedAt}, instant{&u.LastLoginAt}, &u.CredentialVersion, &u.Version)
	return u, err
}
