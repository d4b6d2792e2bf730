package main_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to look into the program's database
)

func TestPrintsItsAddress(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	assert.Equal(t, "http://localhost:"+p.port, p.url)
	assert.Empty(t, p.stdout, "with EXAMPLE_PASSWORD no password is printed")
	assert.NotContains(t, p.stderr.String(), password)
	p.stop()
}

func TestRestart(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"HS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			env := []string{"LEX_AUTH__JWT__ALGORITHM=" + algorithm}
			first := start(t, setup{env: env})
			access, refresh := first.tokens("admin@example.com")
			session := first.cookie("editor@example.com")
			added := first.do("POST", "/articles", `{"title":"It stays","body":"b"}`, bearer(access))
			require.Equal(t, http.StatusCreated, added.status)
			require.Equal(t, http.StatusNoContent, first.do("DELETE", "/articles/1", "", bearer(access)).status)
			first.stop()

			// A password that is set later does not reach accounts that exist.
			second := start(t, setup{data: first.data, env: append(env, "EXAMPLE_PASSWORD=another password, long enough")})
			assert.Empty(t, second.stdout)
			assert.Equal(t, http.StatusOK, second.do("GET", "/articles", "", bearer(access)).status, "the access token lives")
			assert.Equal(t, http.StatusOK, second.do("POST", "/auth/refresh", `{"refresh_token":"`+refresh+`"}`).status, "the refresh token lives")
			assert.Equal(t, "editor@example.com", second.do("GET", "/auth/me", "", cookie(session)).text("email"), "the cookie lives")
			all := second.do("GET", "/articles", "", bearer(access)).body
			assert.Contains(t, all, "It stays")
			assert.NotContains(t, all, "Welcome", "a deleted article does not come back")
			second.tokens("viewer@example.com")
			second.stop()
		})
	}
}

func TestRandomPasswordsArePrintedOnce(t *testing.T) {
	t.Parallel()
	first := start(t, setup{env: []string{"EXAMPLE_PASSWORD="}})
	require.Len(t, first.stdout, 3)
	printed := map[string]string{}
	for _, line := range first.stdout {
		email, secret, _ := strings.Cut(line, " ")
		printed[email] = strings.TrimSpace(secret)
	}
	for email, secret := range printed {
		body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, secret)
		assert.Equal(t, http.StatusOK, first.do("POST", "/auth/login", body).status, email)
		assert.NotContains(t, first.stderr.String(), secret, "passwords do not belong in a log")
	}
	first.stop()
	assert.Empty(t, start(t, setup{data: first.data, env: []string{"EXAMPLE_PASSWORD="}}).stdout)
}

