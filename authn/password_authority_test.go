package authn_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const ownPassword = "correct horse battery staple"

// newPasswords has ada with a password, bob without, and eve with a hash that cannot be used.
func newPasswords(t testing.TB) (*authn.Passwords, *bytes.Buffer) {
	t.Helper()
	store, hasher, log := memstore.New(), newTestHasher(t, cheap), &bytes.Buffer{}
	hash, err := hasher.Hash(t.Context(), ownPassword)
	require.NoError(t, err)
	for name, hash := range map[string]string{"ada": hash, "bob": "", "eve": "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5"} {
		subject := authn.Subject{Tenant: "acme", ID: name}
		require.NoError(t, store.CreateUser(t.Context(), authn.User{Subject: subject, Email: name + "@example.com", Version: 1}))
		if hash != "" {
			require.NoError(t, store.SetPasswordHash(t.Context(), subject, hash))
		}
	}
	now := (&tokenClock{now: tokenEpoch}).Now
	return &authn.Passwords{Users: store, Hashes: store, Hasher: hasher, Log: slog.New(slog.NewTextHandler(log, nil)), Now: now}, log
}

func TestPasswordsCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, email string
		tenant      authn.Tenant
		password    setting.Secret
		expected    error
	}{
		{"right", "ada@example.com", "acme", ownPassword, nil},
		{"wrong", "ada@example.com", "acme", "correct horse battery stapler", authn.ErrInvalidCredentials},
		{"empty", "ada@example.com", "acme", "", authn.ErrInvalidCredentials},
		{"V6.2.8 trailing space", "ada@example.com", "acme", ownPassword + " ", authn.ErrInvalidCredentials},
		{"V6.2.8 NUL behind", "ada@example.com", "acme", ownPassword + "\x00", authn.ErrInvalidCredentials},
		{"V6.2.8 other case", "ada@example.com", "acme", "Correct horse battery staple", authn.ErrInvalidCredentials},
		{"too long to hash", "ada@example.com", "acme", setting.Secret(strings.Repeat("x", 4097)), authn.ErrInvalidCredentials},
		{"too long, unknown account", "nobody@example.com", "acme", setting.Secret(strings.Repeat("x", 4097)), authn.ErrInvalidCredentials},
		{"unknown account", "nobody@example.com", "acme", ownPassword, authn.ErrNotMine},
		{"account of another tenant", "ada@example.com", "globex", ownPassword, authn.ErrNotMine},
		{"account of no tenant", "ada@example.com", "", ownPassword, authn.ErrNotMine},
		{"account without a password", "bob@example.com", "acme", "", authn.ErrNotMine},
		{"account without a password, the decoy's", "bob@example.com", "acme", "decoy", authn.ErrNotMine},
		{"unusable hash", "eve@example.com", "acme", ownPassword, authn.ErrInvalidCredentials},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			passwords, log := newPasswords(t)
			proof, err := passwords.Check(t.Context(), tc.tenant, tc.email, tc.password)
			require.ErrorIs(t, err, tc.expected)
			assert.NotContains(t, log.String(), "correct horse")
			assert.NotContains(t, log.String(), "$argon2id")
			if tc.expected != nil {
				assert.Empty(t, proof.Methods, "a refusal proves nothing")
				assert.Zero(t, proof.Time)
				return
			}
			assert.Equal(t, authn.Proof{
				Subject: authn.Subject{Tenant: "acme", ID: "ada"}, Methods: []string{"pwd"}, Time: tokenEpoch,
			}, proof)
		})
	}
}

// Whoever is asked for, an overloaded pool answers alike: the answer tells no accounts.
func TestPasswordsOverloadedTellsNothing(t *testing.T) {
	t.Parallel()
	passwords, _ := newPasswords(t)
	passwords.Hasher = newPool(t, 1, 1)
	defer passwords.Hasher.HoldWorker()()
	defer fillQueue(t, passwords.Hasher, 1)()
	for _, name := range []string{"ada", "bob", "eve", "nobody"} {
		_, err := passwords.Check(t.Context(), "acme", name+"@example.com", ownPassword)
		require.ErrorIs(t, err, authn.ErrOverloaded, name)
	}
}

// A store that cannot answer is neither a wrong password nor an unknown account.
func TestPasswordsFailWithTheStore(t *testing.T) {
	t.Parallel()
	passwords, _ := newPasswords(t)
	passwords.Hashes = brokenHashes{passwords.Hashes}
	_, err := passwords.Check(t.Context(), "acme", "ada@example.com", ownPassword)
	require.ErrorIs(t, err, assert.AnError)
	require.NotErrorIs(t, err, authn.ErrInvalidCredentials)
	require.NotErrorIs(t, err, authn.ErrNotMine)
}

type brokenHashes struct{ authn.PasswordStore }

func (brokenHashes) PasswordHash(context.Context, authn.Subject) (string, error) {
	return "", assert.AnError
}
