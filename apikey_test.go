package authmodule_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// keyApp has the roles reader, editor and root, and counts reads of keys.
func keyApp(t *testing.T, change func(*authmodule.Config)) (*fxtest.App, *keyStore) {
	t.Helper()
	store := &keyStore{Store: memstore.New()}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.RBAC.SuperuserRole = "root"
		change(c)
	}, keyRoles(), authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return store }))
	return app, store
}

func keyRoles() fx.Option {
	return authmodule.AddRoles(
		authz.Role{Name: "reader", Permissions: []string{"articles.read"}},
		authz.Role{Name: "editor", Permissions: []string{"articles.*"}},
	)
}

func makeKey(t *testing.T, app *fxtest.App, p authn.Principal, r authn.APIKeyRequest) (authn.APIKey, setting.Secret) {
	t.Helper()
	if r.Name == "" {
		r.Name = "ci"
	}
	key, text, err := app.APIKeys.Create(t.Context(), p, r)
	require.NoError(t, err)
	return key, text
}

func useKey(t *testing.T, app *fxtest.App, text setting.Secret) (authn.Principal, error) {
	t.Helper()
	return app.APIKeys.Authenticate(t.Context(), text, authn.Client{})
}

func requireKeyDead(t *testing.T, app *fxtest.App, text setting.Secret) {
	t.Helper()
	p, err := useKey(t, app, text)
	require.Equal(t, authn.ErrAPIKeyInvalid, err)
	require.Zero(t, p)
}

// KEY-01: at least 256 random bits, prefix and checksum, stored hashed, shown once.
func TestKEY01TextAndRecord(t *testing.T) {
	t.Parallel()
	app, store := keyApp(t, func(c *authmodule.Config) { c.APIKeys.Prefix = "acme1" })
	p := app.Principal("editor")
	key, text := makeKey(t, app, p, authn.APIKeyRequest{Scopes: []string{"articles.read", "articles.*", "articles.read"}})
	parts := strings.Split(text.Reveal(), "_")
	require.Len(t, parts, 3)
	assert.Equal(t, []string{"acme1", key.ID}, parts[:2])
	assert.Len(t, parts[2], 58, "32 random bytes and 4 of the checksum in base32")
	assert.Equal(t, []string{"articles.*", "articles.read"}, key.Scopes)
	assert.Equal(t, p.Subject, key.Owner)

	record, err := store.APIKey(t.Context(), "", key.ID)
	require.NoError(t, err)
	assert.Len(t, record.SecretHash, 32)
	assert.NotContains(t, fmt.Sprintf("%+v %q %s", record, record.SecretHash, record.SecretHash), parts[2])
	list, err := app.APIKeys.List(t.Context(), p.Subject)
	require.NoError(t, err)
	assert.Equal(t, []authn.APIKey{key}, list, "the same as when it was made, and no text in it")
	_, other := makeKey(t, app, p, authn.APIKeyRequest{})
	assert.NotEqual(t, text, other)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, text), parts[2])
	}
	for _, e := range app.Events() {
		assert.NotContains(t, fmt.Sprintf("%+v", e), parts[2])
	}
}

// KEY-01, item 41: what does not have the checksum is refused without a look into the store.
func TestKEY01ChecksumComesBeforeTheStore(t *testing.T) {
	t.Parallel()
	app, store := keyApp(t, unchanged)
	_, text := makeKey(t, app, app.Principal(), authn.APIKeyRequest{})
	good := text.Reveal()
	before := store.reads()
	slip := good[:len(good)-1] + string("ab"[strings.Count(good[len(good)-1:], "a")])
	for _, bad := range []string{slip, "", "ak", "ak__", good + "a", good[1:], "cs" + good[2:], strings.ToUpper(good), " " + good, strings.Repeat("x", 1<<20)} {
		requireKeyDead(t, app, setting.Secret(bad))
	}
	assert.Equal(t, before, store.reads())
	_, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, before+1, store.reads())
}

