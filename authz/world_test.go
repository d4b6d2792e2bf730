package authz_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

const (
	worldRoles    = 12 // roles that somebody may define; two more names are nobody's
	worldSubjects = 6
)

var worldTenants = []authn.Tenant{"", "acme", "globex"}

// chance makes up names, rules and questions.
type chance struct{ *rand.Rand }

func (c chance) of(list ...string) string { return list[c.IntN(len(list))] }

func (c chance) one(in int) bool { return c.IntN(in) == 0 }

func (c chance) name() string { return fmt.Sprintf("r%d", c.IntN(worldRoles+2)) }

func (c chance) names(most int) []string {
	list := make([]string, c.IntN(most+1))
	for i := range list {
		list[i] = c.name()
	}
	return list
}

func (c chance) segment() string {
	return c.of("a", "a", "a", "a", "a", "b", "b", "b", "c", "A", "aa", "a_b", "a-b")
}

// length is that of a permission: of two or three segments mostly, of sixteen seldom.
func (c chance) length() int {
	if c.one(12) {
		return 2 + c.IntN(15)
	}
	return 2 + c.IntN(2)
}

func (c chance) action() string {
	segments := make([]string, c.length())
	for i := range segments {
		segments[i] = c.segment()
	}
	return strings.Join(segments, ".")
}

// asked is what a caller asks for, now and then nothing that can be asked for.
func (c chance) asked() string {
	if c.one(4) {
		return c.of(policyActions(c.of("Doc", "Bill"))...)
	}
	if c.one(60) {
		return c.of("", "a", "*.a", "a.*", "a.**", "**", "a..b", ".a", "a.", "a.b\n", "a.é", "!a.b", strings.Repeat("a.", 16)+"a", strings.Repeat("a", 65)+".a")
	}
	return c.action()
}

func (c chance) pattern() string {
	if c.one(80) {
		return "**"
	}
	segments := strings.Split(c.action(), ".")
	for i := range segments {
		if c.IntN(5) < 2 {
			segments[i] = "*"
		}
	}
	if c.one(5) {
		segments[len(segments)-1] = "**"
	}
	return strings.Join(segments, ".")
}

func (c chance) scopes() []string {
	list := make([]string, c.IntN(4))
	for i := range list {
		if list[i] = c.pattern(); c.one(10) {
			list[i] = c.of("", "a", "*", "!a.b", "a.**.b", "**.a", "a b.c", strings.Repeat("*.", 16)+"*")
		}
	}
	return list
}

// newRole inherits some of the parents.
func (c chance) newRole(name string, parents []string) authz.Role {
	r := authz.Role{Name: name}
	for range c.IntN(6) {
		text := c.pattern()
		if c.one(5) {
			text = "!" + text
		}
		r.Permissions = append(r.Permissions, text)
	}
	for range min(len(parents), c.IntN(3)) {
		r.Inherits = append(r.Inherits, c.of(parents...))
	}
	return r
}

func (c chance) resource(action string) authz.Resource {
	if c.one(3) {
		return none
	}
	on := authz.Resource{Type: typeOf(action), ID: "1", Attributes: authz.Attributes{"owner": c.of("x", "y"), "status": c.of("x", "y")}}
	if c.one(40) {
		on.Type = c.of("Doc", "Bill")
	}
	if c.one(8) {
		delete(on.Attributes, c.of("owner", "status"))
	}
	if c.one(2) {
		on.Attributes["label"] = c.of("x", "y")
	}
	return on
}

func policyActions(of string) []string {
	if of == "Doc" {
		return []string{"a.a", "a.b", "a.a.a", "a.c.a"}
	}
	return []string{"b.a", "b.b", "A.a", "aa.b.a"}
}

