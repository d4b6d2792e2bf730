package authmodule_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func withFactors(c *authmodule.Config) { c.MFA.Enabled, c.MFA.TrustDays = true, 30 }

// V6.3.5: what is worth a warning to the owner is told: a new device, a right password without the second factor, and failures before a success.
func TestV635SuspiciousLoginsAreTold(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, withFactors)
	user, secret, _ := enrollApp(t, app)
	app.Advance(mfa.Period)
	for range 3 {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: "not the password, but long"})
		require.ErrorIs(t, err, authn.ErrInvalidCredentials)
	}
	require.ErrorIs(t, secondFactor(t, app, user, mfa.NameTOTP, "000000x"), authn.ErrFactorInvalid)
	failed := app.Events(audit.MFAFailed)
	require.Len(t, failed, 1, "the password was right, the code was not")
	assert.Equal(t, user.Subject.ID, failed[0].Subject)
	require.NoError(t, secondFactor(t, app, user, mfa.NameTOTP, appCode(t, app, secret)))
	added := app.Events(audit.DeviceAdded)
	require.Len(t, added, 1)
	assert.Equal(t, user.Subject.ID, added[0].Subject)

	plain := app.User()
	for i := range 2 {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: plain.Email, Password: setting.Secret(fmt.Sprint("not the password, but long ", i))})
		require.Error(t, err)
	}
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: plain.Email, Password: fxtest.Password})
	require.NoError(t, err)
	succeeded := app.Events(audit.LoginSucceeded)
	assert.Equal(t, "2", succeeded[len(succeeded)-1].Detail["failures"])
}

// V6.4.4, V6.4.5: each use of a recovery code is told, with how many are left, to none; the session says that it was by a code, and the app that was lost
// stays until its owner takes it away.
func TestV645RecoveryCodesRunOut(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, withFactors)
	user, _, codes := enrollApp(t, app)
	for _, code := range codes {
		require.NoError(t, secondFactor(t, app, user, mfa.NameRecoveryCode, code))
	}
	used := app.Events(audit.RecoveryCodeUsed)
	require.Len(t, used, mfa.RecoveryCodes)
	for i, e := range used {
		assert.Equal(t, strconv.Itoa(mfa.RecoveryCodes-1-i), e.Detail["left"])
		assert.Equal(t, user.Subject.ID, e.Subject)
	}
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	assert.Equal(t, []string{mfa.NameTOTP}, needed.Demand.Factors, "none is left to be asked for")
}

// V6.5.2, TOTP-05, TOTP-09: what a store holds has neither an app's secret nor a recovery code in it; codes have 120 bits, so that a plain
// hash keeps them, and no two hashes are alike.
func TestV652StoresHoldNoSecrets(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	app := fxtest.NewConfigured(t, withFactors, authmodule.UseFactorStore(func() mfa.FactorStore { return store }))
	seen := map[string]bool{}
	for range 2 {
		user, secret, codes := enrollApp(t, app)
		list, err := store.Factors(t.Context(), user.Subject)
		require.NoError(t, err)
		require.Len(t, list, 2)
		dump, hashes := "", []byte(nil)
		for _, r := range list {
			dump += fmt.Sprintf("%+v %s %x %s", r, r.Data, r.Data, base64.StdEncoding.EncodeToString(r.Data))
			if r.Kind == "recovery" {
				hashes = r.Data
			}
		}
		raw := rawBase32(t, secret.Reveal())
		secrets := []string{secret.Reveal(), string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)}
		for _, code := range codes {
			plain := strings.ReplaceAll(code.Reveal(), "-", "")
			assert.Len(t, plain, 24, "of base32: 120 bits")
			secrets = append(secrets, code.Reveal(), plain, strings.ToUpper(plain), string(rawBase32(t, strings.ToUpper(plain))))
		}
		for _, one := range secrets {
			assert.NotContains(t, dump, one)
		}
		require.Len(t, hashes, 32*len(codes), "SHA-256 of each")
		for at := 0; at < len(hashes); at += 32 {
			assert.False(t, seen[string(hashes[at:at+32])], "two hashes alike")
			seen[string(hashes[at:at+32])] = true
		}
	}
}

// V6.5.8: no caller says what time it is: neither in a call nor in a request.
func TestV658TimeIsTheServers(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{
		reflect.TypeFor[authn.FactorAnswer](), reflect.TypeFor[authn.ChallengeAnswer](), reflect.TypeFor[authn.ContinueRequest](), reflect.TypeFor[mfa.By](),
		reflect.TypeFor[authn.LoginRequest](), reflect.TypeFor[authn.RegisterRequest](), reflect.TypeFor[authn.Client](), reflect.TypeFor[authn.DeviceClaim](),
	} {
		for i := range typ.NumField() {
			field := typ.Field(i)
			assert.NotContains(t, []reflect.Type{reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]()}, field.Type, "%s.%s", typ, field.Name)
			assert.NotRegexp(t, `(?i)^(now|time|at|skew|window|step|counter)$`, field.Name, typ)
		}
	}
	app := fxtest.NewConfigured(t, withFactors, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
	user, secret, _ := enrollApp(t, app)
	app.Advance(mfa.Period)
	old := appCode(t, app, secret)
	app.Advance(10 * mfa.Period)
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	at := app.Now().Add(-10 * mfa.Period)
	body := fmt.Sprintf(`{"challenge":%q,"factor":"totp","code":%q,"now":%d,"time":%q,"skew":20,"window":20}`, needed.Challenge.Reveal(), old.Reveal(), at.Unix(), at.Format(time.RFC3339))
	w := app.Do(webtest.Request("POST", "/auth/login/mfa", body, "Date", at.Format(http.TimeFormat)))
	assert.Equal(t, http.StatusUnauthorized, w.Code, w.Body)
}

