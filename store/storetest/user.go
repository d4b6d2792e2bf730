package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// UserStore tests a driver of [authn.UserStore]. The function open
// returns an empty store each time it is called.
func UserStore(t *testing.T, open func(t *testing.T) authn.UserStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authn.UserStore]{
			{"create and read", userCreateAndRead},
			{"absent", userAbsent},
			{"duplicate address", userDuplicateAddress},
			{"duplicate ID", userDuplicateID},
			{"upper and lower case differ", userCase},
			{"update", userUpdate},
			{"update of an older version", userUpdateConflict},
			{"update to a taken address", userUpdateTaken},
			{"update frees the old address", userUpdateFrees},
			{"list in pages", userPages},
			{"deleted accounts", userDeleted},
			{"tenants are apart (V8.4.1)", userTenants},
			{"time zones", userZones},
			{"odd and long values", userOddValues},
			{"cancelled context", userCancelled},
		},
		raceCases("one address is created once", userRaceCreate),
		raceCases("one version is updated once", userRaceUpdate),
	))
}

func newUser(s authn.Subject, email string) authn.User {
	return authn.User{Subject: s, Email: email, CreatedAt: base(), Version: 1}
}

func createUser(t *testing.T, ctx context.Context, s authn.UserStore, u authn.User) authn.User {
	t.Helper()
	require.NoError(t, s.CreateUser(ctx, u))
	return u
}

func requireUser(t *testing.T, ctx context.Context, s authn.UserStore, expected authn.User) {
	t.Helper()
	byID, err := s.UserByID(ctx, expected.Subject)
	require.NoError(t, err)
	byEmail, err := s.UserByEmail(ctx, expected.Subject.Tenant, expected.Email)
	require.NoError(t, err)
	require.Equal(t, userInUTC(expected), userInUTC(byID))
	require.Equal(t, userInUTC(expected), userInUTC(byEmail))
}

func userInUTC(u authn.User) authn.User {
	inUTC(&u.CreatedAt, &u.VerifiedAt, &u.DisabledAt, &u.DeletedAt, &u.LastLoginAt)
	return u
}

func userCreateAndRead(t *testing.T, ctx context.Context, s authn.UserStore) {
	u := newUser(subject("", "u1"), "ada@example.com")
	u.LastLoginAt = base().Add(time.Hour)
	u.CredentialVersion = 3
	u.DisabledAt = base().Add(2 * time.Hour)
	u.VerifiedAt = base().Add(3*time.Hour + tick)
	requireUser(t, ctx, s, createUser(t, ctx, s, u))
	fresh := createUser(t, ctx, s, newUser(subject("", "u2"), "bob@example.com"))
	requireUser(t, ctx, s, fresh)
	got, err := s.UserByID(ctx, fresh.Subject)
	require.NoError(t, err)
	assert.True(t, got.Active(), "no time must be read back as the zero time")
}

func userAbsent(t *testing.T, ctx context.Context, s authn.UserStore) {
	_, err := s.UserByID(ctx, subject("", "u1"))
	assert.ErrorIs(t, err, authn.ErrNotFound)
	_, err = s.UserByEmail(ctx, "", "ada@example.com")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	assert.ErrorIs(t, s.UpdateUser(ctx, newUser(subject("", "u1"), "ada@example.com")), authn.ErrNotFound)
	_, err = s.UserByID(ctx, subject("", "u1"))
	assert.ErrorIs(t, err, authn.ErrNotFound, "an update must not create")
	list, err := s.Users(ctx, "", "", 10)
	assert.NoError(t, err)
	assert.Empty(t, list)
}

func userDuplicateAddress(t *testing.T, ctx context.Context, s authn.UserStore) {
	first := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	assert.ErrorIs(t, s.CreateUser(ctx, newUser(subject("", "u2"), "ada@example.com")), authn.ErrEmailTaken)
	requireUser(t, ctx, s, first)
	_, err := s.UserByID(ctx, subject("", "u2"))
	assert.ErrorIs(t, err, authn.ErrNotFound)
}