// KEY-02: the owner is the caller; nothing in the request can name another.
func TestKEY02OwnerIsTheCaller(t *testing.T) {
	t.Parallel()
	request := reflect.TypeFor[authn.APIKeyRequest]()
	for i := range request.NumField() {
		name := request.Field(i).Name
		assert.NotContains(t, []reflect.Type{reflect.TypeFor[authn.Subject](), reflect.TypeFor[authn.Tenant](), reflect.TypeFor[authn.Principal]()}, request.Field(i).Type, name)
	}
	app, _ := keyApp(t, unchanged)
	ada, bob := app.Principal("editor"), app.Principal("editor")
	key, text := makeKey(t, app, ada, authn.APIKeyRequest{})
	p, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, ada.Subject, p.Subject)

	_, _, err = app.APIKeys.Rotate(t.Context(), bob, key.ID, 0)
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.ErrorIs(t, app.APIKeys.Revoke(t.Context(), bob, bob.Subject, key.ID), authn.ErrNotFound)
	list, err := app.APIKeys.List(t.Context(), bob.Subject)
	require.NoError(t, err)
	assert.Empty(t, list)
	for name, owner := range map[string]authn.Principal{
		"nobody": {}, "a service": {Kind: authn.KindService, Subject: ada.Subject}, "no subject": {Kind: authn.KindUser},
	} {
		_, _, err = app.APIKeys.Create(t.Context(), owner, authn.APIKeyRequest{Name: "x"})
		assert.ErrorIs(t, err, authn.ErrLoginRequired, name)
	}
	_, _, err = app.APIKeys.Create(t.Context(), authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "gone"}}, authn.APIKeyRequest{Name: "x"})
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
}

// KEY-03: scopes are within what the creator may do by the roles of the moment, not by those that the principal claims.
func TestKEY03ScopesAreWithinTheCreators(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	reader := app.Principal("reader")
	reader.Roles = []string{"root", "editor"}
	for _, scope := range []string{"articles.write", "articles.*", "*.read", "*.*", "users.read", "bad", ""} {
		_, _, err := app.APIKeys.Create(t.Context(), reader, authn.APIKeyRequest{Name: "ci", Scopes: []string{"articles.read", scope}})
		var fault *authn.FieldError
		require.ErrorAs(t, err, &fault, scope)
		assert.Equal(t, "scopes", fault.Field)
	}
	_, text := makeKey(t, app, reader, authn.APIKeyRequest{Scopes: []string{"articles.read"}})
	p, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.True(t, app.AuthorizationService.Can(t.Context(), p, "articles.read", authz.Resource{}))
	assert.False(t, app.AuthorizationService.Can(t.Context(), p, "articles.write", authz.Resource{}))
	denied := app.Events(audit.AccessDenied)
	assert.Equal(t, "scope", denied[0].Reason)
	assert.Equal(t, p.KeyID, denied[0].Detail["key"])
}

// KEY-03, item 41: the key of an owner who lost a role can do less, at once; and of one without scopes nothing.
// V8.3.3: a key acts with the rights that its owner has at that moment, and with none of its own.
func TestKEY03DemotedOwner(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	owner := app.Principal("editor", "reader")
	_, text := makeKey(t, app, owner, authn.APIKeyRequest{Scopes: []string{"articles.*"}})
	_, bare := makeKey(t, app, owner, authn.APIKeyRequest{})
	may := func(text setting.Secret, permission string) bool {
		p, err := useKey(t, app, text)
		require.NoError(t, err)
		require.NotNil(t, p.Scopes)
		return app.AuthorizationService.Can(t.Context(), p, permission, authz.Resource{})
	}
	assert.True(t, may(text, "articles.write"))
	assert.False(t, may(bare, "articles.read"))
	require.NoError(t, app.AuthorizationService.Unassign(t.Context(), authn.Principal{}, owner.Subject, "editor"))
	assert.False(t, may(text, "articles.write"))
	assert.True(t, may(text, "articles.read"))
	require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, owner.Subject, "root"))
	assert.True(t, may(text, "articles.write"))
	assert.False(t, may(text, "users.delete"), "the superuser role does not pass a scope")
}