// NIST-08: that one factor be enough after an idle timeout may be offered, and is not: a session that was idle for too long is over, and who comes again is asked for both.
func TestNIST08IdleSessionsWantBothFactors(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { withFactors(c); c.Session.TimeoutMinutes = 30 })
	user, secret, _ := enrollApp(t, app)
	app.Advance(mfa.Period)
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Carrier: authn.CarrierCookie})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	grant, err := app.Users.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: mfa.NameTOTP, Code: appCode(t, app, secret)})
	require.NoError(t, err)
	_, err = app.Users.AuthenticateCookie(t.Context(), grant.Cookie, authn.Client{})
	require.NoError(t, err)
	app.Advance(31 * time.Minute)
	_, err = app.Users.AuthenticateCookie(t.Context(), grant.Cookie, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	_, err = app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Carrier: authn.CarrierCookie, Replaces: grant.Cookie})
	require.ErrorAs(t, err, &needed)
}

// NIST-09, STEP-02: whatever a login hands out says no more of it than it proved: its tokens and those refreshed of them, its cookie and the one that takes
// its place; also once the account has proved more elsewhere. An API key that it makes, and who acts as somebody else by it, say nothing.
func TestNIST09NothingSaysMoreThanTheLoginProved(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { withFactors(c); c.HTTP.Impersonation = true },
		authmodule.AddRoles(authz.Role{Name: "admin", Permissions: []string{"*.*"}}))
	target := app.User()
	for name, c := range map[string]struct {
		methods []string
		acr     string
	}{
		"a mailbox":           {[]string{authn.MethodEmail}, authn.ACR0},
		"a password":          {[]string{authn.MethodPassword}, authn.ACR1},
		"a recovery code":     {[]string{authn.MethodPassword, authn.MethodRecovery, authn.MethodMFA}, authn.ACR1},
		"two factors":         {[]string{authn.MethodPassword, authn.MethodOTP, authn.MethodMFA}, authn.ACR2},
		"a mailbox and a key": {[]string{authn.MethodEmail, "hwk", authn.MethodMFA}, authn.ACR1},
	} {
		user, began := app.User("admin"), app.Now()
		holds := func(p authn.Principal, err error) authn.Principal {
			t.Helper()
			require.NoError(t, err, name)
			assert.Equal(t, c.acr, p.ACR, name)
			assert.Equal(t, c.methods, p.Methods, name)
			return p
		}
		byToken := func(g authn.Grant) authn.Principal {
			t.Helper()
			claims, err := app.TokenManager.Verify(t.Context(), g.AccessToken)
			require.NoError(t, err, name)
			assert.Equal(t, []any{c.acr, c.methods}, []any{claims.ACR, claims.Methods}, name)
			assert.WithinDuration(t, began, claims.AuthTime, time.Second, "%s: other readers of the token go by it", name)
			return holds(app.Users.AuthenticateToken(t.Context(), g.AccessToken, authn.Client{}))
		}
		open := func(carrier authn.Carrier) authn.Grant {
			t.Helper()
			grant, err := app.Users.Complete(t.Context(), authn.Proof{Subject: user.Subject, Methods: c.methods, Time: began}, authn.Completion{Carrier: carrier})
			require.NoError(t, err, name)
			return grant
		}
		grant, cookie := open(authn.CarrierToken), open(authn.CarrierCookie)
		p := byToken(grant)
		holds(app.Users.AuthenticateCookie(t.Context(), cookie.Cookie, authn.Client{}))
		renewed, err := app.Users.RenewCookie(t.Context(), cookie.Cookie, authn.Client{})
		require.NoError(t, err, name)
		holds(app.Users.AuthenticateCookie(t.Context(), renewed.Cookie, authn.Client{}))

		key := app.APIKey(p)
		keyed, err := app.APIKeys.Authenticate(t.Context(), setting.Secret(key), authn.Client{})
		require.NoError(t, err)
		assert.Equal(t, []any{"", []string(nil), time.Time{}, time.Time{}}, []any{keyed.ACR, keyed.Methods, keyed.AuthTime, keyed.MFATime}, name)
		acting, err := app.Users.Impersonate(t.Context(), p, target.Subject, authn.Impersonation{Reason: "a call"})
		require.NoError(t, err, name)
		acted, err := app.Users.AuthenticateToken(t.Context(), acting.AccessToken, authn.Client{})
		require.NoError(t, err)
		assert.Equal(t, []any{"", time.Time{}}, []any{acted.ACR, acted.MFATime}, name)

		enrollment, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
		require.NoError(t, err)
		_, err = app.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, appCode(t, app, enrollment.Secret), mfa.By{Keep: grant.Session.ID})
		require.NoError(t, err)
		for range 2 {
			app.Advance(time.Minute)
			if grant, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{}); assert.NoError(t, err, name) {
				byToken(grant)
			}
		}
	}
}