func userDuplicateID(t *testing.T, ctx context.Context, s authn.UserStore) {
	first := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	err := s.CreateUser(ctx, newUser(subject("", "u1"), "bob@example.com"))
	require.Error(t, err)
	assert.NotErrorIs(t, err, authn.ErrEmailTaken)
	requireUser(t, ctx, s, first)
	_, err = s.UserByEmail(ctx, "", "bob@example.com")
	assert.ErrorIs(t, err, authn.ErrNotFound)
}

func userUpdate(t *testing.T, ctx context.Context, s authn.UserStore) {
	u := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	other := createUser(t, ctx, s, newUser(subject("", "u2"), "bob@example.com"))
	for range 3 {
		u.LastLoginAt = u.LastLoginAt.Add(time.Hour + tick)
		u.CredentialVersion++
		u.DisabledAt = base().Add(tick)
		u.VerifiedAt = u.VerifiedAt.Add(time.Hour + tick)
		require.NoError(t, s.UpdateUser(ctx, u))
		u.Version++
		requireUser(t, ctx, s, u)
	}
	u.DisabledAt, u.VerifiedAt = time.Time{}, time.Time{}
	require.NoError(t, s.UpdateUser(ctx, u))
	u.Version++
	requireUser(t, ctx, s, u)
	requireUser(t, ctx, s, other)
}

func userUpdateConflict(t *testing.T, ctx context.Context, s authn.UserStore) {
	u := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	require.NoError(t, s.UpdateUser(ctx, u))
	u.Version = 2
	for _, version := range []int64{0, 1, 3} {
		stale := u
		stale.Version, stale.Email = version, "other@example.com"
		assert.ErrorIs(t, s.UpdateUser(ctx, stale), authn.ErrConflict, "version %d", version)
	}
	requireUser(t, ctx, s, u)
	_, err := s.UserByEmail(ctx, "", "other@example.com")
	assert.ErrorIs(t, err, authn.ErrNotFound)
}

func userUpdateTaken(t *testing.T, ctx context.Context, s authn.UserStore) {
	ada := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	bob := createUser(t, ctx, s, newUser(subject("", "u2"), "bob@example.com"))
	changed := bob
	changed.Email, changed.DisabledAt = ada.Email, base()
	assert.ErrorIs(t, s.UpdateUser(ctx, changed), authn.ErrEmailTaken)
	requireUser(t, ctx, s, ada)
	requireUser(t, ctx, s, bob)
}

func userUpdateFrees(t *testing.T, ctx context.Context, s authn.UserStore) {
	ada := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	ada.Email = "lovelace@example.com"
	require.NoError(t, s.UpdateUser(ctx, ada))
	ada.Version++
	_, err := s.UserByEmail(ctx, "", "ada@example.com")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	requireUser(t, ctx, s, createUser(t, ctx, s, newUser(subject("", "u2"), "ada@example.com")))
	requireUser(t, ctx, s, ada)
}

func userPages(t *testing.T, ctx context.Context, s authn.UserStore) {
	ids := []string{"c", "a", "B", "e", "b", "ä", "d", "10", "9"}
	for _, id := range ids {
		createUser(t, ctx, s, newUser(subject("", id), id+"@example.com"))
	}
	createUser(t, ctx, s, newUser(subject("acme", "bb"), "bb@example.com"))
	expected := sortedCopy(ids)
	for _, limit := range []int{1, 2, 4, len(ids), 100} {
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			list, err := s.Users(ctx, "", after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(list), limit)
			if len(list) == 0 {
				break
			}
			for _, u := range list {
				got = append(got, u.Subject.ID)
			}
		}
		assert.Equal(t, expected, got, "pages of %d, by ascending bytes", limit)
	}
	for _, limit := range []int{0, -1} {
		list, err := s.Users(ctx, "", "", limit)
		assert.NoError(t, err)
		assert.Empty(t, list, "limit %d", limit)
	}
	list, err := s.Users(ctx, "", "bb", 1)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, userInUTC(newUser(subject("", "c"), "c@example.com")), userInUTC(list[0]), "after an ID that is absent")
}

