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

// What a browser's session takes: the record, and with its key and what Redis adds no more than 1 KiB.
func TestRecordSize(t *testing.T) {
	t.Parallel()
	r := newRecord(t, ada)
	r.PreviousHash, r.EndReason = r.SecretHash, authn.EndLogout
	blob, err := redisstore.EncodeSession(r)
	require.NoError(t, err)
	t.Logf("%d bytes", len(blob))
	assert.LessOrEqual(t, len(blob), 768)
}

// A record of another version is an error, in Go and in the scripts, never an absent record.
func TestUnknownVersion(t *testing.T) {
	t.Parallel()
	server := shared.Server(t)
	prefix := shared.Prefix()
	s := open(t, redisstore.Options{Prefix: prefix}, server.Addr())
	r := created(t, s, newRecord(t, ada))
	blob, err := redisstore.EncodeSession(r)
	require.NoError(t, err)
	key := server.MustCLI(t, "--raw", "keys", prefix+":{*:s:*")
	server.MustCLI(t, "setrange", key, "0", "\x02")
	calls := map[string]func() error{
		"Session":  func() error { _, err := s.Session(t.Context(), ada.Tenant, r.ID); return err },
		"Sessions": func() error { _, err := s.Sessions(t.Context(), ada, at); return err },
		"RotateSession": func() error {
			return s.RotateSession(t.Context(), session.Rotation{Tenant: ada.Tenant, ID: r.ID, Generation: 1, SecretHash: r.SecretHash, Use: session.Use{At: at}})
		},
		"ProveSession": func() error {
			_, err := s.ProveSession(t.Context(), ada.Tenant, r.ID, session.Proved{}, at)
			return err
		},
		"TouchSessions": func() error {
			return s.TouchSessions(t.Context(), session.Touch{Tenant: ada.Tenant, ID: r.ID, Use: session.Use{At: at}})
		},
		"EndSessions": func() error {
			_, err := s.EndSessions(t.Context(), ada, session.Selection{}, at, authn.EndLogout)
			return err
		},
		"TenantSessions": func() error { _, err := s.TenantSessions(t.Context(), ada.Tenant, at, "", 9); return err },
		"PruneSessions":  func() error { _, err := s.PruneSessions(t.Context(), at.Add(60*24*time.Hour)); return err },
	}
	for name, call := range calls {
		err := call()
		require.ErrorContains(t, err, "unknown version", name)
		require.NotErrorIs(t, err, authn.ErrNotFound, name)
		require.NotErrorIs(t, err, authn.ErrConflict, name)
	}
	_, err = redisstore.DecodeSession("\x02" + blob[1:])
	require.ErrorContains(t, err, "unknown version")
}

// REL-14: a record that is another one than was asked for is an error, whatever put it there.
func TestForeignRecordIsRefused(t *testing.T) {
	t.Parallel()
	server := shared.Server(t)
	prefix := shared.Prefix()
	s := open(t, redisstore.Options{Prefix: prefix}, server.Addr())
	a := created(t, s, newRecord(t, ada))
	key := server.MustCLI(t, "--raw", "keys", prefix+":{*:s:*")
	b := newRecord(t, ada)
	server.MustCLI(t, "copy", key, strings.Replace(key, a.ID, b.ID, 1))
	_, err := s.Session(t.Context(), ada.Tenant, b.ID)
	require.ErrorContains(t, err, "another record than the one asked for")
	require.NotErrorIs(t, err, authn.ErrNotFound)
}

// Whatever is accepted is what would be written, nothing panics, and nothing larger than 1 MiB is looked at.
func FuzzDecodeSession(f *testing.F) {
	for _, change := range []func(*session.Record){
		func(*session.Record) {},
		func(r *session.Record) { r.Methods, r.Confirmation, r.Remember = nil, authn.Confirmation{}, false },
		func(r *session.Record) { r.MFATime = at },
		func(r *session.Record) { r.Actor, r.ActorSession = "root", "s0" },
		func(r *session.Record) { r.EndedAt, r.EndReason, r.UserAgent = at, authn.EndLogout, "\xff" },
	} {
		r := newRecord(f, ada)
		change(&r)
		blob, err := redisstore.EncodeSession(r)
		require.NoError(f, err)
		f.Add(blob)
	}
	f.Add("")
	f.Add("\x01")
	f.Fuzz(func(t *testing.T, blob string) {
		r, err := redisstore.DecodeSession(blob)
		if err != nil {
			require.Zero(t, r)
			return
		}
		again, err := redisstore.EncodeSession(r)
		require.NoError(t, err)
		back, err := redisstore.DecodeSession(again)
		require.NoError(t, err)
		require.Equal(t, r, back)
		if r.Confirmation.IsZero() { // a confirmation has several spellings
			require.Equal(t, blob, again)
		}
	})
}