// TestSeedLeavesAccountsAlone takes the administrator's role away, as Unassign does, and starts again.
func TestSeedLeavesAccountsAlone(t *testing.T) {
	t.Parallel()
	first := start(t, setup{})
	first.stop()
	db, err := sql.Open("sqlite", filepath.Join(first.data, "example.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `DELETE FROM authmodule_assignments`)
	require.NoError(t, errors.Join(err, db.Close()))
	second := start(t, setup{data: first.data})
	access, _ := second.tokens("admin@example.com")
	assert.Equal(t, http.StatusForbidden, second.do("GET", "/admin/users", "", bearer(access)).status)
}

func TestProductionWantsASecret(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"production", "staging"} {
		data := filepath.Join(t.TempDir(), "data")
		said := refused(t, setup{data: data, env: []string{"LEX_ENV=" + profile}})
		assert.Contains(t, said, "LEX_AUTH__JWT__SECRET_KEY")
		assert.NoFileExists(t, filepath.Join(data, "secret.key"))
	}
}

func TestProduction(t *testing.T) {
	t.Parallel()
	p := start(t, setup{env: []string{
		"LEX_ENV=production", "LEX_AUTH__REGISTRATION=closed", "LEX_AUTH__JWT__SECRET_KEY=q8Zc1rXw0JmN4vT7yB2kL5pF9hD3sG6aEuKiOoWn",
	}})
	assert.Equal(t, http.StatusForbidden, p.do("POST", "/auth/register", credentials("ada@example.com", "")).status)
	access, _ := p.tokens("viewer@example.com")
	denied := p.do("DELETE", "/articles/1", "", bearer(access))
	assert.Equal(t, http.StatusForbidden, denied.status)
	assert.Empty(t, denied.text("required"))
	assert.NotEmpty(t, denied.text("decision"))
	assert.NoFileExists(t, filepath.Join(p.data, "secret.key"))
}

// TestSwitchedOff starts with all off that the example switches on by itself.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	var env []string
	for _, key := range []string{
		"MFA__ENABLED", "AUDIT__JOURNAL", "ACCOUNT__MAGIC_LINK", "ACCOUNT__LOGIN_CODE", "HTTP__HEALTH", "HTTP__USER_ENDPOINTS", "HTTP__IMPERSONATION", "JWT__MANAGED__ENABLED",
	} {
		env = append(env, "LEX_AUTH__"+key+"=false")
	}
	p := start(t, setup{env: append(env, "LEX_AUTH__SESSION__REMEMBER_DAYS=0", "LEX_AUTH__SESSION__MAX_PER_USER=0")})
	access, _ := p.tokens("admin@example.com")
	for _, route := range []string{
		"GET /auth/mfa", "GET /auth/audit", "POST /auth/login/link", "POST /auth/login/code", "GET /auth/livez", "GET /auth/users", "POST /auth/users/1/impersonate",
	} {
		method, path, _ := strings.Cut(route, " ")
		assert.Equal(t, http.StatusNotFound, p.do(method, path, "", bearer(access)).status, route)
	}
	shown := p.do("GET", "/", "").body
	for _, id := range []string{`id="mail-link"`, `id="mail-code"`, `id="admin-acts"`, `id="act"`, `id="trail-all"`} {
		_, tag, found := strings.Cut(shown, id)
		tag, _, _ = strings.Cut(tag, ">")
		assert.True(t, found && strings.HasSuffix(tag, " hidden"), id)
	}
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "named.db")
	file := writeFile(t, "application.yaml", `
auth:
  jwt:
    secret_key: a secret that is long enough for these tests
    access_token_expire_minutes: 7
  session:
    max_per_user: 1
    on_limit: refuse
  store:
    dsn: `+database+`
  http:
    prefix: /identity
  rbac:
    roles:
      auditor: {permissions: [audit.read]}
`)
	p := start(t, setup{args: []string{"-config", file}})
	login := func(who string) answer {
		return p.do("POST", "/identity/login", credentials(who+"@example.com", "token"))
	}
	editor := login("editor")
	require.Equal(t, http.StatusOK, editor.status, editor.body)
	assert.EqualValues(t, 7*60, editor.object["expires_in"])
	assert.Equal(t, "session_limit", login("editor").text("code"))
	assert.Equal(t, http.StatusCreated, p.do("POST", "/articles", `{"title":"t"}`, bearer(editor.text("access_token"))).status, "roles from code stay")
	assert.Contains(t, p.do("GET", "/", "").body, `data-prefix="/identity"`)
	assert.FileExists(t, database)
	assert.NoFileExists(t, filepath.Join(p.data, "example.db"))
	assert.NoFileExists(t, filepath.Join(p.data, "secret.key"))
}

func TestConfigFileRefused(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "mine.yaml", "auth:\n  jwt:\n    secrt_key: x\n")
	said := refused(t, setup{args: []string{"-config", file}})
	assert.Contains(t, said, "mine.yaml: line 3: unknown key auth.jwt.secrt_key; did you mean secret_key?")
	assert.Contains(t, refused(t, setup{args: []string{"-config", filepath.Join(t.TempDir(), "absent.yaml")}}), "absent.yaml")
}

// production is a start in production that would succeed but for one more variable.
func production(variable string) setup {
	return setup{env: []string{"LEX_ENV=production", "LEX_AUTH__REGISTRATION=open", "LEX_AUTH__JWT__SECRET_KEY=q8Zc1rXw0JmN4vT7yB2kL5pF9hD3sG6aEuKiOoWn", variable}}
}

