package authmodule_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// noMail takes codes and sends none.
type noMail struct{}

func (noMail) SendCode(context.Context, authn.User, setting.Secret) error { return nil }

// enrollApp makes an account with an authenticator app, and returns its secret and its recovery codes.
func enrollApp(t *testing.T, app *fxtest.App) (authn.User, setting.Secret, []setting.Secret) {
	t.Helper()
	user := app.User()
	enrollment, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
	require.NoError(t, err)
	codes, err := app.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, appCode(t, app, enrollment.Secret), mfa.By{})
	require.NoError(t, err)
	return user, enrollment.Secret, codes
}

func appCode(t *testing.T, app *fxtest.App, secret setting.Secret) setting.Secret {
	t.Helper()
	code, err := totp.GenerateCode(secret.Reveal(), app.Now())
	require.NoError(t, err)
	return setting.Secret(code)
}

// secondFactor logs in by the password and then by the code, and trusts the device.
func secondFactor(t *testing.T, app *fxtest.App, user authn.User, factor string, code setting.Secret) error {
	t.Helper()
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	_, err = app.Users.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: factor, Code: code, Trust: true})
	return err
}

// The application's own store keeps the factors, also beside another driver.
func TestUseFactorStore(t *testing.T) {
	t.Parallel()
	own := memstore.New()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true }, authmodule.UseFactorStore(func() *memstore.Store { return own }))
	user, _, _ := enrollApp(t, app)
	list, err := own.Factors(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 2, "the app and the recovery codes")
	err = build(authmodule.Stub(), authmodule.UseFactorStore(func() *memstore.Store { return own }))
	assert.ErrorContains(t, err, "FactorStore")
	assert.ErrorContains(t, err, "mfa_test.go")
}

// What cannot work is refused at the start, with the key and the variable.
func TestMFAConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*authmodule.Config)
		expected string
	}{
		"no secret":        {func(c *authmodule.Config) { c.MFA.Enabled, c.Store.Driver, c.Store.DSN = true, "sqlite", "auth.db" }, "auth.secret_key is not set"},
		"digits":           {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.Digits = true, 7 }, "LEX_AUTH__MFA__DIGITS"},
		"trust":            {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.TrustDays = true, 1000 }, "LEX_AUTH__MFA__TRUST_DAYS"},
		"tenant":           {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.RequireTenants = true, []string{"A b"} }, "LEX_AUTH__MFA__REQUIRE_TENANTS"},
		"required and off": {func(c *authmodule.Config) { c.MFA.Require = mfa.RequireEverybody }, "LEX_AUTH__MFA__ENABLED"},
	} {
		cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}
		c.change(&cfg)
		assert.ErrorContains(t, cfg.Validate(), c.expected, name)
	}
	assert.ErrorContains(t, build(authmodule.Stub(func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, true })), "sender")
	assert.NoError(t, build(authmodule.Stub(func(c *authmodule.Config) { c.MFA.Enabled = true })))
}

// V6.5.1, V6.5.6, TOTP-02: of a hundred answers at once on three nodes of one database one wins, and a factor that one node removes is refused by the others.
func TestFactorsOfSeveralNodes(t *testing.T) {
	t.Parallel()
	dsn := setting.Secret(sqlitetest.Path(t))
	var nodes []*fxtest.App
	for range 3 {
		nodes = append(nodes, fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.MFA.Enabled, c.SecretKey, c.Store.Driver, c.Store.DSN = true, goodSecret, "sqlite", dsn
			c.LoginRateLimit, c.Throttle.PairRateLimit = "100000/second", "100000/second"
		}))
	}
	user, secret, _ := enrollApp(t, nodes[0])
	at := nodes[0].Now().Add(mfa.Period)
	for _, node := range nodes {
		node.Advance(at.Sub(node.Now()))
	}
	code := appCode(t, nodes[0], secret)
	query := authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject, Methods: []string{"pwd"}}, User: user}
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 99 {
		wg.Go(func() {
			_, err := nodes[i%3].MFA.Redeem(context.Background(), query, authn.FactorAnswer{Factor: mfa.NameTOTP, Code: code})
			if err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())

	own, err := nodes[1].MFA.Overview(t.Context(), user.Subject)
	require.NoError(t, err)
	require.NoError(t, nodes[1].MFA.Remove(t.Context(), user.Subject, own.Factors[0].ID, mfa.By{}))
	for _, node := range nodes {
		node.Advance(mfa.Period)
		_, err := node.MFA.Redeem(t.Context(), query, authn.FactorAnswer{Factor: mfa.NameTOTP, Code: appCode(t, node, secret)})
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
	}
}

// Whose role inherits one that demands a second factor must have one as well.
func TestMFAOfInheritedRoles(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.MFA.RequireRoles = true, []string{"admin"}
		c.RBAC.Roles = map[string]authz.RoleConfig{"owner": {Inherits: []string{"admin"}}}
	})
	user := app.User()
	login := func() error {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
		return err
	}
	require.NoError(t, login())
	require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "owner"))
	var needed *authn.MFARequiredError
	require.ErrorAs(t, login(), &needed)
	assert.True(t, needed.Demand.Enroll)
}

// TestMFAOfRolesThatAreNotDefined has a misspelled role said at start, since it would demand nothing of anybody.
func TestMFAOfRolesThatAreNotDefined(t *testing.T) {
	t.Parallel()
	text := &syncBuffer{}
	fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.MFA.RequireRoles = true, []string{"admin", "owner", "audtior"}
		c.RBAC.Roles = map[string]authz.RoleConfig{"owner": {}}
	}, fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(text, nil)) }))
	said := text.String()
	assert.Equal(t, 1, strings.Count(said, "auth.mfa.require_roles names a role that is not defined"), said)
	assert.Contains(t, said, "role=audtior")
	assert.Contains(t, said, "LEX_AUTH__MFA__REQUIRE_ROLES")
}

// Principals for tests are of a second factor too, so that a test need not enroll one where it is demanded.
func TestPrincipalsWhereMFAIsDemanded(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.Require = true, mfa.RequireEverybody })
	assert.Equal(t, []string{"pwd", "otp", "mfa"}, app.Principal().Methods)
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: app.User().Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	assert.True(t, needed.Demand.Enroll)
}
