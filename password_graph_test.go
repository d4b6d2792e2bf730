package authmodule_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// passwordApp is an application with a password policy of its own.
func passwordApp(t *testing.T, change func(*authmodule.Config), options ...fx.Option) *authn.Service {
	t.Helper()
	var users *authn.Service
	app := fx.New(fx.NopLogger, authmodule.Stub(change), fx.Populate(&users), fx.Options(options...))
	require.NoError(t, app.Start(t.Context()))
	t.Cleanup(func() { assert.NoError(t, app.Stop(context.Background())) })
	return users
}

func requireCode(t *testing.T, users *authn.Service, email string, password setting.Secret, code string) {
	t.Helper()
	_, err := users.CreateUser(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	if code == "" {
		require.NoError(t, err)
		return
	}
	var field *authn.FieldError
	require.ErrorAs(t, err, &field)
	require.Equal(t, code, field.Code)
}

// V6.2.4, V6.2.11, V6.2.12: what is configured holds where accounts are made.
func TestPasswordPolicyReachesRegistration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "breached.txt")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "%X:3\n", sha1.Sum([]byte("a breached password of some length"))), 0o600))
	users := passwordApp(t, func(c *authmodule.Config) {
		c.Password.Words, c.JWT.Issuer, c.Password.Breach.File = []string{"Globex Corporation"}, "the login of globex", file
		c.Password.Composition.Digits = 0
	}, authmodule.AddPasswordCheck(func() authn.PasswordCheck { return refusing("the horse in the field") }))
	for password, code := range map[setting.Secret]string{
		"1qaz2wsx3edc4rfv": "common", "globex corporation": "context_word", "The Login of Globex": "context_word", "ada.lovelace@globex.example": "context_word",
		"a breached password of some length": "breached", "the horse in the field": "horse", "fourteen lette": "too_short", "correct horse battery staple": "",
	} {
		requireCode(t, users, "ada.lovelace@globex.example", password, code)
	}
}

type refusing setting.Secret

func (r refusing) CheckPassword(_ context.Context, n authn.NewPassword) error {
	if n.Password != setting.Secret(r) {
		return nil
	}
	return &authn.FieldError{Field: "password", Code: "horse", Problem: "is no password"}
}

// V6.2.12: the application's own client asks, and an outage is what the configuration says.
func TestBreachesAreAskedByTheApplicationsClient(t *testing.T) {
	t.Parallel()
	asked := 0
	client := &http.Client{Transport: tripFunc(func(r *http.Request) (*http.Response, error) {
		asked++
		assert.Equal(t, "breached.example", r.URL.Host)
		return nil, assert.AnError
	})}
	for outage, expected := range map[authn.BreachOutage]error{authn.BreachClosed: authn.ErrBreachUnavailable, authn.BreachOpen: nil} {
		users := passwordApp(t, func(c *authmodule.Config) {
			c.Password.Breach = authn.BreachConfig{Online: true, URL: "https://breached.example/range/", OnOutage: outage}
		}, authmodule.UseHTTPClient(func() *http.Client { return client }))
		_, err := users.CreateUser(t.Context(), authn.RegisterRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
		require.ErrorIs(t, err, expected)
	}
	assert.Equal(t, 2, asked)
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// V11.4.2, NIST-05: an imported hash logs in, and is peppered from then on; without the pepper it is worth nothing.
func TestImportedHashLogsInAndIsPeppered(t *testing.T) {
	t.Parallel()
	const bcrypt = "$2b$04$yyeG15gsNNTaxR6IsT27FOS7zDmeMmKv043fOCBgPBpTiJQgE7SLO" // of correct horse battery staple
	store := memstore.New()
	own := fx.Options(authmodule.UsePasswordStore(func() authn.PasswordStore { return store }), authmodule.UseUserStore(func() authn.UserStore { return store }))
	peppered := passwordApp(t, func(c *authmodule.Config) { c.Password.Pepper = goodSecret }, own)
	ada := authn.User{Subject: authn.Subject{ID: "ada"}, Email: "ada@example.com", CredentialVersion: 1, Version: 1}
	require.NoError(t, store.CreateUser(t.Context(), ada))
	require.NoError(t, store.SetPasswordHash(t.Context(), ada.Subject, bcrypt))
	login := authn.LoginRequest{Email: ada.Email, Password: "correct horse battery staple"}
	for range 2 {
		_, err := peppered.Login(t.Context(), login)
		require.NoError(t, err)
	}
	hash, err := store.PasswordHash(t.Context(), ada.Subject)
	require.NoError(t, err)
	assert.Contains(t, hash, ",keyid=")
	_, err = passwordApp(t, func(*authmodule.Config) {}, own).Login(t.Context(), login)
	require.ErrorIs(t, err, authn.ErrInvalidCredentials)
}