// KEY-03, TEN-03: a disabled owner's key is refused at once; a revoked one too, and it stays so.
func TestKEY03DisabledAndRevoked(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	owner := app.Principal()
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{})
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, owner.Subject))
	requireKeyDead(t, app, text)
	_, _, err := app.APIKeys.Create(t.Context(), owner, authn.APIKeyRequest{Name: "ci"})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, owner.Subject))
	_, err = useKey(t, app, text)
	require.NoError(t, err)

	admin := app.Principal()
	require.NoError(t, app.APIKeys.Revoke(t.Context(), admin, owner.Subject, key.ID))
	requireKeyDead(t, app, text)
	require.ErrorIs(t, app.APIKeys.Revoke(t.Context(), admin, owner.Subject, key.ID), authn.ErrNotFound)
	_, _, err = app.APIKeys.Rotate(t.Context(), owner, key.ID, 0)
	require.ErrorIs(t, err, authn.ErrNotFound)
	events := app.Events(audit.APIKeyRevoked)
	require.Len(t, events, 1)
	assert.Equal(t, owner.Subject.ID, events[0].Subject)
	assert.Equal(t, admin.Subject.ID, events[0].Actor)
	assert.Equal(t, key.ID, events[0].Detail["key"])
}

// KEY-03: a key ends when it says, to the microsecond, and neither use nor rotation moves that.
func TestKEY03Expiry(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, func(c *authmodule.Config) { c.APIKeys.MaxDays = 30 })
	owner := app.Principal()
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{Lifetime: 24 * time.Hour})
	app.Advance(24*time.Hour - 2*time.Microsecond)
	p, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, key.Expires, p.Expires)
	rotated, next, err := app.APIKeys.Rotate(t.Context(), owner, key.ID, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, key.Expires, rotated.Expires)
	p, err = useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, key.Expires, p.Expires, "the overlap does not outlive the key")
	app.Advance(2 * time.Microsecond)
	requireKeyDead(t, app, text)
	requireKeyDead(t, app, next)
	_, _, err = app.APIKeys.Rotate(t.Context(), owner, key.ID, time.Hour)
	require.ErrorIs(t, err, authn.ErrNotFound)

	byDefault, _ := makeKey(t, app, owner, authn.APIKeyRequest{})
	assert.Equal(t, 30*24*time.Hour, byDefault.Expires.Sub(byDefault.CreatedAt), "the default follows the maximum")
	for name, request := range map[string]authn.APIKeyRequest{
		"too long": {Lifetime: 30*24*time.Hour + 1}, "negative": {Lifetime: -1}, "never": {NeverExpires: true}, "never and when": {NeverExpires: true, Lifetime: 1},
	} {
		request.Name = "ci"
		_, _, err := app.APIKeys.Create(t.Context(), owner, request)
		var fault *authn.FieldError
		assert.ErrorAs(t, err, &fault, name)
	}
	app.Advance(29 * 24 * time.Hour)
	_, err = app.APIKeys.Prune(t.Context())
	require.NoError(t, err)
	list, err := app.APIKeys.List(t.Context(), owner.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 2, "an expired key is listed for a while")
	app.Advance(24*time.Hour + time.Microsecond)
	n, err := app.APIKeys.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestKeysThatNeverExpireHaveToBePermitted(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, func(c *authmodule.Config) { c.APIKeys.AllowNeverExpire = true })
	key, text := makeKey(t, app, app.Principal(), authn.APIKeyRequest{NeverExpires: true})
	assert.Zero(t, key.Expires)
	byDefault, _ := makeKey(t, app, app.Principal(), authn.APIKeyRequest{})
	assert.Equal(t, 365*24*time.Hour, byDefault.Expires.Sub(byDefault.CreatedAt))
	app.Advance(50 * 365 * 24 * time.Hour)
	p, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.Zero(t, p.Expires)
}

// KEY-03: the last use is kept, written at most once a minute, and a store that cannot write it stops no request.
func TestKEY03LastUse(t *testing.T) {
	t.Parallel()
	app, store := keyApp(t, unchanged)
	owner := app.Principal()
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{})
	lastUsed := func() time.Time {
		list, err := app.APIKeys.List(t.Context(), owner.Subject)
		require.NoError(t, err)
		return list[0].LastUsedAt
	}
	assert.Zero(t, lastUsed())
	race(50, func(int) error { _, err := useKey(t, app, text); return err })
	first := lastUsed()
	assert.Equal(t, key.CreatedAt, first)
	writes := store.touches()
	app.Advance(time.Minute - time.Microsecond)
	for range 10 {
		_, err := useKey(t, app, text)
		require.NoError(t, err)
	}
	assert.Equal(t, first, lastUsed())
	assert.Equal(t, writes, store.touches())
	app.Advance(time.Microsecond)
	store.failTouches(true)
	_, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, first, lastUsed())
	store.failTouches(false)
	_, err = useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, first, lastUsed(), "the caller is remembered, and the use is not written at each request")
	app.Advance(time.Minute)
	_, err = useKey(t, app, text)
	require.NoError(t, err)
	assert.Equal(t, first.Add(2*time.Minute), lastUsed())
}

