package storeguard_test

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/storeguard"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/storetest"
)

// every is what a driver implements.
type every interface {
	authn.UserStore
	authn.PasswordStore
	authn.PasswordHistoryStore
	authn.RevocationStore
	authn.OneTimeStore
	authn.CounterStore
	authn.APIKeyStore
	authn.KeyStore
	session.Store
	session.DeviceStore
	mfa.FactorStore
	authz.RuleStore
	authz.AssignmentStore
	audit.JournalStore
}

func guarded(g *storeguard.Guard, s every) storetest.Stores {
	return storetest.Stores{
		Users: g.Users(s), Passwords: g.Passwords(s), History: g.PasswordHistory(s), Revocations: g.Revocations(s), OneTimes: g.OneTime(s), Counters: g.Counters(s), APIKeys: g.APIKeys(s),
		Keys: g.SigningKeys(s), Sessions: g.Sessions(s), Devices: g.Devices(s), Factors: g.Factors(s), Rules: g.Rules(s), Assignments: g.Assignments(s), Journal: g.Journal(s),
	}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// A guarded store holds the contract that the store behind it holds.
func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Stores {
		return guarded(storeguard.New(storeguard.Config{Port: "all"}), memstore.New())
	})
}

// Every method of every port goes through the guard: on a store that is not there each is an error of its own name.
func TestEveryMethodIsGuarded(t *testing.T) {
	t.Parallel()
	nothing := struct{ every }{}
	stores := reflect.ValueOf(guarded(storeguard.New(storeguard.Config{Port: "all", Log: quiet()}), nothing))
	methods := 0
	for i := range stores.NumField() {
		port := stores.Field(i)
		for m := range port.Type().NumMethod() {
			method := port.Type().Method(m)
			args := []reflect.Value{reflect.ValueOf(context.Background())}
			for in := 1; in < method.Type.NumIn(); in++ {
				if !method.Type.IsVariadic() || in < method.Type.NumIn()-1 {
					args = append(args, reflect.Zero(method.Type.In(in)))
				}
			}
			results := port.MethodByName(method.Name).Call(args)
			var failure *storeguard.Error
			require.ErrorAs(t, results[len(results)-1].Interface().(error), &failure, method.Name)
			assert.Equal(t, method.Name, failure.Op)
			assert.Equal(t, storeguard.Panic, failure.Class)
			for _, result := range results[:len(results)-1] {
				assert.True(t, result.IsZero(), method.Name)
			}
			methods++
		}
	}
	assert.Greater(t, methods, 40)
}

// What tells of new revocations goes on telling, and nothing else claims to.
func TestWatcherPassesThrough(t *testing.T) {
	t.Parallel()
	g := storeguard.New(storeguard.Config{Port: "revocations"})
	store := memstore.New()
	watched, ok := g.Revocations(store).(authn.RevocationWatcher)
	require.True(t, ok)
	told := 0
	stop := watched.WatchRevocations(func() { told++ })
	_, err := g.Revocations(store).Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: "jti"})
	require.NoError(t, err)
	assert.Equal(t, 1, told)
	stop()
	_, ok = g.Revocations(struct{ authn.RevocationStore }{store}).(authn.RevocationWatcher)
	assert.False(t, ok)
}
