package authz_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
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

// unheard returns a service that keeps no events, and has read the stored roles.
func unheard(b *testing.B, cfg authz.Config) *authz.Service {
	b.Helper()
	store, events := newFakeStore(), audit.NewBus(nil, nil)
	service, err := authz.New(cfg, authz.Deps{Rules: store, Assignments: store, Events: events})
	require.NoError(b, err)
	require.NoError(b, service.Reload(b.Context(), ""))
	return service
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		last := max(n/10, 1) - 1
		deep := last - last%6 + min(5, last%6)
		cases := []struct{ name, role, permission string }{
			{"exact", fmt.Sprintf("role%d", last), fmt.Sprintf("resource%d.action9", last)},
			{"inherited", fmt.Sprintf("role%d", deep), fmt.Sprintf("resource%d.action9", deep-deep%6)},
			{"wildcard", "clerk", "invoices.list"},
			{"denied", "clerk", "invoices.pay"},
		}
		service := unheard(b, rules(n))
		for _, c := range cases {
			p, ctx, allowed := user(c.role), context.Background(), c.name != "denied"
			required := authz.RequirePermissions(c.permission)
			measure := func(form string, decide func() bool) {
				b.Run(fmt.Sprintf("rules=%d/%s/%s", n, c.name, form), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if decide() != allowed {
							b.Fatal("decided wrongly")
						}
					}
				})
			}
			measure("Can", func() bool { return service.Can(ctx, p, c.permission, none) })
			measure("Decide", func() bool { d, _ := service.Decide(ctx, &p, required); return d.Allowed })
			measure("Passes", func() bool { return service.Passes(&p, required) })
			known := p.Remembering()
			measure("Passes, remembered", func() bool { return service.Passes(&known, required) })
		}
	}
}

func BenchmarkPassesParallel(b *testing.B) {
	service := unheard(b, rules(10_000))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		p, required := user("role5"), authz.RequirePermissions("resource0.action9")
		for pb.Next() {
			if !service.Passes(&p, required) {
				b.Error("denied")
			}
		}
	})
}

func BenchmarkNew(b *testing.B) {
	cfg, store := rules(10_000), newFakeStore()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := authz.New(cfg, authz.Deps{Rules: store, Assignments: store}); err != nil {
			b.Fatal(err)
		}
	}
}