// userDeleted has an account of which nothing is left but its ID: it is found by that, and its address is free.
func userDeleted(t *testing.T, ctx context.Context, s authn.UserStore) {
	ada := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	bob := createUser(t, ctx, s, newUser(subject("", "u2"), "bob@example.com"))
	cyd := createUser(t, ctx, s, newUser(subject("", "u3"), "cyd@example.com"))
	bob.Email, bob.DisabledAt, bob.DeletedAt = "deleted@account.invalid", base(), base().Add(tick)
	require.NoError(t, s.UpdateUser(ctx, bob))
	bob.Version++
	requireUser(t, ctx, s, bob)
	_, err := s.UserByEmail(ctx, "", "bob@example.com")
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.Error(t, s.CreateUser(ctx, newUser(bob.Subject, "bob@example.com")), "no account gets the ID of one that is deleted")
	next := createUser(t, ctx, s, newUser(subject("", "u4"), "bob@example.com"))
	requireUser(t, ctx, s, next)
	for _, limit := range []int{1, 10} {
		var listed []string
		for after := ""; ; after = listed[len(listed)-1] {
			list, err := s.Users(ctx, "", after, limit)
			require.NoError(t, err)
			if len(list) == 0 {
				break
			}
			for _, u := range list {
				listed = append(listed, u.Subject.ID)
			}
		}
		assert.Equal(t, []string{ada.Subject.ID, cyd.Subject.ID, next.Subject.ID}, listed, "pages of %d", limit)
	}
	list, err := s.Users(ctx, "", bob.Subject.ID, 1)
	require.NoError(t, err)
	require.Len(t, list, 1, "a page goes on after an account that is deleted")
	assert.Equal(t, cyd.Subject, list[0].Subject)
}

func userTenants(t *testing.T, ctx context.Context, s authn.UserStore) {
	a := createUser(t, ctx, s, newUser(subject("a", "u1"), "ada@example.com"))
	b := newUser(subject("b", "u1"), "ada@example.com")
	for _, tenant := range []string{"b", ""} {
		_, err := s.UserByID(ctx, subject(tenant, "u1"))
		assert.ErrorIs(t, err, authn.ErrNotFound)
		_, err = s.UserByEmail(ctx, authn.Tenant(tenant), "ada@example.com")
		assert.ErrorIs(t, err, authn.ErrNotFound)
		list, err := s.Users(ctx, authn.Tenant(tenant), "", 10)
		assert.NoError(t, err)
		assert.Empty(t, list)
	}
	assert.ErrorIs(t, s.UpdateUser(ctx, b), authn.ErrNotFound)
	createUser(t, ctx, s, b)
	b.DisabledAt = base()
	require.NoError(t, s.UpdateUser(ctx, b))
	b.Version++
	requireUser(t, ctx, s, a)
	requireUser(t, ctx, s, b)
}

func userZones(t *testing.T, ctx context.Context, s authn.UserStore) {
	u := newUser(subject("", "u1"), "ada@example.com")
	u.CreatedAt = base().In(zone())
	u.DisabledAt = base().Add(time.Hour).In(zone())
	u.LastLoginAt = base().Add(-time.Hour).In(zone())
	u.VerifiedAt = base().Add(2 * time.Hour).In(zone())
	u.DeletedAt = base().Add(3 * time.Hour).In(zone())
	requireUser(t, ctx, s, createUser(t, ctx, s, u))
	got, err := s.UserByID(ctx, u.Subject)
	require.NoError(t, err)
	requireUTC(t, got.CreatedAt, got.VerifiedAt, got.DisabledAt, got.DeletedAt, got.LastLoginAt)
}

