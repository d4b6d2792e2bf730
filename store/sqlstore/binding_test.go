package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// A binding that cannot be read is an error, and never a session without one.
func TestUnreadableBindingIsNoBearerSession(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	s := open(t, path)
	record := session.Record{
		Subject: authn.Subject{ID: "ada"}, ID: "s1", Carrier: authn.CarrierToken, SecretHash: []byte("a"), Generation: 1, CreatedAt: t0, LastUsedAt: t0,
		IdleAt: t0.Add(time.Hour), EndsAt: t0.Add(time.Hour), Confirmation: authn.Confirmation{Certificate: authn.CertificateThumbprint([]byte("leaf"))},
	}
	_, err := s.CreateSession(t.Context(), record, session.Limit{})
	require.NoError(t, err)
	for _, text := range []string{"{}", "x", `{"jkt":"x"}`, `{"x5t#S256":"x"}`, " "} {
		execRaw(t, path, fmt.Sprintf(`UPDATE authmodule_sessions SET confirmation = '%s'`, text))
		got, err := s.Session(t.Context(), "", "s1")
		require.Error(t, err, text)
		assert.NotErrorIs(t, err, authn.ErrNotFound)
		assert.Zero(t, got)
		_, err = s.Sessions(t.Context(), record.Subject, t0)
		require.Error(t, err, text)
	}
}