// KEY-05: a key proves neither a recent login nor a second factor, has no session, and manages no keys.
func TestKEY05KeyIsNoLogin(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	owner := app.Principal("root")
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{Scopes: []string{"*.*"}})
	p, err := useKey(t, app, text)
	require.NoError(t, err)
	assert.EqualExportedValues(t, authn.Principal{
		Kind: authn.KindUser, Subject: owner.Subject, Email: owner.Email, Roles: []string{"root"},
		KeyID: key.ID, Scopes: []string{"*.*"}, Expires: key.Expires,
	}, p, "no session, no methods, no time of authentication")
	assert.False(t, p.Assigned("root"), "a scope cannot express a role")
	assert.True(t, owner.Assigned("root"))

	_, _, err = app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "child"})
	require.ErrorIs(t, err, authn.ErrLoginRequired)
	_, _, err = app.APIKeys.Rotate(t.Context(), p, key.ID, 0)
	require.ErrorIs(t, err, authn.ErrLoginRequired)
	require.ErrorIs(t, app.APIKeys.Revoke(t.Context(), p, p.Subject, key.ID), authn.ErrLoginRequired)
	scopedOnly := owner
	scopedOnly.Scopes = []string{}
	_, _, err = app.APIKeys.Create(t.Context(), scopedOnly, authn.APIKeyRequest{Name: "child"})
	require.ErrorIs(t, err, authn.ErrLoginRequired)
	list, err := app.APIKeys.List(t.Context(), owner.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

// KEY-06: the ID finds the key and proves nothing.
func TestKEY06IDProvesNothing(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	owner := app.Principal()
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{})
	_, other := makeKey(t, app, owner, authn.APIKeyRequest{})
	// The other key's secret with a checksum that is right for this ID.
	requireKeyDead(t, app, reassemble(t, key.ID, other))
	_, err := useKey(t, app, reassemble(t, key.ID, text))
	require.NoError(t, err, "the forger's tool works")
	// The same ID in another tenant, where there is no such key.
	requireKeyDead(t, app, reassemble(t, "acme."+key.ID, text))
}

// The old secret works until the overlap ends, the one before it not at all.
func TestRotationOverlap(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	owner := app.Principal()
	key, first := makeKey(t, app, owner, authn.APIKeyRequest{})
	app.Advance(time.Hour)
	_, second, err := app.APIKeys.Rotate(t.Context(), owner, key.ID, time.Minute)
	require.NoError(t, err)
	app.Advance(time.Minute - time.Microsecond)
	p, err := useKey(t, app, first)
	require.NoError(t, err)
	assert.WithinDuration(t, app.Now().Add(time.Microsecond), p.Expires, time.Microsecond)
	app.Advance(time.Microsecond)
	requireKeyDead(t, app, first)
	_, third, err := app.APIKeys.Rotate(t.Context(), owner, key.ID, 24*time.Hour)
	require.NoError(t, err)
	requireKeyDead(t, app, first)
	for _, text := range []setting.Secret{second, third} {
		p, err := useKey(t, app, text)
		require.NoError(t, err)
		assert.Equal(t, key.ID, p.KeyID)
	}
	_, fourth, err := app.APIKeys.Rotate(t.Context(), owner, key.ID, 0)
	require.NoError(t, err)
	requireKeyDead(t, app, second)
	requireKeyDead(t, app, third)
	_, err = useKey(t, app, fourth)
	require.NoError(t, err)
	for _, overlap := range []time.Duration{-1, 24*time.Hour + 1} {
		_, _, err = app.APIKeys.Rotate(t.Context(), owner, key.ID, overlap)
		var fault *authn.FieldError
		require.ErrorAs(t, err, &fault)
	}
}

