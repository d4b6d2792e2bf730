package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authz"
)

// RouteCheck says what happens at start when [Gate.CheckRoutes] finds something.
type RouteCheck string

// The values of [Config.CheckRoutes].
const (
	// RouteCheckOff looks at no route.
	RouteCheckOff RouteCheck = "off"
	// RouteCheckWarn logs one warning that lists all.
	RouteCheckWarn RouteCheck = "warn"
	// RouteCheckStrict does not start.
	RouteCheckStrict RouteCheck = "strict"
)

// Weigh returns what a start is to fail with, after a check that returned err; what is no reason to fail is logged as one warning. The zero value is strict.
func (c RouteCheck) Weigh(ctx context.Context, log *slog.Logger, err error) error {
	var wrong *RouteError
	switch {
	case err == nil || c == RouteCheckOff:
		return nil
	case errors.As(err, &wrong) && c != RouteCheckWarn:
		return err
	}
	log.WarnContext(ctx, "routes are not in order", "error", err)
	return nil
}

// StartCheck looks at routes as [Config].CheckRoutes says, and returns what the start is to fail with, which it logs. Adapters call it with their CheckRoutes when the application starts.
func (g *Gate) StartCheck(ctx context.Context, check func(context.Context) error) error {
	if g.cfg.CheckRoutes == RouteCheckOff {
		return nil
	}
	err := g.cfg.CheckRoutes.Weigh(ctx, g.deps.Log, check(ctx))
	if err != nil {
		g.deps.Log.ErrorContext(ctx, "refused to start: routes are not in order", "error", err)
	}
	return err
}

// RouteFault is one thing that is wrong with one path. Host is empty for any, and Path for what concerns the whole router.
type RouteFault struct {
	Host    string
	Methods []string
	Path    string
	// Problem is what is wrong, and Fix what to do.
	Problem, Fix string
}

// String returns what is wrong, where, and the fix.
func (f RouteFault) String() string {
	text := f.Problem + ": " + f.Fix
	if f.Path == "" {
		return text
	}
	return strings.Join(f.Methods, ", ") + " " + f.Host + f.Path + " " + text
}

// RouteError is everything that is wrong with an application's routes.
type RouteError struct{ Faults []RouteFault }

// Error returns a line for each fault.
func (e *RouteError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		lines[i] = "routes: " + fault.String()
	}
	return strings.Join(lines, "\n")
}

// CheckRoutes returns a *[RouteError] with every route that is neither guarded nor public on purpose, every guard before which
// nothing authenticates, and every guard that names an unknown role, or a permission that no role of the default tenant holds,
// whether it is defined in configuration, code or store. What the superuser role passes does not count. Faults that the adapter
// found are listed first. An error of the store is returned when the roles cannot be read and nothing else is wrong.
func (g *Gate) CheckRoutes(ctx context.Context, t RouteTable, found ...RouteFault) error {
	c := routeCheck{adapter: t.Adapter, faults: slices.Clone(found)}
	var err error
	if g.deps.Authz.Enabled() && slices.ContainsFunc(t.Routes, Route.asksRoles) {
		err = c.read(ctx, g.deps.Authz)
	}
	if c.roles != nil {
		c.outlook = func(action string) (authz.Outlook, error) { return g.deps.Authz.Outlook(ctx, "", action) }
	}
	for _, r := range t.Routes {
		c.route(r)
	}
	if len(c.faults) > 0 {
		return &RouteError{Faults: c.faults}
	}
	if err != nil {
		return fmt.Errorf("transport: routes: which roles there are cannot be read: %w", err)
	}
	return nil
}

// routeCheck collects faults. Its roles are nil when they do not matter, or are not known.
type routeCheck struct {
	adapter string
	roles   map[string]bool
	outlook func(action string) (authz.Outlook, error)
	faults  []RouteFault
}

// asksRoles reports whether a guard is one that roles and policies decide about.
func (r Route) asksRoles() bool {
	return slices.ContainsFunc(r.Requires, func(want Guarding) bool {
		return slices.Contains([]GuardKind{KindRoles, KindPermissions, KindAnyPermission, KindPolicy, KindOwner}, want.Kind)
	})
}

func (c *routeCheck) read(ctx context.Context, service *authz.Service) error {
	roles, err := service.Roles(ctx, "")
	if err != nil {
		return err
	}
	c.roles = map[string]bool{}
	for _, role := range roles {
		c.roles[role.Name] = true
	}
	return nil
}

// add adds the fault, or the route's method to the same fault of the path.
func (c *routeCheck) add(r Route, problem, fix string) {
	for i := range c.faults {
		if f := &c.faults[i]; f.Host == r.Host && f.Path == r.Path && f.Problem == problem {
			if !slices.Contains(f.Methods, r.Method) {
				f.Methods = append(f.Methods, r.Method)
			}
			return
		}
	}
	c.faults = append(c.faults, RouteFault{Host: r.Host, Methods: []string{r.Method}, Path: r.Path, Problem: problem, Fix: fix})
}

