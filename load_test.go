package authmodule_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

// These tests set variables or the working directory, so none of them runs in parallel.

// inFolder makes the files, given as names and texts in turn, in a new folder and works there for the rest of the test.
func inFolder(t *testing.T, nameAndText ...string) {
	t.Helper()
	t.Setenv("LEX_ENV", "")
	dir := t.TempDir()
	t.Chdir(dir)
	for i := 0; i < len(nameAndText); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, nameAndText[i]), []byte(nameAndText[i+1]), 0o600))
	}
}

// The file of the original's documentation, letter for letter.
const seedFile = `auth:
  jwt:
    secret_key: "${JWT_SECRET_KEY}"
    algorithm: "HS256"
    expiration_hours: 24
  rbac:
    enabled: true
    default_role: "viewer"
  session:
    timeout_minutes: 60
`

func TestLoadSeedFile(t *testing.T) {
	inFolder(t, "application.yaml", seedFile)
	t.Setenv("JWT_SECRET_KEY", "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya")
	cfg, err := authmodule.Load()
	require.NoError(t, err)
	assert.Equal(t, authmodule.ProfileDevelopment, cfg.Profile)
	assert.Equal(t, "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya", cfg.JWT.SecretKey.Reveal())
	assert.Equal(t, "HS256", cfg.JWT.Algorithm)
	assert.Equal(t, 24*time.Hour, cfg.JWT.AccessLifetime())
	assert.True(t, cfg.RBAC.Enabled.Enabled())
	assert.Equal(t, "viewer", cfg.RBAC.DefaultRole)
	assert.Equal(t, time.Hour, cfg.Session.TimeoutMinutes.Duration())
}

func TestLoadSeedVariables(t *testing.T) {
	inFolder(t)
	for name, value := range map[string]string{
		"LEX_AUTH__JWT__SECRET_KEY":                  "your-secret",
		"LEX_AUTH__JWT__ALGORITHM":                   "EdDSA",
		"LEX_AUTH__JWT__ACCESS_TOKEN_EXPIRE_MINUTES": "15",
		"LEX_AUTH__RBAC__ENABLED":                    "false",
		"LEX_AUTH__RBAC__DEFAULT_ROLE":               "guest",
		"LEX_AUTH__SESSION__TIMEOUT_MINUTES":         "5",
	} {
		t.Setenv(name, value)
	}
	cfg, err := authmodule.Load()
	require.NoError(t, err)
	expected := authmodule.Config{Profile: authmodule.ProfileDevelopment, JWT: authn.TokenConfig{SecretKey: "your-secret", Algorithm: "EdDSA", AccessTokenExpireMinutes: 15}}
	expected.RBAC.Enabled, expected.RBAC.DefaultRole, expected.Session.TimeoutMinutes = setting.Off, "guest", 5
	assert.Equal(t, expected, cfg)
}

func TestLoadLayers(t *testing.T) {
	for _, tc := range []struct {
		name, profile, variable string
		files                   []string
		have                    []string
		expected                string
	}{
		{name: "no file", expected: ""},
		{name: "file", have: []string{"application.yaml", "auth: {jwt: {issuer: file}}"}, expected: "file"},
		{name: "other ending", have: []string{"application.yml", "auth: {jwt: {issuer: file}}"}, expected: "file"},
		{name: "overlay of the profile", profile: "production",
			have: []string{"application.yaml", "auth: {jwt: {issuer: file}}", "application.production.yaml", "auth: {jwt: {issuer: overlay}}"}, expected: "overlay"},
		{name: "overlay of development by default",
			have: []string{"application.yaml", "auth: {jwt: {issuer: file}}", "application.development.yml", "auth: {jwt: {issuer: overlay}}"}, expected: "overlay"},
		{name: "overlay of another profile", profile: "staging",
			have: []string{"application.yaml", "auth: {jwt: {issuer: file}}", "application.production.yaml", "auth: {jwt: {issuer: overlay}}"}, expected: "file"},
		{name: "overlay alone", profile: "staging", have: []string{"application.staging.yaml", "auth: {jwt: {issuer: overlay}}"}, expected: "overlay"},
		{name: "variable over all", variable: "variable", have: []string{"application.yaml", "auth: {jwt: {issuer: file}}"}, expected: "variable"},
		{name: "named files in order", profile: "staging", files: []string{"a.yaml", "b.yaml"},
			have: []string{"application.yaml", "auth: {jwt: {issuer: default}}", "a.yaml", "auth: {jwt: {issuer: a}}", "a.staging.yaml", "auth: {jwt: {issuer: overlay}}", "b.yaml", "auth: {jwt: {audience: b}}"}, expected: "overlay"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inFolder(t, tc.have...)
			t.Setenv("LEX_ENV", tc.profile)
			t.Setenv("LEX_AUTH__JWT__ISSUER", tc.variable)
			cfg, err := authmodule.Load(tc.files...)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, cfg.JWT.Issuer)
		})
	}
}

