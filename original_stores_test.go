package authmodule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/redisstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// place is where an application keeps things. The users behind it are reached by open, as another program would.
type place struct {
	name    string
	store   authmodule.StoreConfig
	options fx.Option
	open    func(t *testing.T) authn.UserStore
}

// places are all stores of the module, each in a state of its own.
func places(t *testing.T) []place {
	t.Helper()
	memory := memstore.New()
	all := []place{{
		name: "memory", store: storeOf(t, "memory"), open: func(*testing.T) authn.UserStore { return memory },
		options: authmodule.UseUserStore(func() authn.UserStore { return memory }),
	}}
	for _, driver := range []string{"sqlite", "postgres"} {
		store := storeOf(t, driver)
		all = append(all, place{driver, store, fx.Options(), func(t *testing.T) authn.UserStore { return openSQL(t, store) }})
	}
	server := redistest.Start(t, redistest.Options{})
	store := authmodule.StoreConfig{
		Driver: authmodule.DriverSQLite, DSN: setting.Secret(sqlitetest.Path(t)),
		Sessions: authmodule.SessionsRedis, Redis: authmodule.RedisConfig{Addr: []string{server.Addr()}},
	}
	return append(all, place{"sqlite and redis", store, redisstore.Module(), func(t *testing.T) authn.UserStore { return openSQL(t, store) }})
}

func openSQL(t *testing.T, c authmodule.StoreConfig) *sqlstore.Store {
	t.Helper()
	o := sqlstore.Options{DSN: c.DSN.Reveal()}
	if c.Driver == authmodule.DriverPostgres {
		o.Dialect = sqlstore.Postgres
	}
	store, err := sqlstore.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

func (p place) boot(t *testing.T) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store, c.JWT.SecretKey = p.store, "one secret for all programs of this test"
	}, p.options)
}

func onEveryPlace(t *testing.T, test func(t *testing.T, p place, app *fxtest.App)) {
	t.Helper()
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p, p.boot(t))
		})
	}
}

// Item 31: sessions were kept in memory alone, and nothing else could be put in its place. Here a second program
// goes on with what the first has begun, wherever that is kept but in memory.
func TestItem31SessionsAreKeptWhereConfigured(t *testing.T) {
	t.Parallel()
	onEveryPlace(t, func(t *testing.T, p place, app *fxtest.App) {
		user := register(t, app)
		cookie, err := login(t.Context(), app, authn.CarrierCookie)
		require.NoError(t, err)
		again := p.boot(t)
		principal, err := again.Users.AuthenticateCookie(t.Context(), cookie.Cookie, authn.Client{})
		if p.name == "memory" {
			require.ErrorIs(t, err, authn.ErrSessionEnded)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, user.Subject, principal.Subject)
	})
}

// Item 53: a change of the profile erased the password hash. Item 55: an address that was given up still led to
// the account, and a disabled account stayed active, until a cache let go of them.
func TestItems53And55ChangesOfAnAccount(t *testing.T) {
	t.Parallel()
	onEveryPlace(t, func(t *testing.T, p place, app *fxtest.App) {
		user := register(t, app)
		grant, err := login(t.Context(), app, authn.CarrierToken)
		require.NoError(t, err)

		elsewhere := p.open(t)
		stored, err := elsewhere.UserByID(t.Context(), user.Subject)
		require.NoError(t, err)
		stored.Email = "ada@new.example"
		require.NoError(t, elsewhere.UpdateUser(t.Context(), stored))

		byPassword := func(address string) error {
			_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: address, Password: password})
			return err
		}
		require.NoError(t, byPassword("ada@new.example"), "the password is still there")
		require.ErrorIs(t, byPassword(email), authn.ErrInvalidCredentials, "the old address leads nowhere, at once")
		_, err = app.Users.UserByEmail(t.Context(), "", email)
		require.ErrorIs(t, err, authn.ErrNotFound)
		_, err = app.Users.CreateUser(t.Context(), authn.RegisterRequest{Email: email, Password: password})
		require.NoError(t, err, "and is free")

		stored, err = elsewhere.UserByID(t.Context(), user.Subject)
		require.NoError(t, err)
		stored.DisabledAt = app.Now()
		require.NoError(t, elsewhere.UpdateUser(t.Context(), stored))
		require.ErrorIs(t, byPassword("ada@new.example"), authn.ErrInvalidCredentials)
		require.NoError(t, app.Users.Changed(t.Context(), user.Subject))
		_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrSessionEnded)
	})
}

// Item 54: the store for Redis could not read what it had written.
func TestItem54StoresReadWhatTheyWrite(t *testing.T) {
	t.Parallel()
	onEveryPlace(t, func(t *testing.T, _ place, app *fxtest.App) {
		user := register(t, app)
		client := authn.Client{UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
		grant, err := app.Users.Login(t.Context(), authn.LoginRequest{
			Email: email, Password: password, Client: client, Carrier: authn.CarrierCookie, Device: authn.DeviceClaim{Name: "Adas Rechner – größer"},
		})
		require.NoError(t, err)
		list, err := app.SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		require.Len(t, list, 1)
		devices, err := app.SessionManager.Devices(t.Context(), user.Subject)
		require.NoError(t, err)
		now := app.Now().UTC().Truncate(time.Microsecond)
		assert.Equal(t, session.Info{
			ID: grant.Session.ID, Subject: user.Subject, Carrier: authn.CarrierCookie, Device: "Firefox on Linux", DeviceID: devices[0].ID, DeviceName: "Adas Rechner – größer",
			UserAgent: client.UserAgent, Methods: []string{authn.MethodPassword}, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour),
		}, list[0])
	})
}
