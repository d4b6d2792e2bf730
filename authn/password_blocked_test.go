package authn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/commonpasswords"
	"github.com/authmodule/authmodule/setting"
)

// V6.2.4: of the list, everything that is long enough to be chosen is refused, for either length.
func TestV624CommonPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	policy := newPolicy(t, authn.PasswordConfig{})
	list, err := commonpasswords.Load()
	require.NoError(t, err)
	refused := map[bool]int{}
	for _, password := range list.All() {
		for _, always := range []bool{false, true} {
			for _, spelling := range []string{password, strings.ToUpper(password)} {
				got := codes(t, policy.Check(t.Context(), authn.NewPassword{Password: setting.Secret(spelling), AlwaysMFA: always}))
				require.Contains(t, got, "common", password)
			}
			if always || len(password) >= 15 {
				refused[always]++
			}
		}
	}
	assert.GreaterOrEqual(t, refused[false], 3000, "of at least 15 characters")
	assert.GreaterOrEqual(t, refused[true], 3000, "of at least 8 characters")
	without := newPolicy(t, authn.PasswordConfig{CommonPasswords: setting.Off})
	require.NoError(t, without.Check(t.Context(), authn.NewPassword{Password: "1qaz2wsx3edc4rfv"}))
}

// NIST-04: the whole password is compared, never a part of it.
func TestNIST04PartsOfAPasswordAreNotBlocked(t *testing.T) {
	t.Parallel()
	policy := newPolicy(t, authn.PasswordConfig{Words: []string{"Globex Corporation"}})
	for _, have := range []setting.Secret{
		"passwordpassword1!", "1qaz2wsx3edc4rfv ", " 1qaz2wsx3edc4rfv", "1qaz2wsx3edc4rfv1qaz2wsx3edc4rfv", "the globex corporation", "Globex Corporation 1",
		"ada.lovelace@example.comm", "my ada.lovelace@example.com",
	} {
		n := authn.NewPassword{Password: have, Email: "ada.lovelace@example.com"}
		assert.NoError(t, policy.Check(t.Context(), n), have.Reveal())
	}
}

// V6.2.11: what belongs to the account or the application is no password.
func TestV6211ContextWordsAreRefused(t *testing.T) {
	t.Parallel()
	policy := newPolicy(t, authn.PasswordConfig{Words: []string{"Globex Corporation", "", "Caf\u00e9 Globex International"}})
	account := authn.NewPassword{
		Tenant: "a-tenant-with-a-long-name", Email: "augusta.ada.lovelace+news@mail.analytical-engines.example.com", Words: []string{"Augusta Ada King"},
	}
	for _, have := range []setting.Secret{
		"globex corporation", "GLOBEX CORPORATION", "cafe\u0301 globex international", "a-tenant-with-a-long-name", "A-Tenant-With-A-Long-Name", "augusta ada king",
		"augusta.ada.lovelace+news@mail.analytical-engines.example.com", "augusta.ada.lovelace+news", "Augusta.Ada.Lovelace",
		"mail.analytical-engines.example.com", "analytical-engines.example.com", "analytical-engines",
	} {
		account.Password = have
		assert.Equal(t, []string{"context_word"}, codes(t, policy.Check(t.Context(), account)), have.Reveal())
	}
	account.Password = "augusta.ada.lovelace@mail"
	require.NoError(t, policy.Check(t.Context(), account))
	require.NoError(t, policy.Check(t.Context(), authn.NewPassword{Password: "augusta ada king"}), "another account's name is no word of this one")
}
