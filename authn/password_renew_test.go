package authn_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// outdated are hashes of ownPassword that other systems made, or this one at another cost.
func outdated() map[string]string {
	return map[string]string{
		"bcrypt":                      "$2b$04$yyeG15gsNNTaxR6IsT27FOS7zDmeMmKv043fOCBgPBpTiJQgE7SLO",
		"Django's mark before bcrypt": "bcrypt$$2b$04$yyeG15gsNNTaxR6IsT27FOS7zDmeMmKv043fOCBgPBpTiJQgE7SLO",
		"PBKDF2":                      "$pbkdf2-sha256$1000$M2YM4by31ro35twb47z3vg$g9kl1MLp6DP0zUcOT6YzxiU5tEyqu0P5nUlNzr2hWM8",
		"scrypt":                      "$scrypt$ln=4,r=8,p=1$DmEMwRjjXOv9v3dube3duw$aHHNyyt0dStMu9hf2hup7h9LQhhF/kSFbDTZKxMERX4",
		"argon2id with a shorter key": "$argon2id$v=19$m=64,t=1,p=1$Vap1rpUyhlBKqdWak9L6Pw$m4cv2rrkRmZ/BONLoOqJAg",
		"argon2i":                     "$argon2i$v=19$m=64,t=1,p=1$hRDiPAegVIqR8h7j3PtfCw$cX/5wSMfWkziSh5csx232A",
		"argon2id at a lower cost":    "$argon2id$v=19$m=32,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$",
	}
}

var ada = authn.Subject{Tenant: "acme", ID: "ada"}

// withHash has ada with a stored hash.
func withHash(t testing.TB, cfg authn.PasswordConfig, hash string) *authn.Passwords {
	t.Helper()
	p, _ := newPasswords(t)
	p.Hasher = newTestHasher(t, cfg)
	require.NoError(t, p.Hashes.SetPasswordHash(t.Context(), ada, hash))
	return p
}

func keptHash(t testing.TB, p *authn.Passwords) string {
	t.Helper()
	hash, err := p.Hashes.PasswordHash(t.Context(), ada)
	require.NoError(t, err)
	return hash
}

func login(t testing.TB, p *authn.Passwords, password setting.Secret) error {
	t.Helper()
	_, err := p.Check(t.Context(), "acme", "ada@example.com", password)
	return err
}

// V11.4.2: an outdated hash is replaced at the first login that proves the password, and by no other.
func TestV1142OutdatedHashesAreReplacedAtLogin(t *testing.T) {
	t.Parallel()
	for name, old := range outdated() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasSuffix(old, "$") {
				var err error
				old, err = newTestHasher(t, authn.PasswordConfig{MemoryKiB: 32, Iterations: 1}).Hash(t.Context(), ownPassword)
				require.NoError(t, err)
			}
			p := withHash(t, peppered(firstPepper), old)
			require.NoError(t, p.Hasher.Usable(old))
			require.ErrorIs(t, login(t, p, ownPassword+"x"), authn.ErrInvalidCredentials)
			require.Equal(t, old, keptHash(t, p))
			require.NoError(t, login(t, p, ownPassword))
			renewed := keptHash(t, p)
			require.True(t, strings.HasPrefix(renewed, "$argon2id$v=19$m=64,t=1,p=1,keyid="), renewed)
			require.NoError(t, login(t, p, ownPassword))
			require.Equal(t, renewed, keptHash(t, p), "a hash that is up to date stays")
			require.ErrorIs(t, login(t, p, ownPassword+"x"), authn.ErrInvalidCredentials)
		})
	}
}

// Item 35: accounts whose hash has another form than the one that is verified could do nothing with their password.
func TestItem35EveryUsableHashIsVerified(t *testing.T) {
	t.Parallel()
	p := withHash(t, cheap, outdated()["bcrypt"])
	require.NoError(t, login(t, p, ownPassword))
}

// A password that another system hashed without normalising it is found in the form in which it is typed.
func TestImportedHashesOfUnnormalisedPasswords(t *testing.T) {
	t.Parallel()
	const decomposed, composed = "cafe\u0301 correct horse", "caf\u00e9 correct horse"
	p := withHash(t, cheap, "$2b$04$O3cOjKnd5HCrSn2UXEhMcOgDeuhDf3WlFUIwxxyB71t93SQomWaEq")
	require.ErrorIs(t, login(t, p, composed), authn.ErrInvalidCredentials)
	require.NoError(t, login(t, p, decomposed))
	require.NoError(t, login(t, p, composed), "from then on it is normalised (NIST-02)")
}

// racingHashes changes the password between the check of the old one and the renewal of its hash.
type racingHashes struct {
	authn.PasswordStore
	once   sync.Once
	change func()
	err    error
}

func (r *racingHashes) ReplacePasswordHash(ctx context.Context, s authn.Subject, old, hash string) error {
	r.once.Do(r.change)
	if r.err != nil {
		return r.err
	}
	return r.PasswordStore.ReplacePasswordHash(ctx, s, old, hash)
}

// A password that is changed while its old one logs in stays changed.
func TestRenewalDoesNotUndoAChange(t *testing.T) {
	t.Parallel()
	p := withHash(t, cheap, outdated()["bcrypt"])
	changed, err := p.Hasher.Hash(t.Context(), "another correct horse battery staple")
	require.NoError(t, err)
	store := p.Hashes
	p.Hashes = &racingHashes{PasswordStore: store, change: func() { assert.NoError(t, store.SetPasswordHash(t.Context(), ada, changed)) }}
	require.NoError(t, login(t, p, ownPassword))
	require.Equal(t, changed, keptHash(t, p))
	require.ErrorIs(t, login(t, p, ownPassword), authn.ErrInvalidCredentials)
}

// TIM-01: the right password of an account that is disabled costs what a wrong one does: nothing is hashed anew for it.
func TestRenewalIsForActiveAccounts(t *testing.T) {
	t.Parallel()
	p := withHash(t, cheap, outdated()["bcrypt"])
	user, err := p.Users.UserByID(t.Context(), ada)
	require.NoError(t, err)
	user.DisabledAt = time.Now()
	require.NoError(t, p.Users.UpdateUser(t.Context(), user))
	require.NoError(t, login(t, p, ownPassword), "the service refuses it")
	require.Equal(t, outdated()["bcrypt"], keptHash(t, p))
}

// A login stands, whatever becomes of the renewal.
func TestRenewalMayFail(t *testing.T) {
	t.Parallel()
	p := withHash(t, cheap, outdated()["bcrypt"])
	p.Hashes = &racingHashes{PasswordStore: p.Hashes, change: func() {}, err: assert.AnError}
	require.NoError(t, login(t, p, ownPassword))
	require.Equal(t, outdated()["bcrypt"], keptHash(t, p))
}

// TIM-01: a hash that was made with a lost pepper costs what others cost, and answers alike.
func TestTIM01UnusableHashCostsADecoy(t *testing.T) {
	t.Parallel()
	hash, err := newTestHasher(t, peppered(firstPepper)).Hash(t.Context(), ownPassword)
	require.NoError(t, err)
	p := withHash(t, peppered(secondPepper), hash)
	require.ErrorIs(t, login(t, p, ownPassword), authn.ErrInvalidCredentials)
	p.Hasher = newPool(t, 1, 1)
	defer p.Hasher.HoldWorker()()
	defer fillQueue(t, p.Hasher, 1)()
	require.ErrorIs(t, login(t, p, ownPassword), authn.ErrOverloaded, "it would have been hashed")
}
