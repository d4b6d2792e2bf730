package authmodule_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// Every event type is emitted by the act that it is documented for, and by no other.
func TestEveryEventIsEmitted(t *testing.T) {
	t.Parallel()
	acts := map[audit.Type]func(t *testing.T, app *fxtest.App){
		audit.UserRegistered: func(t *testing.T, app *fxtest.App) { register(t, app) },
		audit.UserDisabled: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, app.User().Subject))
		},
		audit.UserEnabled: func(t *testing.T, app *fxtest.App) {
			user := app.User()
			require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
			require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, user.Subject))
		},
		// Starting the application issues a set-up token while there is no administrator.
		audit.AdminSetupIssued: func(*testing.T, *fxtest.App) {},
		audit.AdminSetupCompleted: func(t *testing.T, app *fxtest.App) {
			setup := app.AdminSetup()
			token, err := setup.Issue(t.Context())
			require.NoError(t, err)
			_, err = setup.Redeem(t.Context(), token, password, authn.Client{})
			require.NoError(t, err)
			again, err := setup.Issue(t.Context())
			require.NoError(t, err)
			assert.Empty(t, again, "there is an administrator now")
		},
		audit.LoginSucceeded: func(_ *testing.T, app *fxtest.App) { app.Principal() },
		audit.LoginFailed: func(t *testing.T, app *fxtest.App) {
			_, err := login(t.Context(), app, authn.CarrierToken)
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		},
		audit.SessionEnded: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Users.Logout(t.Context(), app.Principal()))
		},
		audit.SessionRenewed: func(t *testing.T, app *fxtest.App) {
			cookie := setting.Secret(app.Cookie(app.Principal()).Value)
			_, err := app.Users.RenewCookie(t.Context(), cookie, authn.Client{})
			require.NoError(t, err)
			_, err = app.Users.RenewCookie(t.Context(), cookie, authn.Client{})
			require.ErrorIs(t, err, authn.ErrSessionRenewed)
		},
		audit.StepUpSucceeded: func(t *testing.T, app *fxtest.App) { require.NoError(t, stepUp(t, app, fxtest.Password)) },
		audit.StepUpFailed: func(t *testing.T, app *fxtest.App) {
			require.ErrorIs(t, stepUp(t, app, "wrong"), authn.ErrInvalidCredentials)
		},
		audit.ImpersonationStarted: func(t *testing.T, app *fxtest.App) {
			support := authz.Role{Name: "admin", Permissions: []string{authz.PermissionImpersonate}}
			require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", support))
			_, err := app.Users.Impersonate(t.Context(), app.Principal("admin"), app.User().Subject, authn.Impersonation{Reason: "ticket 7"})
			require.NoError(t, err)
		},
		audit.TokenRefreshed: func(t *testing.T, app *fxtest.App) { refreshed(t, app) },
		audit.RefreshReused: func(t *testing.T, app *fxtest.App) {
			_, err := app.Users.Refresh(t.Context(), refreshed(t, app), authn.Client{})
			require.ErrorIs(t, err, authn.ErrRefreshReused)
		},
		audit.TokenRevoked: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.TokenManager.Revoke(t.Context(), app.Grant(app.Principal()).AccessToken))
		},
		audit.TenantRevoked: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Users.RevokeTenant(t.Context(), authn.Principal{}, "acme"))
		},
		audit.DeviceAdded: func(_ *testing.T, app *fxtest.App) { app.Principal() },
		audit.DeviceRenamed: func(t *testing.T, app *fxtest.App) {
			p := app.Principal()
			devices, err := app.SessionManager.Devices(t.Context(), p.Subject)
			require.NoError(t, err)
			require.NoError(t, app.SessionManager.RenameDevice(t.Context(), p.Subject, devices[0].ID, "laptop"))
		},
		audit.LoginThrottled: func(t *testing.T, app *fxtest.App) {
			for range 5 {
				require.Empty(t, app.Events(audit.LoginThrottled))
				_, err := login(t.Context(), app, authn.CarrierToken)
				require.ErrorIs(t, err, authn.ErrInvalidCredentials)
			}
			_, err := login(t.Context(), app, authn.CarrierToken)
			require.ErrorIs(t, err, authn.ErrThrottled)
		},
		audit.AuthenticatorDisabled: func(t *testing.T, app *fxtest.App) {
			target := authn.Target{Factor: authn.FactorTOTP, Subject: app.User().Subject}
			for range 4 { // the fifth is for devices that are known
				require.Empty(t, app.Events(audit.AuthenticatorDisabled))
				attempt, err := app.Throttle.Attempt(t.Context(), target)
				require.NoError(t, err)
				attempt.Fail(t.Context())
			}
		},
		audit.AuthenticatorReopened: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Throttle.Reopen(t.Context(), authn.Principal{}, app.User().Subject, authn.FactorTOTP))
		},
		audit.BindingFailed: func(t *testing.T, app *fxtest.App) {
			user, home := app.User(), authn.Client{IP: netip.MustParseAddr("192.0.2.1")}
			grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Client: home, Bind: authn.Binding{IP: true}})
			require.NoError(t, err)
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, home)
			require.NoError(t, err)
			require.Empty(t, app.Events(audit.BindingFailed))
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrTokenBinding)
		},
		audit.MFAEnrolled:           func(t *testing.T, app *fxtest.App) { enrollApp(t, app) },
		audit.RecoveryCodesReplaced: func(t *testing.T, app *fxtest.App) { enrollApp(t, app) },
		audit.MFARemoved: func(t *testing.T, app *fxtest.App) {
			user, _, _ := enrollApp(t, app)
			require.NoError(t, app.MFA.Reset(t.Context(), user.Subject, mfa.By{}))
		},
		audit.MFAFailed: func(t *testing.T, app *fxtest.App) {
			user, _, _ := enrollApp(t, app)
			require.ErrorIs(t, secondFactor(t, app, user, mfa.NameTOTP, "0"), authn.ErrFactorInvalid)
		},
		audit.RecoveryCodeUsed: func(t *testing.T, app *fxtest.App) {
			user, _, codes := enrollApp(t, app)
			require.NoError(t, secondFactor(t, app, user, mfa.NameRecoveryCode, codes[0]))
		},
		audit.DeviceTrusted: func(t *testing.T, app *fxtest.App) {
			user, secret, _ := enrollApp(t, app)
			app.Advance(mfa.Period)
			require.NoError(t, secondFactor(t, app, user, mfa.NameTOTP, appCode(t, app, secret)))
		},
		audit.CodeMailed: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.MFA.EnrollEmail(t.Context(), app.User(), authn.Client{}))
		},
		audit.APIKeyCreated: func(_ *testing.T, app *fxtest.App) { app.APIKey(app.Principal()) },
		audit.APIKeyRotated: func(t *testing.T, app *fxtest.App) {
			p := app.Principal()
			key, _, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
			require.NoError(t, err)
			_, _, err = app.APIKeys.Rotate(t.Context(), p, key.ID, 0)
			require.NoError(t, err)
		},
		audit.APIKeyRevoked: func(t *testing.T, app *fxtest.App) {
			p := app.Principal()
			key, _, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
			require.NoError(t, err)
			require.NoError(t, app.APIKeys.Revoke(t.Context(), p, p.Subject, key.ID))
		},
		audit.KeyRotated: func(t *testing.T, app *fxtest.App) {
			_, err := app.SigningKeys.Rotate(t.Context(), authn.Principal{})
			require.NoError(t, err)
		},
		audit.KeyKilled: func(t *testing.T, app *fxtest.App) {
			keys, err := app.SigningKeys.Keys(t.Context())
			require.NoError(t, err)
			require.NoError(t, app.SigningKeys.Kill(t.Context(), authn.Principal{}, keys[0].ID))
		},
		audit.AccessDenied: func(t *testing.T, app *fxtest.App) {
			assert.False(t, app.AuthorizationService.Can(t.Context(), app.Principal(), "articles.delete", authz.Resource{}))
		},
		audit.AccessGranted: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "viewer", Permissions: []string{"articles.read"}}))
			assert.True(t, app.AuthorizationService.Can(t.Context(), app.Principal(), "articles.read", authz.Resource{}))
		},
		audit.RoleAssigned: func(_ *testing.T, app *fxtest.App) { app.User("admin") },
		audit.RoleUnassigned: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.AuthorizationService.Unassign(t.Context(), authn.Principal{}, app.User("admin").Subject, "admin"))
		},
		audit.RoleDefined: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "editor"}))
		},
		audit.RoleDeleted: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "editor"}))
			require.NoError(t, app.AuthorizationService.DeleteRole(t.Context(), authn.Principal{}, "", "editor"))
		},
		audit.PolicyDefined: func(t *testing.T, app *fxtest.App) { definePolicy(t, app) },
		audit.PolicyDeleted: func(t *testing.T, app *fxtest.App) {
			definePolicy(t, app)
			require.NoError(t, app.AuthorizationService.DeletePolicy(t.Context(), authn.Principal{}, "", "everybody"))
		},
	}
	// told are the events that come with no write of the store that keeps the journal, or after it.
	told := map[audit.Type]bool{
		audit.LoginFailed: true, audit.LoginThrottled: true, audit.BindingFailed: true, audit.MFAFailed: true, audit.StepUpFailed: true, audit.AccessDenied: true, audit.AccessGranted: true,
		audit.AuthenticatorDisabled: true, audit.DeviceAdded: true, audit.CodeMailed: true, audit.AuditTampered: true,
		audit.AuthenticatorReopened: true, // here there was nothing to forget
	}
	var buses sync.Map
	acts[audit.AuditDropped] = func(t *testing.T, app *fxtest.App) {
		bus, _ := buses.Load(app)
		journal, err := audit.NewJournal(audit.JournalDeps{Store: memstore.New(), Key: []byte(goodSecret), Buffer: 1, Now: app.Now})
		require.NoError(t, err)
		journal.Subscribe(bus.(*audit.Bus))
		for range 3 {
			_, err := login(t.Context(), app, authn.CarrierToken)
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		}
		require.NoError(t, journal.Flush(t.Context()))
		assert.Equal(t, "2", app.Events(audit.AuditDropped)[0].Detail["count"])
	}
	acts[audit.AuditTampered] = func(t *testing.T, app *fxtest.App) {
		bus, _ := buses.Load(app)
		store := &forgetful{JournalStore: memstore.New()}
		journal, err := audit.NewJournal(audit.JournalDeps{Store: store, Key: []byte(goodSecret), Now: app.Now})
		require.NoError(t, err)
		journal.On(t.Context(), audit.Event{Type: audit.UserRegistered})
		journal.Subscribe(bus.(*audit.Bus))
		require.NoError(t, journal.Flush(t.Context()))
		_, err = journal.Check(t.Context())
		require.NoError(t, err)
	}
	for _, what := range audit.Types() {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			box := &mailbox{}
			act, found := acts[what]
			if !found {
				act, found = accountActs(box)[what]
			}
			require.True(t, found, "no act")
			var bus *audit.Bus
			written := &withActs{events: map[string]bool{}}
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				c.AdminEmail, c.SecretKey, c.JWT.Managed.Enabled = "root@example.com", goodSecret, true
				c.Account.MagicLink = true
				c.MFA.Enabled, c.MFA.EmailCode, c.MFA.TrustDays = true, true, 30
				c.RBAC.GrantedEventsPercent, c.Throttle.MaxConsecutiveFailures = 100, 5
				c.Store = authmodule.StoreConfig{Driver: authmodule.DriverSQLite, DSN: setting.Secret(sqlitetest.Path(t))}
				c.Audit.Journal = true
			}, authmodule.UseCodeSender(func() mfa.Sender { return noMail{} }), authmodule.UseNotifier(func() account.Notifier { return box }),
				fx.Populate(&bus), authmodule.AddListener(func() audit.Listener { return written }))
			buses.Store(app, bus)
			if what != audit.AdminSetupIssued {
				require.Empty(t, app.Events(what), "before the act")
			}
			act(t, app)
			events := app.Events(what)
			require.NotEmpty(t, events)
			for _, e := range events {
				assert.WithinDuration(t, app.Now(), e.Time, time.Microsecond)
				assert.Equal(t, !told[what], written.has(e), "written with the act")
			}
			requireJournalled(t, app)
		})
	}
}

