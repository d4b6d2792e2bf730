package authn_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// acting is an administrator who acts as a user.
type acting struct {
	*serviceKit
	root  authn.Grant
	actor authn.Principal
	ada   authn.User
}

func newActing(t testing.TB, change ...func(*serviceKit, *session.Config)) acting {
	t.Helper()
	k := newServiceKit(t, change...)
	a := acting{serviceKit: k, ada: k.register(t, "", "ada")}
	a.root, a.actor = k.enter(t, "root", authn.CarrierToken)
	return a
}

func (a acting) act(t testing.TB, carrier authn.Carrier) authn.Grant {
	t.Helper()
	grant, err := a.Impersonate(t.Context(), a.actor, a.ada.Subject, authn.Impersonation{Reason: "ticket 7", Carrier: carrier})
	require.NoError(t, err)
	return grant
}

func bothCarriers(t *testing.T, run func(t *testing.T, carrier authn.Carrier)) {
	for _, carrier := range []authn.Carrier{authn.CarrierToken, authn.CarrierCookie} {
		t.Run(string(carrier), func(t *testing.T) {
			t.Parallel()
			run(t, carrier)
		})
	}
}

// A session in somebody else's name says so, proves nothing of its owner, and has no refresh token.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	bothCarriers(t, func(t *testing.T, carrier authn.Carrier) {
		a := newActing(t)
		a.factors.demanded = true // of logins
		grant := a.act(t, carrier)
		assert.Empty(t, grant.RefreshToken)
		assert.Equal(t, carrier == authn.CarrierToken, grant.AccessToken != "")
		p := a.caller(t, grant)
		assert.Equal(t, a.ada.Subject, p.Subject)
		assert.Equal(t, a.ada.Email, p.Email)
		assert.Equal(t, a.actor.Subject.ID, p.Actor)
		assert.Equal(t, a.actor.Subject.ID, authn.ActorID(p))
		assert.Empty(t, p.Methods)
		assert.Empty(t, p.ACR)
		assert.Zero(t, p.MFATime)
		if carrier == authn.CarrierToken {
			claims := a.tokens.accepts(t, grant.AccessToken)
			assert.Equal(t, a.actor.Subject.ID, claims.Actor)
			assert.Empty(t, claims.ACR)
			seen, err := a.Inspect(t.Context(), grant.AccessToken)
			require.NoError(t, err)
			assert.True(t, seen.Active)
			assert.Equal(t, a.actor.Subject.ID, seen.Actor)
		}
		events := a.told(audit.ImpersonationStarted)
		require.Len(t, events, 1)
		e := events[0]
		assert.Equal(t, []string{a.ada.Subject.ID, a.actor.Subject.ID, grant.Session.ID, "ticket 7"}, []string{e.Subject, e.Actor, e.SessionID, e.Detail["reason"]})
		assert.Len(t, a.told(audit.LoginSucceeded), 1, "root's own")
		assert.Len(t, a.told(audit.DeviceAdded), 1, "root's own")
		user, err := a.User(t.Context(), a.ada.Subject)
		require.NoError(t, err)
		assert.Zero(t, user.LastLoginAt)

		require.NoError(t, a.Logout(t.Context(), p))
		_, err = a.authenticate(t, grant)
		require.ErrorIs(t, err, authn.ErrSessionEnded)
		a.caller(t, a.root)
		ended := a.told(audit.SessionEnded)
		require.Len(t, ended, 1)
		assert.Equal(t, a.actor.Subject.ID, ended[0].Actor)
	})
}

