package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type roleView struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Permissions []string         `json:"permissions"`
	Inherits    []string         `json:"inherits"`
	Source      authz.RoleSource `json:"source"`
	Replaces    authz.RoleSource `json:"replaces,omitempty"`
}

func viewRole(r authz.RoleInfo) roleView {
	return roleView{
		Name: r.Name, Description: r.Description, Source: r.Source, Replaces: r.Replaces,
		Permissions: append([]string{}, r.Permissions...), Inherits: append([]string{}, r.Inherits...),
	}
}

// sayingView is a permission with the roles that lead to it.
type sayingView struct {
	Permission string   `json:"permission"`
	Path       []string `json:"path"`
}

func viewSayings(sayings []authz.RoleSaying) []sayingView {
	views := make([]sayingView, 0, len(sayings))
	for _, s := range sayings {
		views = append(views, sayingView{s.Permission, s.Path})
	}
	return views
}

func (g *Gate) roles(ctx context.Context, _ *http.Request) (Reply, error) {
	roles, err := g.deps.Authz.RoleInfos(ctx, tenantOf(ctx))
	if err != nil {
		return Reply{}, err
	}
	views := make([]roleView, 0, len(roles))
	for _, r := range roles {
		views = append(views, viewRole(r))
	}
	return Reply{Body: map[string]any{"roles": views}}, nil
}

func (g *Gate) role(ctx context.Context, r *http.Request) (Reply, error) {
	role, err := g.deps.Authz.Role(ctx, tenantOf(ctx), r.PathValue("name"))
	if err != nil {
		return Reply{}, ruleProblem(err)
	}
	return Reply{Body: struct {
		roleView
		Holds []sayingView `json:"holds"`
	}{viewRole(role), viewSayings(role.Holds)}}, nil
}

func (g *Gate) defineRole(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	role := in.role(r.PathValue("name"))
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	err = g.delegate(ctx).DefineRole(ctx, role)
	if errors.Is(err, authz.ErrUnknownRole) && !errors.Is(err, authz.ErrStoredRules) {
		return Reply{}, g.unknownParents(ctx, role)
	}
	return Reply{}, roleProblem(err)
}

// role reads a role. Its permissions must be there, and no member may be misspelt: neither must empty the role, nor drop a
// parent that takes something away. What GET answers can be put.
func (b *body) role(name string) authz.Role {
	b.only("permissions", "inherits", "description", "name", "source", "replaces", "holds")
	role := authz.Role{Name: name, Description: b.optional("description"), Permissions: b.texts("permissions"), Inherits: b.texts("inherits")}
	if !b.object.Has("permissions") {
		b.faults = append(b.faults, &authn.FieldError{Field: "permissions", Code: "required", Problem: "is required; an empty list is none"})
	}
	b.unbroken("description", role.Description)
	if len(role.Description) > authz.MaxDescription {
		b.faults = append(b.faults, &authn.FieldError{Field: "description", Code: "too_long", Problem: fmt.Sprintf("must be at most %d bytes", authz.MaxDescription)})
	}
	for i, text := range role.Permissions {
		if _, err := authz.ParsePattern(strings.TrimPrefix(text, "!")); err != nil {
			b.item("permissions", i, "is not a permission such as articles.read, articles.* or articles.**, or one of these after a !")
		}
	}
	return role
}

// unbroken refuses a text that a database would not take.
func (b *body) unbroken(name, text string) {
	if strings.ContainsRune(text, 0) {
		b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "malformed", Problem: "must not have the character U+0000"})
	}
}

// mostFaults bounds how many items of a list are complained of.
const mostFaults = 100

func (b *body) item(list string, i int, problem string) {
	if len(b.faults) < mostFaults {
		b.faults = append(b.faults, &authn.FieldError{Field: fmt.Sprintf("%s[%d]", list, i), Code: "malformed", Problem: problem})
	}
}

// unknownParents names the parents that are no roles, or none of them when another node has just changed that.
func (g *Gate) unknownParents(ctx context.Context, role authz.Role) error {
	roles, err := g.deps.Authz.Roles(ctx, tenantOf(ctx))
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(roles))
	for _, r := range roles {
		known[r.Name] = true
	}
	var faults body
	for i, parent := range role.Inherits {
		if !known[parent] && parent != role.Name {
			faults.item("inherits", i, "is not a role that is defined")
		}
	}
	if len(faults.faults) == 0 {
		return &authn.FieldError{Field: "inherits", Code: "malformed", Problem: "names a role that is not defined"}
	}
	return faults.err()
}

func (g *Gate) deleteRole(ctx context.Context, r *http.Request) (Reply, error) {
	return Reply{}, roleProblem(g.delegate(ctx).DeleteRole(ctx, r.PathValue("name")))
}

// holders answers with a page; "next" is the parameter "after" of the page that follows, and absent on the last.
func (g *Gate) holders(ctx context.Context, r *http.Request) (Reply, error) {
	name, after := r.PathValue("name"), r.URL.Query().Get("after")
	limit, err := pageSize(r, authz.DefaultHolders, authz.MaxHolders)
	if err != nil {
		return Reply{}, err
	}
	if err := soundID("name", name); err != nil {
		return Reply{}, err
	}
	if err := soundID("after", after); after != "" && err != nil {
		return Reply{}, err
	}
	ids, err := g.deps.Authz.Holders(ctx, tenantOf(ctx), name, after, limit)
	if err != nil {
		return Reply{}, err
	}
	body := struct {
		UserIDs []string `json:"user_ids"`
		Next    string   `json:"next,omitempty"`
	}{UserIDs: append([]string{}, ids...)}
	if len(ids) == limit {
		body.Next = ids[len(ids)-1]
	}
	return Reply{Body: body}, nil
}
