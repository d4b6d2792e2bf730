package sqlstore_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ada() authn.User {
	return authn.User{Subject: authn.Subject{ID: "ada"}, Email: "ada@example.com", CreatedAt: t0, Version: 1}
}

func TestReopenKeepsData(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	first := open(t, path)
	require.NoError(t, first.CreateUser(t.Context(), ada()))
	require.NoError(t, first.Close())

	second := openBare(t, path)
	require.NoError(t, second.Migrate(t.Context(), sqlstore.MigrateCheck))
	got, err := second.UserByEmail(t.Context(), "", "ada@example.com")
	require.NoError(t, err)
	assert.Equal(t, ada(), got)
}

func TestWriteIsSeenByAnotherStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	a, b := open(t, path), open(t, path)
	require.NoError(t, a.CreateUser(t.Context(), ada()))
	assert.ErrorIs(t, b.CreateUser(t.Context(), ada()), authn.ErrEmailTaken)
	_, err := b.UserByID(t.Context(), ada().Subject)
	assert.NoError(t, err)
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"with space.db", "what?.db", "no#1.db", "100%25.db", "a&_pragma=query_only(1).db", "ünï→.db",
		"semi;colon.db", "plus+.db", "quote'\".db", "?mode=ro", "noending", "c:d.db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.ContainsAny(name, `?":`) {
				t.Skip("not a file name on Windows")
			}
			folder := filepath.Join(t.TempDir(), "sub folder #1")
			require.NoError(t, os.Mkdir(folder, 0o700))
			s := open(t, filepath.Join(folder, name))
			require.NoError(t, s.CreateUser(t.Context(), ada()))
			require.NoError(t, s.Close())
			files, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Len(t, files, 1)
			assert.Equal(t, name, files[0].Name())
		})
	}
}

func TestRelativePath(t *testing.T) { // not parallel: it changes the working folder
	t.Chdir(t.TempDir())
	s := open(t, "auth.db")
	require.NoError(t, s.CreateUser(t.Context(), ada()))
	assert.FileExists(t, "auth.db")
}

func TestFileMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no file modes on Windows")
	}
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "auth.db"))
	require.NoError(t, s.CreateUser(t.Context(), ada()))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
		assert.True(t, strings.HasPrefix(f.Name(), "auth.db"), f.Name())
	}
}

func TestExistingFileKeepsItsMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	require.NoError(t, os.WriteFile(path, nil, 0o640))
	require.NoError(t, os.Chmod(path, 0o640))
	open(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := filepath.Join(folder, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("not a database ", 500)), 0o600))
	for _, c := range []struct {
		name     string
		have     sqlstore.Options
		expected string
	}{
		{"no DSN", sqlstore.Options{}, "sqlstore: DSN is empty"},
		{"memory", sqlstore.Options{DSN: ":memory:"}, "use the memory driver"},
		{"memory as an address", sqlstore.Options{DSN: "file::memory:?cache=shared"}, "use the memory driver"},
		{"address", sqlstore.Options{DSN: "file:auth.db"}, "give the plain path"},
		{"zero byte", sqlstore.Options{DSN: "a\x00.db"}, "zero byte"},
		{"other driver", sqlstore.Options{Driver: "sqlite3", DSN: "auth.db"}, `driver "sqlite3" is not supported`},
		{"no folder", sqlstore.Options{DSN: filepath.Join(folder, "absent", "auth.db")}, "does not exist: create it first"},
		{"a folder", sqlstore.Options{DSN: folder}, "sqlstore: open: "},
		{"another file", sqlstore.Options{DSN: text}, "sqlstore: open: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := sqlstore.Open(t.Context(), c.have)
			assert.ErrorContains(t, err, c.expected)
			assert.Nil(t, s)
		})
	}
}

func TestOpenInACancelledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlstore.Open(ctx, sqlstore.Options{DSN: filepath.Join(t.TempDir(), "auth.db")})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := sqlstore.New(nil, sqlstore.SQLite)
	assert.ErrorContains(t, err, "needs an open *sql.DB")
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "auth.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = sqlstore.New(db, "oracle")
	assert.ErrorContains(t, err, `dialect "oracle" is not supported`)
}

func TestCloseLeavesTheApplicationsPool(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "auth.db")+"?_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	_, err = s.Users(t.Context(), "", "", 1)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.NoError(t, db.PingContext(t.Context()))
}

func TestUseAfterClose(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "auth.db"))
	require.NoError(t, s.Close())
	assert.ErrorContains(t, s.CreateUser(t.Context(), ada()), "closed")
	_, err := s.UserByID(t.Context(), ada().Subject)
	assert.ErrorContains(t, err, "closed")
	assert.NotErrorIs(t, err, authn.ErrNotFound)
}

// A store that cannot write says so, and leaves what is there (REL-11).
func TestReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	writable := open(t, path)
	require.NoError(t, writable.CreateUser(t.Context(), ada()))
	require.NoError(t, writable.Close())

	address := url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro&_txlock=immediate"}
	db, err := sql.Open("sqlite", address.String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := sqlstore.New(db, sqlstore.SQLite)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto), "an up-to-date database is only read")

	bob := authn.User{Subject: authn.Subject{ID: "bob"}, Email: "bob@example.com", CreatedAt: t0, Version: 1}
	changed := ada()
	changed.Email = "lovelace@example.com"
	for name, err := range map[string]error{
		"CreateUser": s.CreateUser(t.Context(), bob),
		"UpdateUser": s.UpdateUser(t.Context(), changed),
		"Revoke":     errOf(s.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: "jti", Until: t0})),
		"Rotate":     s.RotateSession(t.Context(), session.Rotation{ID: "s1"}),
	} {
		assert.ErrorContains(t, err, "readonly", name)
		assert.NotErrorIs(t, err, authn.ErrConflict, name)
	}
	list, err := s.Users(t.Context(), "", "", 10)
	require.NoError(t, err)
	assert.Equal(t, []authn.User{ada()}, list)
}

func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root writes to read-only files")
	}
	path := filepath.Join(t.TempDir(), "auth.db")
	require.NoError(t, open(t, path).Close())
	require.NoError(t, os.Chmod(path, 0o400))
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
	if err != nil {
		return
	}
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	assert.Error(t, s.CreateUser(t.Context(), ada()))
}

func TestZeroBytesInStrings(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "auth.db"))
	u := ada()
	u.Subject.ID, u.Email = "a\x00b", "\x00@example.com"
	require.NoError(t, s.CreateUser(t.Context(), u))
	got, err := s.UserByID(t.Context(), u.Subject)
	require.NoError(t, err)
	assert.Equal(t, u, got)
	_, err = s.UserByID(t.Context(), authn.Subject{ID: "a"})
	assert.ErrorIs(t, err, authn.ErrNotFound)
}

// A call that waits for another process's transaction ends with its context, and changes nothing.
func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	s := open(t, path)
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, s.CreateUser(ctx, ada()), context.DeadlineExceeded)
	_, err = s.UserByID(t.Context(), ada().Subject)
	assert.ErrorIs(t, err, authn.ErrNotFound, "reading does not wait")
	require.NoError(t, tx.Rollback())
	assert.NoError(t, s.CreateUser(t.Context(), ada()))
}

// errOf drops a call's value.
func errOf[T any](_ T, err error) error { return err }