func (c *routeCheck) route(r Route) {
	switch {
	case r.Unseen != "":
		c.add(r, r.Unseen, "add it in an fx.Invoke that comes after "+watching(c.adapter)+", or after "+c.adapter+".Mount")
	case len(r.Requires) == 0:
		c.undeclared(r)
	case r.Unmounted:
		c.add(r, "has a guard before which nothing authenticates, so that it answers 500", mounting(c.adapter))
	}
	for _, want := range r.Requires {
		c.guarding(r, want)
	}
}

// watching is what has routes seen from then on.
func watching(adapter string) string {
	if adapter == "echov5auth" {
		return "echov5auth.Module"
	}
	return "authmodule.Configure"
}

func mounting(adapter string) string {
	if adapter == "httpauth" {
		return "have Authenticate of *httpauth.Auth come before it, or around the router alone"
	}
	return "call " + adapter + ".Mount first, and Use after it"
}

func (c *routeCheck) undeclared(r Route) {
	fix := fmt.Sprintf("add %s.RequireAuth() or another guard, or %s.Public(), to the route or its group", c.adapter, c.adapter)
	if r.Others > 0 {
		fix += fmt.Sprintf("; it has %d middlewares of others, and a guard that one of them wraps is not recognised", r.Others)
	}
	c.add(r, "has no guard", fix)
}

func (c *routeCheck) guarding(r Route, want Guarding) {
	switch want.Kind {
	case "":
		c.add(r, "has a guard without what it asks for, so that nobody passes", "give RequirePolicy its resource function, and RequireOwner its owner function")
	case KindRoles:
		c.named(r, want, "role", c.role)
	case KindPermissions, KindAnyPermission:
		c.named(r, want, "permission", c.permission)
	case KindPolicy:
		c.named(r, want, "action", c.action)
	case KindOwner:
		for _, name := range want.Names {
			if problem, fix := c.permission(name); problem != "" {
				c.add(r, problem, fix)
			}
		}
	case KindScopes:
		c.named(r, want, "permission", wellFormed)
	case KindACR:
		c.named(r, want, "class", class)
	case KindMFA, KindRecentAuth:
		if want.MaxAge < 0 || want.MaxAge == 0 && want.Kind == KindRecentAuth {
			c.add(r, "has a guard with an age that nobody's login has, so that nobody passes", "give it a positive one, such as 5*time.Minute")
		}
	}
}

// named looks at each name of a guard, which must have some.
func (c *routeCheck) named(r Route, want Guarding, what string, look func(name string) (problem, fix string)) {
	if len(want.Names) == 0 {
		c.add(r, "has a guard that names no "+what+", so that nobody passes", "name one")
	}
	for _, name := range want.Names {
		if problem, fix := look(name); problem != "" {
			c.add(r, problem, fix)
		}
	}
}

func (c *routeCheck) role(name string) (problem, fix string) {
	if c.roles == nil || c.roles[name] {
		return "", ""
	}
	return fmt.Sprintf("wants the role %q, which is not defined", name), "correct the name, or define it in auth.rbac.roles or by authmodule.AddRoles"
}

// permission is asked for without a resource.
func (c *routeCheck) permission(name string) (problem, fix string) {
	problem, fix = c.action(name)
	if problem != "" || c.outlook == nil {
		return problem, fix
	}
	if o, err := c.outlook(name); err == nil && o.NeedsResource {
		return fmt.Sprintf("wants the permission %q, which a policy forbids depending on the resource, so that nobody passes", name),
			"use " + c.adapter + ".RequirePolicy, which knows the resource"
	}
	return "", ""
}

func (c *routeCheck) action(name string) (problem, fix string) {
	problem, fix = wellFormed(name)
	if problem != "" || c.outlook == nil {
		return problem, fix
	}
	if o, err := c.outlook(name); err == nil && o.Grantable {
		return "", ""
	}
	return fmt.Sprintf("wants the permission %q, which no role holds and no policy permits", name), "correct the name, or give it to a role in auth.rbac.roles or by authmodule.AddRoles"
}

func class(name string) (problem, fix string) {
	if soundClass(name) {
		return "", ""
	}
	return fmt.Sprintf("wants %q, which is no authentication context class, so that nobody passes", name), "name one, such as authn.ACR2"
}

func wellFormed(name string) (problem, fix string) {
	if _, err := authz.ParsePermission(name); err != nil {
		return fmt.Sprintf("wants %q, which is no permission, so that nobody passes", name), "name one permission, such as articles.read"
	}
	return "", ""
}