func (c chance) saying(id string, roles []string) saying {
	s := saying{id: id, permit: c.one(2)}
	if typ := c.of("Doc", "Bill"); true {
		s.action = c.of(policyActions(typ)...)
		if c.IntN(3) > 0 {
			s.typ = typ
		}
	}
	if c.IntN(3) > 0 && len(roles) > 0 {
		s.role = c.of(roles...)
	}
	if s.typ != "" && c.IntN(4) > 0 {
		s.attribute, s.wanted, s.unless = c.of("owner", "status", "label"), c.of("x", "y"), c.one(3)
	}
	return s
}

// world is a service and what the reference knows of its rules.
type world struct {
	chance
	*reference
	service  *authz.Service
	store    *fakeStore
	policyID int
	callers  []authn.Principal
	// refused counts the changes that were refused, over all worlds.
	refused map[error]int
}

func newWorld(t *testing.T, c chance, refused map[error]int) *world {
	t.Helper()
	w := &world{chance: c, refused: refused, store: newFakeStore(), reference: &reference{
		enabled: !c.one(12), defaultRole: c.of("viewer", "r0", "r1"), admin: c.of("admin", "r1"), now: testNow,
		code: map[string]authz.Role{}, config: map[string]authz.Role{}, stored: map[authn.Tenant]map[string]authz.Role{},
		storedPolicies: map[authn.Tenant]map[string][]saying{}, assigned: map[authn.Subject][]authz.Assignment{},
	}}
	if c.one(3) {
		w.superuser = c.of("root", "r2", "r3")
	}
	for _, tenant := range worldTenants {
		w.stored[tenant], w.storedPolicies[tenant] = map[string]authz.Role{}, map[string][]saying{}
	}
	base := w.base()
	cfg := authz.Config{
		Enabled: setting.On, DefaultRole: w.defaultRole, AdminRole: w.admin, SuperuserRole: w.superuser, Roles: map[string]authz.RoleConfig{},
		Policies: authz.PolicyConfig{Resources: map[string]authz.ResourceConfig{}},
	}
	if !w.enabled {
		cfg.Enabled = setting.Off
	}
	for name, r := range w.config {
		cfg.Roles[name] = authz.RoleConfig{Permissions: r.Permissions, Inherits: r.Inherits}
	}
	for _, typ := range []string{"Doc", "Bill"} {
		cfg.Policies.Resources[typ] = authz.ResourceConfig{
			Attributes: map[string]string{"owner": "String", "status": "String", "label": "String?"}, Actions: policyActions(typ),
		}
	}
	for range min(1, w.IntN(4)) * w.IntN(16) {
		if s := w.newSaying("", base); s.id != "" {
			w.policies = append(w.policies, s)
			cfg.Policies.Inline += s.cedar()
		}
	}
	var err error
	w.service, err = authz.New(cfg, authz.Deps{
		Rules: w.store, Assignments: w.store, Extra: slices.Collect(maps.Values(w.code)),
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
	})
	require.NoError(t, err)
	return w
}

// base defines roles in code and configuration, and returns their names. Each inherits those of lower numbers.
func (w *world) base() []string {
	var names []string
	for i := range worldRoles {
		name, lower := fmt.Sprintf("r%d", i), slices.Clone(names)
		if i < 2 { // the default role never leads to the superuser role
			lower = nil
		}
		if w.one(4) && name != w.defaultRole {
			continue
		}
		if w.one(2) {
			w.code[name] = w.newRole(name, lower)
		}
		if _, coded := w.code[name]; !coded || w.one(3) {
			w.config[name] = w.newRole(name, lower)
		}
		names = append(names, name)
	}
	return names
}

// newSaying returns one without an ID if there is another that says the same.
func (w *world) newSaying(t authn.Tenant, roles []string) saying {
	s := w.saying("", roles)
	same := func(other saying) bool { other.id = ""; return other == s }
	if slices.ContainsFunc(w.policies, same) {
		return s
	}
	for _, text := range w.storedPolicies[t] {
		if slices.ContainsFunc(text, same) {
			return s
		}
	}
	w.policyID++
	s.id = fmt.Sprintf("p%d", w.policyID)
	return s
}
