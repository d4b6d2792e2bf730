package sqlstore

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authn"
)

const (
	userColumns = `tenant, id, email, created_at, disabled_at, last_login_at, credential_version, version`

	insertUser = `INSERT INTO authmodule_users (` + userColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`

	emailOwner = `SELECT id FROM authmodule_users WHERE tenant = ? AND email = ?`

	userVersion = `SELECT version FROM authmodule_users WHERE tenant = ? AND id = ?`

	updateUser = `UPDATE authmodule_users
		SET email = ?, created_at = ?, disabled_at = ?, last_login_at = ?, credential_version = ?, version = version + 1
		WHERE tenant = ? AND id = ? AND version = ?
		AND NOT EXISTS (SELECT 1 FROM authmodule_users WHERE tenant = ? AND email = ? AND id <> ?)`

	userByID    = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND id = ?`
	userByEmail = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND email = ?`
	usersAfter  = `SELECT ` + userColumns + ` FROM authmodule_users WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`
)

var errUserExists = errors.New("the ID exists already")

// CreateUser implements [authn.UserStore]. An ID that exists already is an error.
func (s *Store) CreateUser(ctx context.Context, u authn.User) error {
	return s.write(ctx, "create user", func(t txn) error {
		n, err := t.exec(ctx, insertUser, u.Subject.Tenant, u.Subject.ID, u.Email,
			micros(u.CreatedAt), micros(u.DisabledAt), micros(u.LastLoginAt), u.CredentialVersion)
		if err != nil || n == 1 {
			return err
		}
		_, err = oneOf(ctx, t, scanString, emailOwner, u.Subject.Tenant, u.Email)
		switch {
		case errors.Is(err, authn.ErrNotFound):
			return errUserExists
		case err != nil:
			return err
		}
		return authn.ErrEmailTaken
	}, insertUser, emailOwner)
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
	return s.write(ctx, "update user", func(t txn) error {
		n, err := t.exec(ctx, updateUser,
			u.Email, micros(u.CreatedAt), micros(u.DisabledAt), micros(u.LastLoginAt), u.CredentialVersion,
			u.Subject.Tenant, u.Subject.ID, u.Version,
			u.Subject.Tenant, u.Email, u.Subject.ID)
		if err != nil || n == 1 {
			return err
		}
		return whyNotUpdated(ctx, t, u)
	}, updateUser, userVersion)
}

// whyNotUpdated finds out, in the same transaction, which condition of updateUser failed.
func whyNotUpdated(ctx context.Context, t txn, u authn.User) error {
	version, err := oneOf(ctx, t, scanInt, userVersion, u.Subject.Tenant, u.Subject.ID)
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
		instant{&u.CreatedAt}, instant{&u.DisabledAt}, instant{&u.LastLoginAt}, &u.CredentialVersion, &u.Version)
	return u, err
}
