package sqlitetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/store/sqlstore"
)

var _ sqlitetest.TB = testing.TB(nil)

// Nothing is missing in a copy, and no two share anything.
func TestPath(t *testing.T) {
	t.Parallel()
	open := func() *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: sqlitetest.Path(t)})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateCheck))
		return s
	}
	one, other := open(), open()
	user := authn.User{Subject: authn.Subject{ID: "ada"}, Email: "ada@example.com"}
	require.NoError(t, one.CreateUser(t.Context(), user))
	_, err := other.UserByID(t.Context(), user.Subject)
	require.ErrorIs(t, err, authn.ErrNotFound)
}
