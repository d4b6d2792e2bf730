package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// hostile are texts that would mean something in a key, a hash tag, a script or an index.
func hostile() []string {
	return []string{
		"{", "}", "{}", "}{", "a}:s:b", "{log}", ":", "a:b", "", "%", "%41", "A", "\x00", "a\x00", "a\x00\x00b", "a\x00\xff", "\xff\xfe", "*", "?", "[", "\r\n", "(", "+", "-",
		strings.Repeat("x", 4096), "\xc3\x28", "log", "authmodule",
	}
}

// Values never meet: not in a key, not in a hash tag, not in an index; and bytes that are no text survive.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		s := open(t)
		ctx := t.Context()
		all := map[authn.Subject]session.Record{}
		for _, tenant := range []string{"", "a", "a:b", "{", "\xff"} {
			for _, text := range hostile() {
				sub := authn.Subject{Tenant: authn.Tenant(tenant), ID: text}
				r := newRecord(t, ada)
				r.Subject, r.ID, r.UserAgent, r.DeviceID, r.Methods = sub, text, text+"\xff\x00", text, []string{text, ""}
				if tenant != "" {
					r.ID += "!" // the same ID in two tenants is for storetest
				}
				all[sub] = created(t, s, r)
			}
		}
		for sub, r := range all {
			got, err := s.Session(ctx, sub.Tenant, r.ID)
			require.NoError(t, err)
			require.Equal(t, r, got)
			list, err := s.Sessions(ctx, sub, at)
			require.NoError(t, err)
			require.Equal(t, []session.Record{r}, list)
		}
		for _, tenant := range []authn.Tenant{"", "a", "a:b", "{", "\xff"} {
			whole, err := s.TenantSessions(ctx, tenant, at, "", 1000)
			require.NoError(t, err)
			list := whole.Records
			require.Len(t, list, len(hostile())-map[bool]int{true: 1}[tenant == ""], "nothing comes after the empty ID but what has one")
			for i := 1; i < len(list); i++ {
				require.Less(t, list[i-1].ID, list[i].ID)
				page, err := s.TenantSessions(ctx, tenant, at, list[i-1].ID, 1)
				require.NoError(t, err)
				require.Equal(t, list[i].ID, page.Records[0].ID)
			}
		}
		n, err := s.PruneSessions(ctx, at.Add(time.Hour+time.Microsecond))
		require.NoError(t, err)
		assert.Equal(t, len(all), n)
		n, err = s.PruneSessions(ctx, at.Add(60*24*time.Hour))
		require.NoError(t, err)
		assert.Zero(t, n)
	})
}

func TestHostileOneTimes(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		s := open(t)
		var all []authn.OneTime
		for _, a := range hostile() {
			for _, b := range []string{"", ":", "}", "a"} {
				r := authn.OneTime{Tenant: authn.Tenant(a), Purpose: b, ID: a + b, SecretHash: []byte(a), Value: "\xff" + a, Expires: at}
				require.NoError(t, s.PutOneTime(t.Context(), r))
				all = append(all, r)
			}
		}
		for _, r := range all {
			got, err := s.ConsumeOneTime(t.Context(), r.Tenant, r.Purpose, r.ID, r.SecretHash, at.Add(-time.Second))
			require.NoError(t, err)
			require.Equal(t, r, got)
		}
	})
}

func TestHostileRevocations(t *testing.T) {
	t.Parallel()
	s := single(t)
	var all []authn.Revocation
	for _, text := range hostile() {
		e := authn.Revocation{Kind: authn.RevocationKind(text), Tenant: authn.Tenant(text), ID: text + "\xff", Until: at}
		last, err := s.Revoke(t.Context(), e)
		require.NoError(t, err)
		e.Position = last
		all = append(all, e)
	}
	got, _, err := s.Revocations(t.Context(), 0, 1000)
	require.NoError(t, err)
	assert.Equal(t, all, got)
}

// An ID that names another account's slot is refused: nobody would find it there.
func TestForeignTag(t *testing.T) {
	t.Parallel()
	s := single(t)
	r := newRecord(t, ada)
	r.Subject.ID = "bob"
	_, err := s.CreateSession(t.Context(), r, session.Limit{})
	require.ErrorContains(t, err, "the ID belongs to another account")
}

// What cannot be kept exactly, or would be too large to read again, is refused when it is written.
func TestUnkeepable(t *testing.T) {
	t.Parallel()
	s := single(t)
	for name, change := range map[string]func(*session.Record){
		"year 9999": func(r *session.Record) { r.EndsAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) },
		"too large": func(r *session.Record) { r.UserAgent = strings.Repeat("x", 1<<20) },
	} {
		r := newRecord(t, ada)
		change(&r)
		_, err := s.CreateSession(t.Context(), r, session.Limit{})
		require.Error(t, err, name)
		_, err = s.Session(t.Context(), ada.Tenant, r.ID)
		require.ErrorIs(t, err, authn.ErrNotFound, name)
	}
	r := created(t, s, newRecord(t, ada))
	use := session.Use{At: at, IdleAt: at, UserAgent: strings.Repeat("x", 1<<20)}
	require.Error(t, s.TouchSessions(t.Context(), session.Touch{Tenant: ada.Tenant, ID: r.ID, Use: use}))
	got, err := s.Session(t.Context(), ada.Tenant, r.ID)
	require.NoError(t, err)
	assert.Equal(t, r, got)
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"{a}", "a:b", "a b", "ä", strings.Repeat("a", 65)} {
		_, err := redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{"127.0.0.1:1"}, Prefix: prefix})
		require.ErrorContains(t, err, "a prefix is")
	}
	addr := shared.Server(t).Addr()
	a, b := open(t, redisstore.Options{}, addr), open(t, redisstore.Options{}, addr)
	r := created(t, a, newRecord(t, ada))
	_, err := b.Session(t.Context(), ada.Tenant, r.ID)
	require.ErrorIs(t, err, authn.ErrNotFound)
}