// Defaults of the application's own lose to what a file or a variable says, and are left as they are.
func TestLoadOver(t *testing.T) {
	inFolder(t, "application.yaml", "auth: {mfa: {enabled: false}, rbac: {roles: {editor: {permissions: [articles.write]}}}, jwt: {expiration_hours: 24}}")
	t.Setenv("LEX_AUTH__MFA__TRUST_DAYS", "0")
	t.Setenv("LEX_AUTH__HTTP__HEALTH", "false")
	mine := func() authmodule.Config {
		c := authmodule.Config{Profile: authmodule.ProfileStaging}
		c.MFA.Enabled, c.MFA.TrustDays, c.MFA.Issuer = true, 30, "Mine"
		c.HTTP.Health, c.HTTP.Impersonation, c.JWT.AccessTokenExpireMinutes = true, true, 5
		c.RBAC.Roles = map[string]authz.RoleConfig{"viewer": {Permissions: []string{"articles.read"}}}
		return c
	}
	defaults := mine()
	cfg, err := authmodule.LoadOver(defaults)
	require.NoError(t, err)
	assert.Equal(t, mine(), defaults)
	assert.Equal(t, authmodule.ProfileStaging, cfg.Profile)
	assert.False(t, cfg.MFA.Enabled || cfg.HTTP.Health)
	assert.Zero(t, cfg.MFA.TrustDays)
	assert.Equal(t, "Mine", cfg.MFA.Issuer)
	assert.True(t, cfg.HTTP.Impersonation)
	assert.Equal(t, 24*time.Hour, cfg.JWT.AccessLifetime())
	assert.Len(t, cfg.RBAC.Roles, 2)

	t.Setenv("LEX_AUTH__HTTP__HEALTH", "no")
	cfg, err = authmodule.LoadOver(defaults)
	require.EqualError(t, err, "LEX_AUTH__HTTP__HEALTH must be true or false")
	assert.Zero(t, cfg)
}

// A file that says nothing to this module is said to be read in vain, and a misspelled key is named; overlays may leave everything as it is.
func TestLoadTellsOfFilesWithoutTheKey(t *testing.T) {
	const vain = " has no key auth at its top, so nothing in it is read"
	for name, c := range map[string]struct {
		files    []string
		named    []string
		expected []string
	}{
		"misspelled":         {[]string{"application.yaml", "server: {port: 1}\natuh: {admin_email: a@example.com}\n"}, nil, []string{"application.yaml" + vain + "; line 2 has atuh; did you mean auth?"}},
		"in capitals":        {[]string{"a.yaml", "AUTH: {}\n"}, []string{"a.yaml"}, []string{"a.yaml" + vain + "; line 1 has AUTH; did you mean auth?"}},
		"of somebody else":   {[]string{"a.yaml", "server: {port: 1}\n"}, []string{"a.yaml"}, []string{"a.yaml" + vain}},
		"empty":              {[]string{"a.yaml", "# nothing\n", "b.yaml", "null\n"}, []string{"a.yaml", "b.yaml"}, []string{"a.yaml" + vain, "b.yaml" + vain}},
		"with the key":       {[]string{"a.yaml", "auth:\noauth: {}\n"}, []string{"a.yaml"}, nil},
		"an overlay":         {[]string{"a.yaml", "auth: {}", "a.development.yaml", "server: {port: 2}\n"}, []string{"a.yaml"}, nil},
		"the overlay alone":  {[]string{"application.development.yaml", "server: {port: 2}\n"}, nil, nil},
		"a key with a value": {[]string{"a.yaml", "\"auth canary\": 1\n"}, []string{"a.yaml"}, []string{"a.yaml" + vain}},
	} {
		t.Run(name, func(t *testing.T) {
			inFolder(t, c.files...)
			cfg, err := authmodule.Load(c.named...)
			require.NoError(t, err)
			all := cfg.Warnings()
			others := authmodule.Config{}.Warnings()
			require.Len(t, all, len(c.expected)+len(others))
			assert.ElementsMatch(t, c.expected, all[:len(c.expected)])
		})
	}
}

func TestLoadTwoKeysForOneValue(t *testing.T) {
	inFolder(t, "application.yaml", "auth: {jwt: {expiration_hours: 24}}", "application.staging.yaml", "auth: {jwt: {access_token_expire_minutes: 15}}",
		"both.yaml", "auth:\n  jwt:\n    expiration_hours: 24\n    access_token_expire_minutes: 15\n")
	t.Setenv("LEX_ENV", "staging")
	cfg, err := authmodule.Load()
	require.NoError(t, err)
	assert.Equal(t, 15*time.Minute, cfg.JWT.AccessLifetime())

	_, err = authmodule.Load("both.yaml")
	require.EqualError(t, err, "both.yaml: lines 3 and 4: auth.jwt.expiration_hours and auth.jwt.access_token_expire_minutes set the same value; keep one of them")
}

