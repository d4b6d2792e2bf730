package authmodule_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/setting"
)

// database is an application on one connection to a file, which a test can get into trouble.
type database struct {
	*fxtest.App
	db     *sql.DB
	path   string
	health *authmodule.Health
}

func openDatabase(t *testing.T) database {
	t.Helper()
	d := database{path: filepath.Join(t.TempDir(), "auth.db")}
	d.db = d.connect(t, 5000)
	d.App = fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store = authmodule.StoreConfig{Driver: authmodule.DriverSQLite, TimeoutSeconds: 1}
	},
		authmodule.UseDatabase(func() *sql.DB { return d.db }),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount), fx.Populate(&d.health),
	)
	return d
}

func (d database) connect(t *testing.T, busy int) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", fmt.Sprintf("file://%s?_txlock=immediate&_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)", d.path, busy))
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func (d database) exec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func (d database) login(email string) *httptest.ResponseRecorder {
	return d.Do(webtest.Request("POST", "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, fxtest.Password)))
}

func (d database) refresh(token setting.Secret) *httptest.ResponseRecorder {
	return d.Do(webtest.Request("POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, token.Reveal())))
}

// REL-11: a file that takes no writes, that is full, and that another process
// holds. What must be written is refused within the deadline with 503 and a time to come again, and
// nothing of it is half done; a health check finds it; when the trouble is over all goes on by itself.
func TestDatabaseInTrouble(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, class  string
		begin, end   string
		otherProcess bool
	}{
		{"read-only", "read_only", "PRAGMA query_only = 1", "PRAGMA query_only = 0", false},
		{"full", "full", "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", false},
		{"locked", "timeout", "BEGIN IMMEDIATE", "COMMIT", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := openDatabase(t)
			user := d.User()
			grant := d.Grant(authn.Principal{Subject: user.Subject})
			victim := d.db
			if tc.otherProcess {
				victim = d.connect(t, 0)
			}
			d.exec(t, victim, tc.begin)
			if tc.class == "full" {
				d.fill(t)
			}
			for name, ask := range map[string]func() *httptest.ResponseRecorder{
				"login":   func() *httptest.ResponseRecorder { return d.login(user.Email) },
				"refresh": func() *httptest.ResponseRecorder { return d.refresh(grant.RefreshToken) },
				"register": func() *httptest.ResponseRecorder {
					return d.Do(webtest.Request("POST", "/auth/register", `{"email":"new@example.com","password":"a password for tests only"}`))
				},
			} {
				if tc.class == "full" && name == "refresh" {
					continue // it needs no room
				}
				unavailable(t, name, ask)
			}
			me := d.Do(webtest.Request("GET", "/auth/me", "", webtest.Bearer(grant.AccessToken.Reveal())...))
			assert.Equal(t, http.StatusOK, me.Code, "reading goes on: %s", me.Body)
			assert.Contains(t, failing(t, d), "one_time:"+tc.class+":writes")

			d.exec(t, victim, tc.end)
			d.Advance(time.Minute)
			assert.Empty(t, failing(t, d), "it recovers by itself")
			assert.Equal(t, http.StatusOK, d.refresh(grant.RefreshToken).Code, "the refresh token was not used up")
			assert.Equal(t, http.StatusOK, d.login(user.Email).Code)
			assert.Equal(t, http.StatusUnauthorized, d.login("new@example.com").Code, "no half account")
		})
	}
}

// fill uses up the room in the pages that there are, of each table.
func (d database) fill(t *testing.T) {
	t.Helper()
	put := func(i int) error {
		_, err := d.db.ExecContext(t.Context(), "INSERT INTO authmodule_onetimes (tenant, purpose, id, secret_hash, value, expires_at) VALUES ('', 'fill', ?, x'00', '', 1)", i)
		return err
	}
	user := func(i int) error {
		_, err := d.Users.CreateUser(t.Context(), authn.RegisterRequest{Email: fmt.Sprint("fill", i, "@example.com"), Password: fxtest.Password})
		return err
	}
	filler := d.someone(t)
	login := func(int) error {
		_, err := d.Users.Complete(t.Context(), authn.Proof{Subject: filler, Time: d.Now()}, authn.Completion{})
		return err
	}
	for _, grow := range []func(int) error{put, user, login} {
		i := 0
		for ; i < 1000 && grow(i) == nil; i++ {
		}
		require.Less(t, i, 1000, "it is never full")
	}
}

func (d database) someone(t *testing.T) authn.Subject {
	t.Helper()
	users, err := d.Users.Users(t.Context(), "", "", 1)
	require.NoError(t, err)
	require.Len(t, users, 1)
	return users[0].Subject
}

func unavailable(t *testing.T, name string, ask func() *httptest.ResponseRecorder) {
	t.Helper()
	answers := make(chan *httptest.ResponseRecorder, 1)
	go func() { answers <- ask() }()
	select {
	case w := <-answers:
		p, err := webtest.Problem(w)
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code, name)
		assert.Equal(t, "unavailable", p.Code, name)
		assert.Equal(t, "1", w.Header().Get("Retry-After"), name)
		assert.NotContains(t, w.Body.String(), "SQLITE", name)
	case <-time.After(4 * time.Second): // the deadline twice, on a busy machine
		assert.Fail(t, "no answer", name)
	}
}

// failing lists the rows of a health check that are not well.
func failing(t *testing.T, d database) []string {
	t.Helper()
	var rows []string
	for _, row := range d.health.Check(t.Context()).Failing() {
		text := row.Name + ":" + row.Class
		if row.Writes {
			text += ":writes"
		}
		rows = append(rows, text)
		_, err := json.Marshal(row)
		require.NoError(t, err)
	}
	return rows
}