func TestImpersonationIsRefused(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	good := authn.Impersonation{Reason: "ticket 7"}
	refuse := func(name string, expected error, actor authn.Principal, target authn.Subject, r authn.Impersonation) {
		t.Helper()
		grant, err := a.Impersonate(t.Context(), actor, target, r)
		assert.ErrorIs(t, err, expected, name)
		assert.Zero(t, grant, name)
	}
	for name, change := range map[string]func(*authn.Principal){
		"anonymous": func(p *authn.Principal) { *p = authn.Principal{} }, "an API key": func(p *authn.Principal) { p.KeyID = "k" },
		"scopes": func(p *authn.Principal) { p.Scopes = []string{} }, "another issuer's": func(p *authn.Principal) { p.Issuer = "corp" },
		"no session": func(p *authn.Principal) { p.SessionID = "" }, "in somebody's name": func(p *authn.Principal) { p.Actor = "x" },
		"of another tenant": func(p *authn.Principal) { p.Subject.Tenant = "acme" }, "a service": func(p *authn.Principal) { p.Kind = authn.KindService },
		"a session of another's": func(p *authn.Principal) { p.Subject.ID = "eve" }, "an ended session": func(p *authn.Principal) { p.SessionID += "x" },
	} {
		actor := a.actor
		change(&actor)
		refuse(name, authn.ErrImpersonationRefused, actor, a.ada.Subject, good)
	}
	acted := a.caller(t, a.act(t, authn.CarrierToken))
	refuse("twice removed", authn.ErrImpersonationRefused, acted, a.register(t, "", "bob").Subject, good)
	refuse("themselves", authn.ErrImpersonationRefused, a.actor, a.actor.Subject, good)
	refuse("nobody", authn.ErrImpersonationRefused, a.actor, authn.Subject{ID: "nobody"}, good)
	refuse("of another tenant", authn.ErrImpersonationRefused, a.actor, a.register(t, "acme", "ada").Subject, good)
	disabled := a.register(t, "", "eve").Subject
	require.NoError(t, a.Disable(t.Context(), authn.Principal{}, disabled))
	refuse("a disabled account", authn.ErrImpersonationRefused, a.actor, disabled, good)
	for _, reason := range []string{"", " \t ", strings.Repeat("ä", 201), "a\nb", "a\x00", "a\u202e", "\xff"} {
		_, err := a.Impersonate(t.Context(), a.actor, a.ada.Subject, authn.Impersonation{Reason: reason})
		var field *authn.FieldError
		require.ErrorAs(t, err, &field, "%q", reason)
		assert.Equal(t, "reason", field.Field)
	}
	_, err := a.Impersonate(t.Context(), a.actor, a.ada.Subject, authn.Impersonation{Reason: strings.Repeat("ä", 200)})
	require.NoError(t, err)
	_, err = a.Impersonate(t.Context(), a.actor, a.ada.Subject, authn.Impersonation{Reason: "x", Carrier: "pigeon"})
	require.Error(t, err)
	a.rule.refusal = errors.New("the rules cannot be read")
	refuse("by the rule", a.rule.refusal, a.actor, a.ada.Subject, good)
	a.deps.MayImpersonate = nil
	a.Service, err = authn.NewService(a.deps)
	require.NoError(t, err)
	refuse("off", authn.ErrImpersonationOff, a.actor, a.ada.Subject, good)
	for _, lifetime := range []time.Duration{-1, authn.LongestImpersonation + 1} {
		a.deps.ImpersonationLifetime = lifetime
		_, err := authn.NewService(a.deps)
		require.ErrorContains(t, err, "somebody else's name")
	}
	live, err := a.sessions.List(t.Context(), a.ada.Subject)
	require.NoError(t, err)
	assert.Len(t, live, 2, "nothing that was refused left a session")
	assert.Empty(t, a.told(audit.SessionEnded), "or opened one")
}

// What ends the actor, their session, the target, all its sessions or the time ends the session at the next request.
func TestImpersonationEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, a acting){
		"the actor logs out": func(t *testing.T, a acting) { require.NoError(t, a.Logout(t.Context(), a.actor)) },
		"the actor is disabled": func(t *testing.T, a acting) {
			require.NoError(t, a.Disable(t.Context(), authn.Principal{}, a.actor.Subject))
		},
		"the actor's sessions end": func(t *testing.T, a acting) {
			_, err := a.sessions.RevokeAll(t.Context(), a.actor.Subject)
			require.NoError(t, err)
		},
		"the target is disabled": func(t *testing.T, a acting) {
			require.NoError(t, a.Disable(t.Context(), authn.Principal{}, a.ada.Subject))
		},
		"the target's sessions end": func(t *testing.T, a acting) {
			_, err := a.sessions.RevokeAll(t.Context(), a.ada.Subject)
			require.NoError(t, err)
		},
		"the tenant's sessions end": func(t *testing.T, a acting) { require.NoError(t, a.RevokeTenant(t.Context(), authn.Principal{}, "")) },
		"the target's credentials change": func(t *testing.T, a acting) {
			_, err := a.Credentials().SetPassword(t.Context(), a.ada.Subject, "hash", authn.CredentialChange{Why: authn.EndRevoked})
			require.NoError(t, err)
		},
		"the application disables the actor": func(t *testing.T, a acting) {
			user, err := a.User(t.Context(), a.actor.Subject)
			require.NoError(t, err)
			user.DisabledAt = a.clock.Now()
			require.NoError(t, a.store.UpdateUser(t.Context(), user)) // nobody is told
		},
		"time": func(_ *testing.T, a acting) { a.pass(authn.DefaultImpersonation) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothCarriers(t, func(t *testing.T, carrier authn.Carrier) {
				a := newActing(t)
				grant := a.act(t, carrier)
				p := a.caller(t, grant)
				a.caller(t, grant) // remembered, if it were
				watcher := authn.Watcher{Users: a.Service}
				require.NoError(t, watcher.Recheck(t.Context(), p))
				end(t, a)
				_, err := a.authenticate(t, grant)
				if name == "time" && carrier == authn.CarrierToken {
					require.ErrorIs(t, err, authn.ErrTokenExpired)
				} else {
					require.ErrorIs(t, err, authn.ErrSessionEnded)
				}
				require.Error(t, watcher.Recheck(t.Context(), p))
				if carrier == authn.CarrierToken {
					seen, err := a.Inspect(t.Context(), grant.AccessToken)
					require.NoError(t, err)
					assert.False(t, seen.Active)
				}
			})
		})
	}
}

