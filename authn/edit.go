package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
)

// Edit changes an account by compare-and-swap, and leaves its credentials, its sessions and what was proved by them as they are. It
// is for what is no credential, such as that an address was verified. From, if not zero, and errors are as in [Credentials.Change]. The events
// of the act, which may be nil, are written with the change.
func (c *Credentials) Edit(ctx context.Context, s Subject, from int64, edit func(*User) error, act *audit.Act) (User, error) {
	return c.edit(ctx, s, from, edit, act, updateTries)
}

// finishTries are for an edit that completes what was stored already, and must not give way to others that only begin: each of them succeeds
// once and is gone, so it ends. The context bounds it besides.
const finishTries = 10_000

func (c *Credentials) edit(ctx context.Context, s Subject, from int64, edit func(*User) error, act *audit.Act, tries int) (User, error) {
	var stored User
	err := c.Revocations.ChangeAccount(ctx, s, func(ctx context.Context) error {
		var err error
		for range tries {
			if stored, err = c.Users.UserByID(ctx, s); err != nil {
				return err
			}
			if err = changeable(stored, from); err != nil {
				return err
			}
			if err = edit(&stored); err != nil {
				return err
			}
			if err = c.Users.UpdateUser(act.In(ctx), stored); !errors.Is(err, ErrConflict) {
				return err
			}
		}
		return err
	})
	if err != nil {
		return User{}, wrapped("change an account", err)
	}
	stored.Version++
	return stored, nil
}

// changeable reports why the account cannot be changed from that version.
func changeable(u User, from int64) error {
	switch {
	case !u.DeletedAt.IsZero():
		return ErrNotFound
	case from != 0 && u.CredentialVersion != from:
		return ErrConflict
	}
	return nil
}
