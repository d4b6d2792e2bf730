package authz_test

import (
	"fmt"
	"testing"

	"github.com/authmodule/authmodule/authz"
)

// rules returns n permissions over n/10 roles, each of which inherits up to five others.
func rules(n int) authz.Config {
	cfg := authz.Config{Roles: map[string]authz.RoleConfig{}}
	for i := range max(n/10, 1) {
		var r authz.RoleConfig
		for j := range 10 {
			r.Permissions = append(r.Permissions, fmt.Sprintf("resource%d.action%d", i, j))
		}
		if i%6 != 0 {
			r.Inherits = []string{fmt.Sprintf("role%d", i-1)}
		}
		cfg.Roles[fmt.Sprintf("role%d", i)] = r
	}
	cfg.Roles["clerk"] = holding("forms.*", "*.list")
	return cfg
}

func BenchmarkAuthorize(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		last := max(n/10, 1) - 1
		deep := last - last%6 + min(5, last%6)
		cases := []struct{ name, role, permission string }{
			{"exact", fmt.Sprintf("role%d", last), fmt.Sprintf("resource%d.action9", last)},
			{"inherited", fmt.Sprintf("role%d", deep), fmt.Sprintf("resource%d.action9", deep-deep%6)},
			{"wildcard", "clerk", "invoices.list"},
		}
		suite := setup(b, rules(n))
		for _, c := range cases {
			b.Run(fmt.Sprintf("rules=%d/%s", n, c.name), func(b *testing.B) {
				p, ctx := user(c.role), b.Context()
				b.ReportAllocs()
				for b.Loop() {
					if d, err := suite.service.Authorize(ctx, p, c.permission); err != nil || !d.Allowed {
						b.Fatal(d, err)
					}
				}
			})
		}
	}
}

func BenchmarkAuthorizeParallel(b *testing.B) {
	suite := setup(b, rules(10_000))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		p := user("role5")
		for pb.Next() {
			if !suite.service.Can(b.Context(), p, "resource0.action9") {
				b.Error("denied")
			}
		}
	})
}

func BenchmarkNew(b *testing.B) {
	cfg, store := rules(10_000), newFakeStore()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := authz.New(cfg, authz.Deps{Roles: store, Assignments: store}); err != nil {
			b.Fatal(err)
		}
	}
}