// An open connection ends with the actor's session at the next look, whenever the stores would be asked otherwise.
func TestImpersonationEndsOpenConnections(t *testing.T) {
	t.Parallel()
	a := newActing(t)
	p := a.caller(t, a.act(t, authn.CarrierToken))
	watched, release := authn.Watcher{Users: a.Service}.Watch(t.Context(), p, time.Millisecond) // the clock stands still
	defer release()
	require.NoError(t, a.Logout(t.Context(), a.actor))
	<-watched.Done()
	assert.ErrorIs(t, context.Cause(watched), authn.ErrSessionEnded)
}

// The actor's own session is not made longer, and one in somebody else's name ends on time however much it is used or renewed.
func TestImpersonationIsBounded(t *testing.T) {
	t.Parallel()
	a := newActing(t, func(k *serviceKit, cfg *session.Config) {
		k.deps.ImpersonationLifetime, cfg.RememberDays = 10*time.Minute, 30
	})
	grant := a.act(t, authn.CarrierCookie)
	assert.True(t, grant.Session.Ends.Equal(a.clock.Now().Add(10*time.Minute)))
	for range 9 {
		a.pass(time.Minute)
		renewed, err := a.RenewCookie(t.Context(), grant.Cookie, authn.Client{})
		require.NoError(t, err)
		grant = renewed
		p := a.caller(t, grant)
		assert.Equal(t, a.actor.Subject.ID, p.Actor, "a renewed cookie says so too")
		_, err = a.stepUp(t, p, grant, "password", kitPassword)
		require.ErrorIs(t, err, authn.ErrStepUpRefused)
	}
	for _, e := range a.told(audit.SessionRenewed) {
		assert.Equal(t, a.actor.Subject.ID, e.Actor)
	}
	a.pass(time.Minute)
	_, err := a.authenticate(t, grant)
	require.ErrorIs(t, err, authn.ErrSessionEnded)
}

// However many act as an account, and whatever its limit: its owner is neither kept out nor logged out.
func TestImpersonationCountsToNoLimit(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.LimitPolicy{session.EvictOldest, session.Refuse} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			a := newActing(t, func(_ *serviceKit, cfg *session.Config) { cfg.MaxPerUser, cfg.OnLimit = 1, policy })
			own := a.login(t, a.ada, authn.CarrierToken)
			grants := make([]authn.Grant, 20)
			errs := make([]error, len(grants))
			var callers sync.WaitGroup
			for i := range grants {
				callers.Go(func() {
					grants[i], errs[i] = a.Impersonate(context.Background(), a.actor, a.ada.Subject, authn.Impersonation{Reason: "at once"})
				})
			}
			callers.Wait()
			require.NoError(t, errors.Join(errs...))
			a.caller(t, own)
			if policy == session.Refuse {
				require.NoError(t, a.Logout(t.Context(), a.caller(t, own)))
			}
			a.pass(time.Second)
			again := a.login(t, a.ada, authn.CarrierToken)
			a.caller(t, again)
			for _, grant := range grants {
				a.caller(t, grant)
			}
			_, err := a.authenticate(t, own)
			require.ErrorIs(t, err, authn.ErrSessionEnded)
			list, err := a.sessions.List(t.Context(), a.ada.Subject)
			require.NoError(t, err)
			acted := 0
			for _, info := range list {
				if info.Actor != "" {
					acted++
					assert.Empty(t, info.DeviceID)
				}
			}
			assert.Len(t, list, 21)
			assert.Equal(t, 20, acted)
		})
	}
}

// FIX-05: of an account that is disabled while somebody begins to act as it, or of an actor who is, no session is left.
func TestImpersonationMeetsADisabling(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"ada", "root"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			a := newActing(t)
			whom := a.ada.Subject
			if who == "root" {
				whom = a.actor.Subject
			}
			a.deps.Sessions = opening{a.sessions, func() { assert.NoError(t, a.Disable(t.Context(), authn.Principal{}, whom)) }}
			service, err := authn.NewService(a.deps)
			require.NoError(t, err)
			_, err = service.Impersonate(t.Context(), a.actor, a.ada.Subject, authn.Impersonation{Reason: "x"})
			require.ErrorIs(t, err, authn.ErrImpersonationRefused)
			live, err := a.sessions.List(t.Context(), a.ada.Subject)
			require.NoError(t, err)
			assert.Empty(t, live)
		})
	}
}

// opening has something happen just after a session was opened.
type opening struct {
	*session.Manager
	after func()
}

func (o opening) Open(ctx context.Context, in authn.Opening) (authn.Session, setting.Secret, error) {
	defer o.after()
	return o.Manager.Open(ctx, in)
}