// userCase has accounts that differ in upper and lower case alone: a store takes addresses as they are given.
func userCase(t *testing.T, ctx context.Context, s authn.UserStore) {
	lower := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	_, err := s.UserByEmail(ctx, "", "Ada@example.com")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	_, err = s.UserByID(ctx, subject("", "U1"))
	assert.ErrorIs(t, err, authn.ErrNotFound)
	upper := createUser(t, ctx, s, newUser(subject("", "U1"), "Ada@example.com"))
	requireUser(t, ctx, s, lower)
	requireUser(t, ctx, s, upper)
}

func userOddValues(t *testing.T, ctx context.Context, s authn.UserStore) {
	var all []authn.User
	for i, odd := range oddTexts() {
		all = append(all,
			createUser(t, ctx, s, newUser(subject("", odd), fmt.Sprintf("%d@example.com", i))),
			createUser(t, ctx, s, newUser(subject("", fmt.Sprintf("plain-%d", i)), odd)),
			createUser(t, ctx, s, newUser(subject(odd, "u"), "ada@example.com")))
	}
	for _, u := range all {
		requireUser(t, ctx, s, u)
	}
	// Whatever the order of texts that are not UTF-8, pages lose none.
	var pages, whole []string
	list, err := s.Users(ctx, "", "", 10_000)
	require.NoError(t, err)
	for _, u := range list {
		whole = append(whole, u.Subject.ID)
	}
	for after := ""; ; {
		list, err := s.Users(ctx, "", after, 1)
		require.NoError(t, err)
		if len(list) == 0 {
			break
		}
		after = list[0].Subject.ID
		pages = append(pages, after)
	}
	assert.Len(t, whole, 2*len(all)/3)
	assert.Equal(t, whole, pages)
}

func userCancelled(t *testing.T, ctx context.Context, s authn.UserStore) {
	u := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	snapshot := func() any {
		list, err := s.Users(ctx, "", "", 10)
		require.NoError(t, err)
		return list
	}
	changed := u
	changed.Email = "other@example.com"
	requireRefusesCancelled(t, snapshot, []call{
		{"CreateUser", func(ctx context.Context) error {
			return s.CreateUser(ctx, newUser(subject("", "u2"), "bob@example.com"))
		}},
		{"UserByID", func(ctx context.Context) error { return errOf(s.UserByID(ctx, u.Subject)) }},
		{"UserByEmail", func(ctx context.Context) error { return errOf(s.UserByEmail(ctx, "", u.Email)) }},
		{"UpdateUser", func(ctx context.Context) error { return s.UpdateUser(ctx, changed) }},
		{"Users", func(ctx context.Context) error { return errOf(s.Users(ctx, "", "", 10)) }},
	})
}

func userRaceCreate(t *testing.T, ctx context.Context, s authn.UserStore, n int) {
	errs := race(n, func(i int) error {
		return s.CreateUser(ctx, newUser(subject("", fmt.Sprint("u", i)), "ada@example.com"))
	})
	requireOneWinner(t, errs, authn.ErrEmailTaken)
	winner := slices.Index(errs, nil)
	requireUser(t, ctx, s, newUser(subject("", fmt.Sprint("u", winner)), "ada@example.com"))
	list, err := s.Users(ctx, "", "", n)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func userRaceUpdate(t *testing.T, ctx context.Context, s authn.UserStore, n int) {
	u := createUser(t, ctx, s, newUser(subject("", "u1"), "ada@example.com"))
	change := func(i int) authn.User {
		c := u
		c.LastLoginAt = base().Add(time.Duration(i) * tick)
		return c
	}
	errs := race(n, func(i int) error { return s.UpdateUser(ctx, change(i)) })
	requireOneWinner(t, errs, authn.ErrConflict)
	expected := change(slices.Index(errs, nil))
	expected.Version = 2
	requireUser(t, ctx, s, expected)
}
