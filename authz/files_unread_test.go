package authz_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

// A configuration with files of policies that nobody read is refused: what they forbid would be allowed (POL-01).
func TestFilesThatWereNotReadAreRefused(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), newFakeStore()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.cedar"), []byte(`forbid(principal, action, resource);`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.cedarschema"), []byte(`entity Doc;`), 0o600))
	for _, pattern := range []string{"*.cedar", "a.cedar", "./a.cedar", "./*.cedar", "[a-b].cedar"} {
		cfg := roles(map[string]authz.RoleConfig{"viewer": holding("articles.read")})
		cfg.Policies = authz.PolicyConfig{Files: []string{dir + "/" + pattern}, Schema: []string{dir + "/a.cedarschema"}}
		_, err := authz.New(cfg, authz.Deps{Rules: store, Assignments: store})
		require.ErrorIs(t, err, authz.ErrPolicyFile, pattern)
		require.ErrorContains(t, err, "PolicyConfig.Files", pattern)
		require.ErrorContains(t, err, "PolicyConfig.Schema", pattern)

		policies, schemas, err := cfg.Policies.Read()
		require.NoError(t, err)
		s, err := authz.New(cfg, authz.Deps{Rules: store, Assignments: store, Policies: policies, Schemas: schemas})
		require.NoError(t, err, pattern)
		assert.False(t, s.Can(t.Context(), user("viewer"), "articles.read", none))
	}
}