// A key with networks works in them, to the last address, and nowhere else.
func TestAllowedIPs(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	networks := func(texts ...string) []netip.Prefix {
		var all []netip.Prefix
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	key, text := makeKey(t, app, app.Principal(), authn.APIKeyRequest{
		AllowedIPs: networks("192.0.2.77/28", "2001:db8::/127", "::ffff:198.51.100.0/127"),
	})
	assert.Equal(t, networks("192.0.2.64/28", "2001:db8::/127", "198.51.100.0/31"), key.AllowedIPs)
	for ip, expected := range map[string]bool{
		"192.0.2.64": true, "192.0.2.79": true, "::ffff:192.0.2.64": true, "192.0.2.63": false, "192.0.2.80": false,
		"2001:db8::": true, "2001:db8::1": true, "2001:db8::2": false, "2001:db8::1%eth0": true,
		"198.51.100.1": true, "198.51.100.2": false, "0.0.0.0": false, "::": false, "": false,
	} {
		var client authn.Client
		if ip != "" {
			client.IP = netip.MustParseAddr(ip)
		}
		_, err := app.APIKeys.Authenticate(t.Context(), text, client)
		if expected {
			assert.NoError(t, err, ip)
			continue
		}
		assert.Equal(t, authn.ErrAPIKeyInvalid, err, ip)
	}
	for name, bad := range map[string]netip.Prefix{"none": {}, "wider than IPv4": netip.MustParsePrefix("::ffff:0.0.0.0/95")} {
		_, _, err := app.APIKeys.Create(t.Context(), app.Principal(), authn.APIKeyRequest{Name: "ci", AllowedIPs: []netip.Prefix{bad}})
		var fault *authn.FieldError
		assert.ErrorAs(t, err, &fault, name)
	}
}

func TestKeyNamesAndNumbersAreBounded(t *testing.T) {
	t.Parallel()
	app, _ := keyApp(t, unchanged)
	p := app.Principal("root")
	many := make([]string, 101)
	for name, request := range map[string]authn.APIKeyRequest{
		"no name": {}, "long": {Name: strings.Repeat("ä", 101)}, "control": {Name: "a\x1b[31m"}, "not text": {Name: "\xff"},
		"right to left": {Name: "a\u202e"}, "scopes": {Name: "ci", Scopes: many}, "networks": {Name: "ci", AllowedIPs: make([]netip.Prefix, 101)},
	} {
		_, _, err := app.APIKeys.Create(t.Context(), p, request)
		var fault *authn.FieldError
		assert.ErrorAs(t, err, &fault, name)
	}
	makeKey(t, app, p, authn.APIKeyRequest{Name: strings.Repeat("ä", 100)})
}

// A store that cannot answer authenticates nobody, and is not taken for a bad key.
func TestKeyStoreFailure(t *testing.T) {
	t.Parallel()
	app, store := keyApp(t, unchanged)
	owner := app.Principal()
	key, text := makeKey(t, app, owner, authn.APIKeyRequest{})
	store.failReads(errKeys)
	p, err := useKey(t, app, text)
	require.ErrorIs(t, err, errKeys)
	require.NotErrorIs(t, err, authn.ErrAPIKeyInvalid)
	assert.Zero(t, p)
	_, _, err = app.APIKeys.Rotate(t.Context(), owner, key.ID, 0)
	require.ErrorIs(t, err, errKeys)
}

var errKeys = errors.New("keys: cannot answer")

// keyStore counts and fails.
type keyStore struct {
	*memstore.Store
	mu       sync.Mutex
	read     int
	touched  int
	readErr  error
	touchErr error
}

func (s *keyStore) noteRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	return s.readErr
}

func (s *keyStore) noteTouch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched++
	return s.touchErr
}

func (s *keyStore) reads() int   { s.mu.Lock(); defer s.mu.Unlock(); return s.read }
func (s *keyStore) touches() int { s.mu.Lock(); defer s.mu.Unlock(); return s.touched }

func (s *keyStore) failReads(err error) { s.mu.Lock(); defer s.mu.Unlock(); s.readErr = err }

func (s *keyStore) failTouches(fail bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touchErr = nil; fail {
		s.touchErr = errKeys
	}
}
