package authmodule_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/store/redisstore"
)

// REL-11: accounts that cannot be written are found by a probe, and counted as well again by it, where Redis keeps the one-time records.
func TestReadOnlyAccountsBesideRedis(t *testing.T) {
	t.Parallel()
	d := database{path: filepath.Join(t.TempDir(), "auth.db")}
	d.db = d.connect(t, 5000)
	server := redistest.Start(t, redistest.Options{})
	d.App = fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store.Driver, c.Store.Sessions, c.Store.Redis.Addr = authmodule.DriverSQLite, authmodule.SessionsRedis, []string{server.Addr()}
	}, redisstore.Module(), authmodule.UseDatabase(func() *sql.DB { return d.db }), fx.Populate(&d.health))
	assert.Empty(t, failing(t, d))

	d.exec(t, d.db, "PRAGMA query_only = 1")
	d.Advance(10 * time.Second)
	_, err := d.Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	assert.Error(t, err)
	assert.Equal(t, []string{"users:read_only:writes", "passwords:read_only:writes"}, failing(t, d))

	d.exec(t, d.db, "PRAGMA query_only = 0")
	d.Advance(2 * time.Second)
	assert.Empty(t, failing(t, d), "as soon as the probe wrote")
	for _, row := range d.health.Check(t.Context()).Rows {
		if row.Name == "sessions" {
			assert.Equal(t, "redis", row.Driver)
		}
	}
}