func TestLoadProblems(t *testing.T) {
	for _, tc := range []struct {
		name, have string
		set        map[string]string
		expected   string
	}{
		{name: "unknown key", have: "auth:\n  jwt:\n    secrt_key: canary\n", expected: "application.yaml: line 3: unknown key auth.jwt.secrt_key; did you mean secret_key?"},
		{name: "variable that is not set", have: seedFile, expected: "application.yaml: line 3: auth.jwt.secret_key: ${JWT_SECRET_KEY} is not set; export it, or write ${JWT_SECRET_KEY:-default}"},
		{name: "value", have: "auth:\n  jwt:\n    access_token_expire_minutes: canary\n", expected: "application.yaml: line 3: auth.jwt.access_token_expire_minutes must be a whole number from 0 to 1000000"},
		{name: "unknown variable", set: map[string]string{"LEX_AUTH__JWT__SECRT_KEY": "canary"}, expected: "unknown variable LEX_AUTH__JWT__SECRT_KEY; did you mean LEX_AUTH__JWT__SECRET_KEY?"},
		{name: "roles in a variable", set: map[string]string{"LEX_AUTH__RBAC__ROLES": "canary"}, expected: "unknown variable LEX_AUTH__RBAC__ROLES: auth.rbac.roles is set in files only"},
		{name: "profile", have: "auth: {nme: 1}", set: map[string]string{"LEX_ENV": "prod"},
			expected: "profile \"prod\" is unknown: set LEX_ENV to development, staging or production\napplication.yaml: line 1: unknown key auth.nme"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inFolder(t, "application.yaml", tc.have)
			t.Setenv("JWT_SECRET_KEY", "")
			for name, value := range tc.set {
				t.Setenv(name, value)
			}
			cfg, err := authmodule.Load("application.yaml")
			require.EqualError(t, err, tc.expected)
			assert.Equal(t, authmodule.Config{}, cfg)
		})
	}
}

func TestLoadMissingNamedFile(t *testing.T) {
	inFolder(t)
	_, err := authmodule.Load("absent.yaml")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Whatever form a secret is given in, and for whatever key, no message shows it.
func TestLoadShowsNoValue(t *testing.T) {
	inFolder(t)
	t.Setenv("SOME_SECRET", canary)
	for _, k := range configurationKeys(t) {
		parts := strings.Split(strings.ReplaceAll(k.Name, "<name>", "editor"), ".")
		for _, value := range []string{canary, "${SOME_SECRET}", "\"${SOME_SECRET}\"", "[" + canary + "]", "[[" + canary + "]]", "{" + canary + ": x}", "{a: " + canary + "}", "*" + canary, "&" + canary, "!" + canary + " x", "|\n  " + canary, "\"" + canary, "'" + canary, "${" + canary, "{x:" + canary + "}"} {
			text := strings.Join(parts, ": {") + ": " + value + strings.Repeat("}", len(parts)-1)
			require.NoError(t, os.WriteFile("application.yaml", []byte(text), 0o600))
			cfg, err := authmodule.Load()
			if err != nil && value != "{"+canary+": x}" { // the name of a key is shown
				assert.NotContains(t, err.Error(), canary, text)
			}
			if err := cfg.Validate(); err != nil {
				assert.NotContains(t, err.Error(), canary, text)
			}
		}
	}
	require.NoError(t, os.Remove("application.yaml"))
	for _, k := range configurationKeys(t) {
		if k.Variable == "" {
			continue
		}
		t.Setenv(k.Variable, canary)
		cfg, err := authmodule.Load()
		if err == nil {
			err = cfg.Validate()
		}
		if err != nil {
			assert.NotContains(t, err.Error(), canary, k.Variable)
		}
		t.Setenv(k.Variable, "")
	}
}

// However often a file is read, it means the same; and what Validate says does not change with the defaults filled in.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{seedFile, "", "auth:", "auth: {rbac: {roles: {editor: {inherits: [viewer], permissions: [articles.write]}}}}",
		"auth: {http: {trusted_proxies: [10.0.0.0/8], prefix: /x}, registration: open, store: {driver: sqlite, dsn: \"${X:-file:a}\"}}", "a: &a {b: *a}\nauth: *a"} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "application.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(file, data, 0o600))
		first, err := authmodule.Load(file)
		if err != nil {
			require.Equal(t, authmodule.Config{}, first)
			return
		}
		second, err := authmodule.Load(file)
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Equal(t, first.Validate() == nil, first.WithDefaults().Validate() == nil)
		_ = first.Warnings()
	})
}