// forgetful is a journal's store of which all entries were removed.
type forgetful struct{ audit.JournalStore }

func (forgetful) Entries(context.Context, audit.Query) ([]audit.Entry, error) { return nil, nil }

// withActs are the IDs of events that were written with their acts.
type withActs struct {
	mu     sync.Mutex
	events map[string]bool
}

func (w *withActs) On(ctx context.Context, e audit.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[e.ID] = audit.Recorded(ctx)
}

func (w *withActs) has(e audit.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[e.ID]
}

// requireJournalled requires that the journal has every event that was told, once, as it was told, and no other.
func requireJournalled(t *testing.T, app *fxtest.App) {
	t.Helper()
	require.NoError(t, app.Journal.Flush(t.Context()))
	list, err := app.Journal.Entries(t.Context(), audit.Query{Limit: 1000})
	require.NoError(t, err)
	var has []audit.Event
	for _, entry := range list {
		e, err := entry.Event()
		require.NoError(t, err)
		has = append(has, e)
	}
	var expected []audit.Event
	for _, e := range app.Events() {
		e.Time = e.Time.UTC().Truncate(time.Microsecond)
		if e.Type != audit.AuditDropped { // of another journal
			expected = append(expected, e)
		}
	}
	assert.ElementsMatch(t, expected, has)
	report, err := app.Journal.Verify(t.Context())
	require.NoError(t, err)
	assert.Empty(t, report.Faults)
}

func refreshed(t *testing.T, app *fxtest.App) (old setting.Secret) {
	t.Helper()
	grant := app.Grant(app.Principal())
	_, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	return grant.RefreshToken
}

func stepUp(t *testing.T, app *fxtest.App, password setting.Secret) error {
	t.Helper()
	_, err := app.Users.StepUp(t.Context(), authn.StepUpRequest{Caller: app.Principal(), Factor: "password", Secret: password})
	return err
}

func definePolicy(t *testing.T, app *fxtest.App) {
	t.Helper()
	require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "viewer", Permissions: []string{"articles.read"}}))
	all := authz.PolicyText{Name: "everybody", Format: authz.FormatCedar, Text: "permit (principal, action, resource);"}
	require.NoError(t, app.AuthorizationService.DefinePolicy(t.Context(), authn.Principal{}, "", all))
}
