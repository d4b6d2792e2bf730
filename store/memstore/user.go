package memstore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authn"
)

var errUserExists = errors.New("memstore: create user: the ID exists already")

type address struct {
	tenant authn.Tenant
	email  string
}

type users struct {
	mu      sync.RWMutex
	byID    map[authn.Subject]authn.User
	byEmail map[address]authn.Subject
	// ids are the IDs of each tenant's accounts that are not deleted, ascending.
	ids map[authn.Tenant][]string
}

func newUsers() users {
	return users{
		byID:    map[authn.Subject]authn.User{},
		byEmail: map[address]authn.Subject{},
		ids:     map[authn.Tenant][]string{},
	}
}

// CreateUser implements [authn.UserStore]. An ID that exists already is an error.
func (s *Store) CreateUser(ctx context.Context, u authn.User) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	at := address{u.Subject.Tenant, u.Email}
	if _, taken := s.users.byEmail[at]; taken {
		return authn.ErrEmailTaken
	}
	if _, exists := s.users.byID[u.Subject]; exists {
		return errUserExists
	}
	if len(s.users.byID) >= s.records {
		return ErrFull
	}
	u.Version = 1
	s.users.byID[u.Subject] = stampUser(u)
	s.users.byEmail[at] = u.Subject
	s.users.list(s.users.byID[u.Subject])
	return nil
}

// UserByID implements [authn.UserStore].
func (s *Store) UserByID(ctx context.Context, sub authn.Subject) (authn.User, error) {
	if err := ctx.Err(); err != nil {
		return authn.User{}, err
	}
	s.users.mu.RLock()
	defer s.users.mu.RUnlock()
	u, found := s.users.byID[sub]
	if !found {
		return authn.User{}, authn.ErrNotFound
	}
	return u, nil
}

// UserByEmail implements [authn.UserStore].
func (s *Store) UserByEmail(ctx context.Context, t authn.Tenant, email string) (authn.User, error) {
	if err := ctx.Err(); err != nil {
		return authn.User{}, err
	}
	s.users.mu.RLock()
	defer s.users.mu.RUnlock()
	sub, found := s.users.byEmail[address{t, email}]
	if !found {
		return authn.User{}, authn.ErrNotFound
	}
	return s.users.byID[sub], nil
}

// UpdateUser implements [authn.UserStore].
func (s *Store) UpdateUser(ctx context.Context, u authn.User) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	old, found := s.users.byID[u.Subject]
	if !found {
		return authn.ErrNotFound
	}
	if old.Version != u.Version {
		return authn.ErrConflict
	}
	at := address{u.Subject.Tenant, u.Email}
	if owner, taken := s.users.byEmail[at]; taken && owner != u.Subject {
		return authn.ErrEmailTaken
	}
	delete(s.users.byEmail, address{u.Subject.Tenant, old.Email})
	s.users.byEmail[at] = u.Subject
	u.Version++
	s.users.byID[u.Subject] = stampUser(u)
	s.users.list(s.users.byID[u.Subject])
	return nil
}

// Users implements [authn.UserStore].
func (s *Store) Users(ctx context.Context, t authn.Tenant, after string, limit int) ([]authn.User, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.users.mu.RLock()
	defer s.users.mu.RUnlock()
	ids := page(s.users.ids[t], after, limit)
	list := make([]authn.User, 0, len(ids))
	for _, id := range ids {
		list = append(list, s.users.byID[authn.Subject{Tenant: t, ID: id}])
	}
	return list, nil
}

// list has the account among the tenant's IDs unless it is deleted.
func (t *users) list(u authn.User) {
	ids := t.ids[u.Subject.Tenant]
	at, listed := slices.BinarySearch(ids, u.Subject.ID)
	switch {
	case u.DeletedAt.IsZero() && !listed:
		t.ids[u.Subject.Tenant] = insertSorted(ids, u.Subject.ID)
	case !u.DeletedAt.IsZero() && listed:
		t.ids[u.Subject.Tenant] = slices.Delete(ids, at, at+1)
	}
}

func stampUser(u authn.User) authn.User {
	u.CreatedAt = stamp(u.CreatedAt)
	u.VerifiedAt = stamp(u.VerifiedAt)
	u.DisabledAt = stamp(u.DisabledAt)
	u.DeletedAt = stamp(u.DeletedAt)
	u.LastLoginAt = stamp(u.LastLoginAt)
	return u
}
