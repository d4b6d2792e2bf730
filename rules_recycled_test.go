package authmodule_test

import (
	"database/sql"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// TEN-02: who registers with the address of an account that was deleted from the store gets another ID and none of
// its rights, and none of its credentials is good again.
func TestTEN02RegisteringAgainResurrectsNothing(t *testing.T) {
	t.Parallel()
	place := sharedPlaces(t)[1]
	app := place.boot(t)
	g := newGuest(t, app, "acme", "guest@example.com")
	settle(app)
	g.requireAnswers(t, app, http.StatusOK, nil, "before")

	db, err := sql.Open("sqlite", place.store.DSN.Reveal())
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "DELETE FROM authmodule_users")
	require.NoError(t, err)
	require.NoError(t, app.Users.Changed(t.Context(), g.Subject))
	g.requireAnswers(t, app, http.StatusUnauthorized, nil, "deleted")

	user, err := app.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: "acme", Email: "guest@example.com", Password: password})
	require.NoError(t, err)
	assert.NotEqual(t, g.ID, user.Subject.ID)
	roles, _, err := app.AuthorizationService.RolesOf(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Equal(t, []string{"viewer"}, roles)
	settle(app)
	g.requireAnswers(t, app, http.StatusUnauthorized, nil, "registered again")
}

// TEN-02: a role of the name of a deleted one is given to nobody, on every store and on another node.
func TestTEN02RoleOfADeletedNameIsGivenToNobody(t *testing.T) {
	t.Parallel()
	for _, place := range sharedPlaces(t) {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			here, there := place.boot(t), place.boot(t)
			g := newGuest(t, here, "acme", "guest@example.com")
			editor := authz.Role{Name: "editor", Permissions: []string{writing}}
			require.NoError(t, all(defines(editor), gives("editor"), takes("writer"))(t.Context(), here, g.Subject))
			g.requireAnswers(t, here, http.StatusOK, nil, "before")
			require.NoError(t, all(deletes("editor"), defines(editor))(t.Context(), there, g.Subject))
			g.requireAnswers(t, there, http.StatusForbidden, nil, "at once")
			left, err := here.AuthorizationService.Assignments(t.Context(), g.Subject)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}
