package authmodule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

func TestValidateAudit(t *testing.T) {
	t.Parallel()
	journal := func(change func(*authmodule.Config)) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.SecretKey, c.Audit.Journal = goodSecret, true
			change(c)
		}
	}
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, profile, []change{
			{"sound", journal(func(c *authmodule.Config) { c.Store.Driver, c.Store.DSN = authmodule.DriverSQLite, "auth.db" }), ""},
			{"kept for a while", journal(func(c *authmodule.Config) {
				c.Store.Driver, c.Store.DSN, c.Audit.KeepDays, c.HTTP.AuditEndpoint = authmodule.DriverSQLite, "auth.db", 400, true
			}), ""},
			{"no secret", journal(func(c *authmodule.Config) {
				c.Store.Driver, c.Store.DSN, c.SecretKey = authmodule.DriverSQLite, "auth.db", ""
			}), "auth.secret_key is not set, and makes the hashes of the audit journal (auth.audit.journal): set LEX_AUTH__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"},
			{"too many days", journal(func(c *authmodule.Config) {
				c.Store.Driver, c.Store.DSN, c.Audit.KeepDays = authmodule.DriverSQLite, "auth.db", 36_501
			}), "auth.audit.keep_days is out of range: set LEX_AUTH__AUDIT__KEEP_DAYS to a number of days from 1 to 36500, or to 0 to keep entries for ever"},
			{"too rarely verified", journal(func(c *authmodule.Config) {
				c.Store.Driver, c.Store.DSN, c.Audit.VerifyHours = authmodule.DriverSQLite, "auth.db", 8761
			}), "auth.audit.verify_hours is out of range: set LEX_AUTH__AUDIT__VERIFY_HOURS to a whole number from 0 to 8760"},
			{"negative days", journal(func(c *authmodule.Config) {
				c.Store.Driver, c.Store.DSN, c.Audit.KeepDays = authmodule.DriverSQLite, "auth.db", -1
			}), "auth.audit.keep_days is out of range: set LEX_AUTH__AUDIT__KEEP_DAYS to a number of days from 1 to 36500, or to 0 to keep entries for ever"},
			{"a route for nothing", func(c *authmodule.Config) { c.HTTP.AuditEndpoint = true },
				"auth.audit.journal is false, but audit.keep_days or http.audit_endpoint is set: set LEX_AUTH__AUDIT__JOURNAL to true, or leave those keys out"},
		})
	}
	check(t, authmodule.ProfileDevelopment, []change{
		{"in memory", func(c *authmodule.Config) {
			c.Audit.Journal, c.Store.Driver, c.Store.DSN = true, authmodule.DriverMemory, ""
		}, ""},
	})
}

// A journal in memory would be gone with the process that it is to tell of.
func TestValidateAuditInMemory(t *testing.T) {
	t.Parallel()
	cfg := sound(authmodule.ProfileProduction)
	cfg.SecretKey, cfg.Audit.Journal, cfg.Store.Driver = goodSecret, true, authmodule.DriverMemory
	assert.ErrorContains(t, cfg.Validate(), "auth.audit.journal is true with the memory driver, which keeps no journal beyond the process")
}

func TestUseJournalStore(t *testing.T) {
	t.Parallel()
	own := memstore.New()
	use := authmodule.UseJournalStore(func() *memstore.Store { return own })
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Audit.Journal = true }, use)
	app.User()
	head, err := own.Head(t.Context())
	require.NoError(t, err)
	n, err := own.WaitingEvents(t.Context())
	require.NoError(t, err)
	assert.Positive(t, n+int(head.Seq))
	err = build(authmodule.Stub(), use)
	assert.ErrorContains(t, err, "JournalStore")
	assert.ErrorContains(t, err, "journal_test.go")
}

func TestJournalIsOffByDefault(t *testing.T) {
	t.Parallel()
	assert.Nil(t, fxtest.New(t).Journal)
}

// journalTypes are the journal's entries, of a database that nobody uses any more.
func journalTypes(t *testing.T, path string) (types []audit.Type) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	n, err := s.WaitingEvents(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "all is chained at the stop")
	list, err := s.Entries(t.Context(), audit.Query{Limit: 1000})
	require.NoError(t, err)
	for _, e := range list {
		types = append(types, e.Type)
	}
	return types
}

// What is told just before the application stops is written, and chained, whether or not it comes with an act.
func TestStopWritesTheRestOfTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	t.Run("run", func(t *testing.T) {
		app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.SecretKey, c.Audit.Journal, c.Store = goodSecret, true, authmodule.StoreConfig{Driver: authmodule.DriverSQLite, DSN: setting.Secret(path)}
		})
		app.User()
		_, err := login(t.Context(), app, authn.CarrierToken)
		require.ErrorIs(t, err, authn.ErrInvalidCredentials)
	})
	assert.ElementsMatch(t, []audit.Type{audit.UserRegistered, audit.LoginFailed}, journalTypes(t, path))
}

// Accounts in a store of the application's own: their events are written after the act, before the caller goes on.
func TestJournalBesideAStoreOfOnesOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	written := &withActs{events: map[string]bool{}}
	users := memstore.New()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.SecretKey, c.Audit.Journal, c.Store = goodSecret, true, authmodule.StoreConfig{Driver: authmodule.DriverSQLite, DSN: setting.Secret(path)}
	}, authmodule.UseUserStore(func() authn.UserStore { return users }), authmodule.AddListener(func() audit.Listener { return written }))
	app.Principal()
	for _, e := range app.Events() {
		assert.Equal(t, e.Type == audit.LoginSucceeded, written.has(e), e.Type)
	}
	requireJournalled(t, app)
}

// lameStore takes no events while it is down.
type lameStore struct {
	audit.JournalStore
	down atomic.Bool
}

func (s *lameStore) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	if s.down.Load() {
		return errors.New("no room")
	}
	return s.JournalStore.PutEvents(ctx, events...)
}

type lockedLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// A journal of its own that is down stops nobody, is heard of, and gets everything later.
func TestJournalThatIsDown(t *testing.T) {
	t.Parallel()
	store, log := &lameStore{JournalStore: memstore.New()}, &lockedLog{}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Audit.Journal = true },
		authmodule.UseJournalStore(func() audit.JournalStore { return store }), fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(log, nil)) }))
	store.down.Store(true)
	app.Principal("admin")
	_, err := login(t.Context(), app, authn.CarrierToken)
	require.ErrorIs(t, err, authn.ErrInvalidCredentials)
	require.Error(t, app.Journal.Flush(t.Context()))
	log.mu.Lock()
	assert.Contains(t, log.String(), `level=ERROR msg="an audit event could not be stored; it is tried again until the program ends"`)
	log.mu.Unlock()
	store.down.Store(false)
	requireJournalled(t, app)
}