// TestRefused makes the mistakes of newcomers: each is answered with what is wrong, where, and what to do.
func TestRefused(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		setup    setup
		expected string
	}{
		{"short EXAMPLE_PASSWORD", setup{env: []string{"EXAMPLE_PASSWORD=fourteen chars"}}, "EXAMPLE_PASSWORD must have at least 15 characters"},
		{"unknown flag", setup{args: []string{"-port", "1"}}, "-addr"},
		{"argument", setup{args: []string{"8080"}}, `unexpected argument "8080"`},
		{"address", setup{args: []string{"-addr", "nonsense"}}, "nonsense"},
		{"data is a file", setup{args: []string{"-data", binary}}, binary},
		{"unknown profile", setup{env: []string{"LEX_ENV=prod"}}, "LEX_ENV"},
		{"configuration", setup{env: []string{"LEX_AUTH__SESSION__ON_LIMIT=x"}}, "LEX_AUTH__SESSION__ON_LIMIT"},
		{"no key", setup{env: []string{"LEX_ENV=production", "LEX_AUTH__REGISTRATION=open"}},
			"auth.jwt.secret_key is not set: set LEX_AUTH__JWT__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"},
		{"plain address in production", production("LEX_AUTH__HTTP__PUBLIC_URL=http://app.example.com"),
			"auth.http.public_url is not an https address: set LEX_AUTH__HTTP__PUBLIC_URL to one that begins with https://"},
		{"mail server as an address", setup{env: []string{"LEX_AUTH__SMTP__HOST=smtp://mail.example.com:587", "LEX_AUTH__SMTP__FROM=a@example.com"}},
			"auth.smtp.host is no host: set LEX_AUTH__SMTP__HOST to the name of the mail server, such as mail.example.com, without a port"},
		{"mail server's password alone", setup{env: []string{"LEX_AUTH__SMTP__HOST=mail.example.com", "LEX_AUTH__SMTP__FROM=a@example.com", "LEX_AUTH__SMTP__PASSWORD=x"}},
			"auth.smtp.username is not set, and auth.smtp.password is: set LEX_AUTH__SMTP__USERNAME"},
		{"duration with a unit", setup{env: []string{"LEX_AUTH__SESSION__TIMEOUT_MINUTES=30m"}}, "LEX_AUTH__SESSION__TIMEOUT_MINUTES must be a whole number from 0 to 1000000"},
		{"verified addresses without mail", production("LEX_AUTH__ACCOUNT__VERIFY_EMAIL=required"),
			"auth.account.verify_email (LEX_AUTH__ACCOUNT__VERIFY_EMAIL) sends mail, and there is no notifier: add authmodule.UseNotifier or configure auth.smtp, in development set auth.account.notifier to log"},
		{"links in the log of production", production("LEX_AUTH__ACCOUNT__NOTIFIER=log"), "leave LEX_AUTH__ACCOUNT__NOTIFIER out, and add authmodule.UseNotifier or configure auth.smtp"},
		{"short pepper", production("LEX_AUTH__PASSWORD__PEPPER=short"), "auth.password.pepper is shorter than 32 bytes: set LEX_AUTH__PASSWORD__PEPPER to"},
		{"second factors without a key", production("LEX_AUTH__MFA__ENABLED=true"), "auth.secret_key is not set, and seals the secrets of authenticator apps (auth.mfa.enabled): set LEX_AUTH__SECRET_KEY to"},
		{"misspelled variable", setup{env: []string{"LEX_AUTH__MFA__ENABELD=true"}}, "unknown variable LEX_AUTH__MFA__ENABELD; did you mean LEX_AUTH__MFA__ENABLED?"},
		{"yes for true", setup{env: []string{"LEX_AUTH__MFA__ENABLED=yes"}}, "LEX_AUTH__MFA__ENABLED must be true or false"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, refused(t, tc.setup), tc.expected)
		})
	}
}

func TestUsedPort(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	said := refused(t, setup{args: []string{"-addr", taken.Addr().String()}})
	assert.Contains(t, said, taken.Addr().String())
	assert.Equal(t, 1, strings.Count(said, "cannot start"), said)
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	first := start(t, setup{})
	key := filepath.Join(first.data, "secret.key")
	for path, expected := range map[string]os.FileMode{
		first.data: 0o700, key: 0o600, filepath.Join(first.data, "example.db"): 0o600, filepath.Join(first.data, "articles.db"): 0o600,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, expected, info.Mode().Perm(), path)
	}
	first.stop()
	for _, bad := range []string{"", "c2hvcnQ=\n", "not base64, although it is long enough to be a secret"} {
		require.NoError(t, os.WriteFile(key, []byte(bad), 0o600))
		said := refused(t, setup{data: first.data})
		assert.Contains(t, said, key)
		if bad != "" {
			assert.NotContains(t, said, strings.TrimSpace(bad))
		}
	}
}

func TestDefaultFolder(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	p := start(t, setup{args: []string{"-data", ""}, env: []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "AppData=" + home}})
	found := ""
	require.NoError(t, filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
		if d.IsDir() && d.Name() == "authmodule-example" {
			found = path
		}
		return err
	}))
	assert.FileExists(t, filepath.Join(found, "example.db"))
	assert.Contains(t, p.stderr.String(), found, "it says where it keeps things")
}

// TestTwoStartsAtOnce starts two programs on one new folder: they share the key, the accounts and the sessions.
func TestTwoStartsAtOnce(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	var both [2]*program
	t.Run("start", func(t *testing.T) {
		for i := range both {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				p := start(t, setup{data: data})
				access, _ := p.tokens("admin@example.com")
				assert.Equal(t, http.StatusOK, p.do("GET", "/admin/users", "", bearer(access)).status)
				p.stop()
				both[i] = p
			})
		}
	})
	third := start(t, setup{data: data})
	access, _ := third.tokens("admin@example.com")
	assert.Equal(t, 2, strings.Count(third.do("GET", "/articles", "", bearer(access)).body, `"id"`), "seeded once")
	assert.Equal(t, 3, strings.Count(third.do("GET", "/admin/users", "", bearer(access)).body, `"id"`), "seeded once")
}

// TestStopsWithConnectionsOpen stops while clients hold connections: one idle, one that has not sent all of its request.
func TestStopsWithConnectionsOpen(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	for _, sent := range []string{"", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+p.port)
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.Write([]byte(sent))
		require.NoError(t, err)
	}
	p.do("GET", "/", "") // all three were accepted before this one was answered
	p.stop()
}
