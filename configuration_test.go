package authmodule_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/internal/layer"
)

func configurationKeys(t *testing.T) []layer.Key {
	t.Helper()
	cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}.WithDefaults()
	keys, err := layer.Keys(&cfg, "auth", "LEX_AUTH")
	require.NoError(t, err)
	return keys
}

// The keys and variables of the original's documentation, letter for letter.
func TestSeedNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range configurationKeys(t) {
		names = append(names, k.Name, k.Variable)
	}
	for _, expected := range []string{
		"auth.jwt.secret_key", "auth.jwt.algorithm", "auth.jwt.expiration_hours", "auth.jwt.access_token_expire_minutes",
		"auth.rbac.enabled", "auth.rbac.default_role", "auth.session.timeout_minutes",
		"LEX_AUTH__JWT__SECRET_KEY", "LEX_AUTH__JWT__ALGORITHM", "LEX_AUTH__JWT__ACCESS_TOKEN_EXPIRE_MINUTES",
		"LEX_AUTH__RBAC__ENABLED", "LEX_AUTH__RBAC__DEFAULT_ROLE", "LEX_AUTH__SESSION__TIMEOUT_MINUTES",
		"auth.secret_key", "auth.jwt.private_key_file", "auth.jwt.issuer", "auth.jwt.audience", "auth.jwt.refresh_token_expire_days",
		"auth.store.driver", "auth.store.dsn", "auth.store.migrate", "auth.registration", "auth.admin_email",
	} {
		assert.Contains(t, names, expected)
	}
}

// docs/configuration.md has exactly one row for each key, with its variable, its default and a meaning.
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/configuration.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| `auth.") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 4 || cells[3] == "accepted" || cells[3] == "refused" {
			continue // the table of profiles
		}
		key := strings.Trim(cells[0], "`")
		assert.NotContains(t, rows, key, "two rows for one key")
		rows[key] = cells[1:]
	}
	for _, k := range configurationKeys(t) {
		row := rows[k.Name]
		delete(rows, k.Name)
		if assert.NotNil(t, row, "%s has no row", k.Name) {
			assert.Equal(t, k.Variable, strings.Trim(row[0], "`"), k.Name)
			assert.Equal(t, k.Value, strings.Trim(row[1], "`"), k.Name)
			assert.NotEmpty(t, row[2], "%s has no meaning", k.Name)
		}
	}
	assert.Empty(t, rows, "rows without a key")
}

// V6.1.1: docs/throttling.md names every key of the throttle, with the default that the code has, and says how owners are not locked out.
func TestV611ThrottlingPage(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	page := document(t, "docs/throttling.md")
	for line := range strings.Lines(page) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `auth.") && len(cells) == 6 {
			rows[strings.Trim(cells[1], " `")] = strings.Trim(cells[2], " `")
		}
	}
	expected := map[string]string{}
	for _, k := range configurationKeys(t) {
		if k.Name == "auth.login_rate_limit" || strings.HasPrefix(k.Name, "auth.throttle.") {
			expected[k.Name] = k.Value
		}
	}
	assert.NotEmpty(t, expected)
	assert.Equal(t, expected, rows)
	assert.Contains(t, page, "\n## Who is kept out\n")
}

// V6.1.2: docs/passwords.md names the words that are refused in this context, and every other key of the policy.
func TestV612PasswordsPage(t *testing.T) {
	t.Parallel()
	page := document(t, "docs/passwords.md")
	for _, k := range configurationKeys(t) {
		if key, is := strings.CutPrefix(k.Name, "auth.password."); is {
			group, _, _ := strings.Cut(key, ".")
			assert.True(t, strings.Contains(page, k.Name) || strings.Contains(page, "`"+key+"`") || group != key && strings.Contains(page, "auth.password."+group), "%s is not named", k.Name)
		}
	}
	assert.Contains(t, page, "`auth.password.words`")
}
