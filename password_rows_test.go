package authmodule_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
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

// page returns a document of docs.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("docs", name))
	require.NoError(t, err)
	return string(text)
}

// V6.1.1: docs/throttling.md names each knob and its default as the code has it, and says how nobody is kept out for ever.
func TestV611ThrottlingIsDocumented(t *testing.T) {
	t.Parallel()
	text := page(t, "throttling.md")
	for _, k := range configurationKeys(t) {
		name := strings.TrimPrefix(k.Name, "auth.throttle.")
		if name == k.Name && k.Name != "auth.login_rate_limit" {
			continue
		}
		require.Regexp(t, "`(auth.throttle.)?"+name+"[`:]", text, "docs/throttling.md does not name it")
		shown := k.Value
		switch name {
		case "insecure_disabled":
			continue
		case "longest_lock_seconds":
			shown = "an hour"
		case "ipv4_prefix", "ipv6_prefix":
			shown = "/" + k.Value
		}
		assert.Contains(t, text, shown, "the default of %s", name)
	}
	assert.Contains(t, text, "## Who is kept out")
}

// V6.1.2: the words of the context are documented where they are configured, and where they are told of.
func TestV612WordsAreDocumented(t *testing.T) {
	t.Parallel()
	assert.Contains(t, page(t, "passwords.md"), "`auth.password.words`")
	assert.Contains(t, page(t, "configuration.md"), "| `auth.password.words` |")
}

// V6.2.6, V6.2.7: each page that asks for a password hides it, and lets it be pasted, made by a password manager and as long as may be.
func TestV627ThePageLetsPasswordManagersWork(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.AdminEmail, c.HTTP.PublicURL = "root@example.com", "https://app.example.com"
	},
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount), fxtest.NewMailbox(t).Use())
	for _, path := range []string{"/auth/setup", "/auth/password/reset"} {
		html := app.Do(webtest.Request("GET", path, "")).Body.String()
		assert.Contains(t, html, `<input id="password" type="password" autocomplete="new-password" required>`)
		for _, hindrance := range []string{"maxlength", "paste", "keydown", "keyup", "keypress", `autocomplete="off"`} {
			assert.NotContains(t, html, hindrance)
		}
	}
}

// V6.2.10, NIST-03: a password does not expire by age; V6.4.2: there is nothing to be asked instead, and no hint.
func TestV6210PasswordsDoNotExpire(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := app.User()
	for range 3 {
		app.Advance(10 * 365 * 24 * time.Hour)
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
		require.NoError(t, err)
	}
	for _, k := range configurationKeys(t) {
		if strings.HasPrefix(k.Name, "auth.password.") {
			assert.NotRegexp(t, `(^|_)age|expir|days|rotat|hint|question`, strings.ReplaceAll(k.Name, "auth.password.", ""))
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[authn.User](), reflect.TypeFor[authn.RegisterRequest](), reflect.TypeFor[authn.LoginRequest]()} {
		for i := range typ.NumField() {
			assert.NotRegexp(t, `(?i)hint|question|answer|reminder`, typ.Field(i).Name)
		}
	}
}

// V6.3.2: a new store has neither an account, nor a key or a role of anybody, and nobody logs in; secrets of documentation are refused.
func TestV632NothingIsThereByDefault(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"memory", "sqlite", "postgres"} {
		place := storeOf(t, driver)
		app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Store = place }, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
		users, err := app.Users.Users(t.Context(), "", "", 10)
		require.NoError(t, err)
		assert.Empty(t, users)
		for _, name := range []string{"admin", "root", "administrator", "guest", "test", "user", "sa"} {
			for _, password := range []setting.Secret{setting.Secret(name), "admin", "password", "changeme", "", fxtest.Password} {
				_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: name + "@example.com", Password: password})
				require.Error(t, err)
				app.Advance(time.Hour)
			}
			keys, err := app.APIKeys.List(t.Context(), authn.Subject{ID: name})
			require.NoError(t, err)
			assert.Empty(t, keys)
			roles, _, err := app.AuthorizationService.RolesOf(t.Context(), authn.Subject{ID: name})
			require.NoError(t, err)
			assert.Equal(t, []string{"viewer"}, roles)
		}
		assert.Equal(t, http.StatusUnauthorized, app.Do(webtest.Request("GET", "/auth/me", "")).Code)
	}
	for _, secret := range []setting.Secret{"", "change-me", "your-jwt-secret", "a-string-secret-at-least-256-bits-long"} {
		cfg := authmodule.Config{Profile: authmodule.ProfileProduction, Store: authmodule.StoreConfig{Driver: "sqlite", DSN: "auth.db"}}
		cfg.JWT.SecretKey = secret
		assert.ErrorContains(t, cfg.Validate(), "auth.jwt.secret_key", secret.Reveal())
	}
}

// V6.5.3, NIST-10: what is random comes from the system: no package of the module imports another source.
func TestV653RandomIsFromTheSystem(t *testing.T) {
	t.Parallel()
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "bench" || d.Name() == "node_modules" || d.Name() == ".git") {
			return skipped(err)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range file.Imports {
			assert.NotContains(t, imported.Path.Value, "math/rand", path)
		}
		return nil
	}))
	assert.Greater(t, files, 200)
}

func skipped(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
