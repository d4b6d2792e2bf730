package authz_test

import (
	"fmt"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// Rules that are not in force any more leave memory, whoever was remembered under them, however many changes and tenants there are.
func TestRulesLeaveMemory(t *testing.T) {
	t.Parallel()
	const tenants, changes = 20, 20
	store, log := newFakeStore(), newSharedLog()
	n := newNode(t, store, log)
	var sets []weak.Pointer[policy.Set]
	var remembered []authn.Principal
	for i := range tenants * changes {
		tenant := authn.Tenant(fmt.Sprint("t", i%tenants))
		require.NoError(t, n.DefinePolicy(t.Context(), operator, tenant, authz.PolicyText{
			Name: "p", Format: authz.FormatCedar, Text: fmt.Sprintf(`forbid (principal, action == Action::"articles.read", resource) when { context.method == "M%d" };`, i),
		}))
		p := userOf(tenant, "reader").Remembering()
		_, err := n.AuthorizeRoles(t.Context(), p, "reader")
		require.NoError(t, err)
		n.Passes(&p, authz.RequireRoles("reader"))
		remembered = append(remembered, p)
		set, err := n.PolicySet(t.Context(), tenant)
		require.NoError(t, err)
		sets = append(sets, weak.Make(set))
	}
	runtime.GC()
	runtime.GC()
	alive := 0
	for _, set := range sets {
		if set.Value() != nil {
			alive++
		}
	}
	assert.LessOrEqual(t, alive, tenants, "of %d sets of policies", len(sets))
	assert.GreaterOrEqual(t, alive, tenants, "those in force")
	runtime.KeepAlive(remembered)
	runtime.KeepAlive(n)
}
