package authztest

import (
	"net/netip"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// sections reads the parts of a table in the order in which they need each other, however they stand.
func (r *reader) sections(root *yaml.Node) {
	found := map[string]*yaml.Node{}
	known := map[string]func(*yaml.Node){}
	for _, name := range []string{"principals", "resources", "environment", "cases", "matrix"} {
		known[name] = func(n *yaml.Node) { found[name] = n }
	}
	r.fields(root, "a table", known)
	r.section(found["principals"], func(n *yaml.Node) { r.each(n, "principals", r.principal) })
	r.section(found["resources"], func(n *yaml.Node) { r.each(n, "resources", r.resource) })
	r.section(found["environment"], func(n *yaml.Node) { r.table.environment = r.environment(n) })
	r.section(found["cases"], func(n *yaml.Node) {
		for _, item := range r.list(n, "cases") {
			r.oneCase(item)
		}
	})
	r.section(found["matrix"], func(n *yaml.Node) {
		for _, item := range r.list(n, "matrix") {
			r.matrix(item)
		}
	})
}

func (r *reader) section(n *yaml.Node, read func(*yaml.Node)) {
	if n != nil {
		read(n)
	}
}

// multiFactor is the method of a login with several factors (RFC 8176, section 2).
const multiFactor = "mfa"

func (r *reader) principal(name, n *yaml.Node) {
	p := &principal{mark: mark{what: "principal", name: name.Value, line: name.Line, column: name.Column}}
	p.is = authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: name.Value}, Roles: []string{}}
	r.fields(n, "a principal", map[string]func(*yaml.Node){
		"id":         func(n *yaml.Node) { p.is.Subject.ID = r.text(n, "id") },
		"tenant":     func(n *yaml.Node) { p.is.Subject.Tenant = authn.Tenant(r.text(n, "tenant")) },
		"kind":       func(n *yaml.Node) { p.is.Kind = r.kind(n) },
		"roles":      func(n *yaml.Node) { p.is.Roles = r.texts(n, "roles") },
		"scopes":     func(n *yaml.Node) { p.is.Scopes = r.texts(n, "scopes") },
		"methods":    func(n *yaml.Node) { p.is.Methods = r.texts(n, "methods") },
		"auth_time":  func(n *yaml.Node) { p.is.AuthTime = r.time(n, "auth_time") },
		"mfa_age":    func(n *yaml.Node) { p.mfaAge = r.age(n) },
		"attributes": func(n *yaml.Node) { p.attributes = r.attributes(n) },
	})
	if (p.mfaAge != nil) != slices.Contains(p.is.Methods, multiFactor) {
		r.wrong(name, "mfa_age and the method mfa belong together: name both or neither")
	}
	r.table.principals[name.Value] = p
}

func (r *reader) kind(n *yaml.Node) authn.Kind {
	switch n.Value {
	case "user":
		return authn.KindUser
	case "service":
		return authn.KindService
	}
	r.wrong(n, "kind is user or service; nobody else may do anything, so that a case about them could not fail")
	return authn.KindUser
}

func (r *reader) age(n *yaml.Node) *time.Duration {
	age, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || age < 0 {
		r.wrong(n, "mfa_age is a duration such as 5m")
	}
	return &age
}

func (r *reader) resource(name, n *yaml.Node) {
	x := &resource{mark: mark{what: "resource", name: name.Value, line: name.Line, column: name.Column}}
	x.is.ID = name.Value
	r.fields(n, "a resource", map[string]func(*yaml.Node){
		"type":       func(n *yaml.Node) { x.is.Type = r.text(n, "type") },
		"id":         func(n *yaml.Node) { x.is.ID = r.text(n, "id") },
		"tenant":     func(n *yaml.Node) { x.is.Tenant = r.text(n, "tenant") },
		"attributes": func(n *yaml.Node) { x.is.Attributes = r.attributes(n) },
		"parents":    func(n *yaml.Node) { x.is.Parents = r.parents(n) },
	})
	if x.is.Type == "" {
		r.wrong(name, "the resource %s has no type", show(name.Value))
	}
	r.table.resources[name.Value] = x
}

func (r *reader) parents(n *yaml.Node) []policy.Entity {
	var all []policy.Entity
	for _, item := range r.list(n, "parents") {
		var e policy.Entity
		r.fields(item, "a parent", map[string]func(*yaml.Node){
			"type":    func(n *yaml.Node) { e.Type = r.text(n, "type") },
			"id":      func(n *yaml.Node) { e.ID = r.text(n, "id") },
			"parents": func(n *yaml.Node) { e.Parents = r.parents(n) },
		})
		if e.Type == "" || e.ID == "" {
			r.wrong(item, "a parent has a type and an id")
		}
		all = append(all, e)
	}
	return all
}

// environment reads what is known of a request, over what the table says of all.
func (r *reader) environment(n *yaml.Node) policy.Context {
	c := r.table.environment
	r.fields(n, "an environment", map[string]func(*yaml.Node){
		"ip":         func(n *yaml.Node) { c.IP = r.address(n) },
		"method":     func(n *yaml.Node) { c.Method = r.text(n, "method") },
		"route":      func(n *yaml.Node) { c.Route = r.text(n, "route") },
		"time":       func(n *yaml.Node) { c.Time = r.time(n, "time") },
		"attributes": func(n *yaml.Node) { c.Attributes = r.attributes(n) },
	})
	return c
}

func (r *reader) address(n *yaml.Node) netip.Addr {
	ip, err := netip.ParseAddr(n.Value)
	if err != nil {
		r.wrong(n, "ip is an address such as 192.0.2.1")
	}
	return ip
}
