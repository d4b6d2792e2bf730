package authmodule_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// blabbing is what an application supplies, telling in a panic all that it was given.
type blabbing struct {
	*memstore.Store
	panics atomic.Bool
}

func (b *blabbing) tell(given ...string) {
	if b.panics.Load() {
		panic(fmt.Errorf("cannot do it with %s", strings.Join(given, " ")))
	}
}

func (b *blabbing) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	hash, err := b.Store.PasswordHash(ctx, s)
	b.tell(hash)
	return hash, err
}

func (b *blabbing) SetPasswordHash(ctx context.Context, s authn.Subject, hash string) error {
	b.tell(hash)
	return b.Store.SetPasswordHash(ctx, s, hash)
}

func (b *blabbing) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, hash []byte, now time.Time) (authn.OneTime, error) {
	r, err := b.Store.ConsumeOneTime(ctx, t, purpose, id, hash, now)
	b.tell(string(hash), r.Value, string(r.SecretHash))
	return r, err
}

func (b *blabbing) Factors(ctx context.Context, s authn.Subject) ([]mfa.Record, error) {
	list, err := b.Store.Factors(ctx, s)
	for _, r := range list {
		b.tell(string(r.Data))
	}
	return list, err
}

func (b *blabbing) CheckPassword(_ context.Context, n authn.NewPassword) error {
	b.tell(n.Password.Reveal())
	return nil
}

// V16.2.5, V16.5.4: what the application supplies may panic with a secret; neither a log nor an answer repeats it. The
// texts of its errors are logged, as its own words: what implements a port puts no secret into them.
func TestCanaryOfPanics(t *testing.T) {
	t.Parallel()
	b := &blabbing{Store: memstore.New()}
	c := newCanary(t, func(*authmodule.Config) {},
		authmodule.UseOneTimeStore(func() authn.OneTimeStore { return b }), authmodule.UseFactorStore(func() mfa.FactorStore { return b }),
		authmodule.AddPasswordCheck(func() authn.PasswordCheck { return b }))
	c.troubled(b)
	c.verdict()
}

// troubled takes the canary to what blabs.
func (c *canaryApp) troubled(b *blabbing) {
	c.t.Helper()
	c.account("ada@example.com")
	secret, _, codes := c.app(c.bearer("ada@example.com"))
	challenge := c.login("ada@example.com", nil)["challenge"]
	list, err := b.Store.Factors(c.t.Context(), c.subject("ada@example.com"))
	require.NoError(c.t, err)
	for _, r := range list {
		c.keep("sealed or hashed", string(r.Data))
	}
	b.panics.Store(true)
	const word = "cAnArY-blab-70d4e9c3a1b2f586 of nobody"
	c.keep("password", word)
	for _, r := range []*http.Request{
		webtest.Request("POST", "/auth/register", credentialsOf("bob@example.com", word)),
		webtest.Request("POST", "/auth/login", credentialsOf("ada@example.com", canaryWord)),
		webtest.Request("POST", "/auth/login/mfa", fmt.Sprintf(`{"challenge":%q,"factor":"totp","code":%q}`, challenge, c.code(secret))),
		webtest.Request("POST", "/auth/login/mfa", fmt.Sprintf(`{"challenge":%q,"factor":"recovery_code","code":%q}`, challenge, codes[0])),
		webtest.Request("POST", "/auth/login/continue", fmt.Sprintf(`{"continuation":%q}`, challenge)),
	} {
		w := c.send(r)
		require.GreaterOrEqual(c.t, w.Code, http.StatusBadRequest, "%s: %s", r.URL.Path, w.Body)
	}
	b.panics.Store(false)
	c.login("ada@example.com", nil)
}

func (c *canaryApp) subject(email string) authn.Subject {
	c.t.Helper()
	user, err := c.Users.UserByEmail(c.t.Context(), "", email)
	require.NoError(c.t, err)
	return user.Subject
}

// V16.2.5: what fmt makes of a service has no secret. The application has stopped, as fmt reads what running services change. Verbs that are not
// for structs are left out: for them fmt follows pointers, into whatever store there is.
func TestCanaryOfServices(t *testing.T) {
	t.Parallel()
	var c *canaryApp
	t.Run("run", func(t *testing.T) {
		c = newCanary(t, func(*authmodule.Config) {})
		c.account("ada@example.com")
	})
	require.NotNil(t, c)
	c.t = t
	hasher, err := authn.NewHasher(authn.PasswordConfig{Pepper: canaryPepper, PreviousPeppers: []setting.Secret{canaryOld}, MemoryKiB: 64, Iterations: 1})
	require.NoError(t, err)
	policy, err := authn.NewPasswordPolicy(c.cfg.Password)
	require.NoError(t, err)
	services := []any{
		c.Users, c.MFA, c.TokenManager, c.SessionManager, c.AuthorizationService, c.APIKeys, c.Throttle, c.auth, c.AdminSetup(), *c.AdminSetup(), hasher, *hasher, policy, *policy,
	}
	for _, service := range services {
		c.print("a service", service, "%v", "%+v", "%#v")
		c.logger().Info("a service", "value", service)
	}
	c.verdict()
}
