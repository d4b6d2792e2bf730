package authn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// A change that is refused returns no account, and stores nothing.
func TestEditThatIsRefused(t *testing.T) {
	t.Parallel()
	k := newServiceKit(t)
	ada := k.register(t, "", "ada")
	for name, tc := range map[string]struct {
		subject  authn.Subject
		from     int64
		edit     error
		expected error
	}{
		"another version": {ada.Subject, ada.CredentialVersion + 1, nil, authn.ErrConflict},
		"nobody":          {authn.Subject{ID: "nobody"}, 0, nil, authn.ErrNotFound},
		"by the edit":     {ada.Subject, 0, authn.ErrEmailTaken, authn.ErrEmailTaken},
	} {
		user, err := k.Credentials().Edit(t.Context(), tc.subject, tc.from, func(u *authn.User) error {
			u.Email = "other@example.com"
			return tc.edit
		}, nil)
		require.ErrorIs(t, err, tc.expected, name)
		assert.Zero(t, user, name)
	}
	stored, err := k.User(t.Context(), ada.Subject)
	require.NoError(t, err)
	assert.Equal(t, ada.Email, stored.Email)
	changed, err := k.Credentials().Edit(t.Context(), ada.Subject, ada.CredentialVersion, func(u *authn.User) error { u.Email = "other@example.com"; return nil }, nil)
	require.NoError(t, err)
	stored, err = k.User(t.Context(), ada.Subject)
	require.NoError(t, err)
	assert.Equal(t, stored, changed, "as it is stored")
}
