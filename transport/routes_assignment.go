package transport

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type assignmentView struct {
	Role string `json:"role"`
	// Source is the identity provider that gave it; empty for what was assigned by hand.
	Source string     `json:"source"`
	Until  *time.Time `json:"until"`
}

func (g *Gate) assignments(ctx context.Context, r *http.Request) (Reply, error) {
	subject := named(ctx, r)
	if err := soundID("id", subject.ID); err != nil {
		return Reply{}, err
	}
	list, err := g.deps.Authz.Assignments(ctx, subject)
	if err != nil {
		return Reply{}, err
	}
	views := make([]assignmentView, 0, len(list))
	for _, a := range list {
		views = append(views, assignmentView{a.Role, a.Source, moment(a.Until)})
	}
	body := struct {
		Assignments []assignmentView `json:"assignments"`
		// Default is the role of an account without assignments, on such an account.
		Default string `json:"default_role,omitempty"`
	}{Assignments: views}
	if len(views) == 0 {
		body.Default = g.deps.Authz.DefaultRole()
	}
	return Reply{Body: body}, nil
}

func (g *Gate) assign(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	in.only("until")
	until := in.time("until")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	id, name, err := assigned(r)
	if err != nil {
		return Reply{}, err
	}
	return Reply{}, ruleProblem(g.delegate(ctx).AssignUntil(ctx, id, name, until))
}

func (g *Gate) unassign(ctx context.Context, r *http.Request) (Reply, error) {
	id, name, err := assigned(r)
	if err != nil {
		return Reply{}, err
	}
	return Reply{}, ruleProblem(g.delegate(ctx).Unassign(ctx, id, name))
}

// assigned are the account and the role of a path.
func assigned(r *http.Request) (id, name string, err error) {
	id, name = r.PathValue("id"), r.PathValue("name")
	if err := soundID("id", id); err != nil {
		return "", "", err
	}
	return id, name, soundID("name", name)
}

// time returns a member that is a time, or the zero time when it is absent. It can be written again as RFC 3339, whose
// years end with 9999.
func (b *body) time(name string) time.Time {
	if !b.object.Has(name) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, b.optional(name))
	if year := t.UTC().Year(); err != nil || t.IsZero() || year < 1 || year > 9999 {
		b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "malformed", Problem: "must be a time such as 2030-01-31T12:00:00Z (RFC 3339)"})
	}
	return t.UTC()
}

// only refuses members that are not named, where one that is misspelt must not count as absent.
func (b *body) only(names ...string) {
	for _, name := range slices.Sorted(maps.Keys(b.object)) {
		if !slices.Contains(names, name) && len(b.faults) < mostFaults {
			b.faults = append(b.faults, &authn.FieldError{Field: name, Code: "unknown_member", Problem: "is not known here; known: " + strings.Join(names, ", ")})
		}
	}
}
