package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// policyBody is the longest request with a policy, in bytes: the longest text, each byte of it written with two.
const policyBody = 2<<20 + 4096

type policyView struct {
	Name   string `json:"name"`
	Format string `json:"format"`
	Text   string `json:"text"`
}

// compiledView is a policy in force.
type compiledView struct {
	ID            string            `json:"id"`
	Source        string            `json:"source"`
	Line          int               `json:"line"`
	Column        int               `json:"column"`
	Effect        string            `json:"effect"`
	Actions       []string          `json:"actions"` // null is all
	NeedsResource bool              `json:"needs_resource"`
	Annotations   map[string]string `json:"annotations,omitempty"`
	Cost          int               `json:"cost"`
}

func viewCompiled(set *policy.Set) []compiledView {
	views := []compiledView{}
	if set == nil {
		return views
	}
	for _, p := range set.Policies() {
		views = append(views, compiledView{p.ID, p.Source, p.Line, p.Column, p.Effect.String(), p.Actions, p.NeedsResource, p.Annotations, p.Cost})
	}
	return views
}

func (g *Gate) policies(ctx context.Context, _ *http.Request) (Reply, error) {
	stored, err := g.deps.Authz.Policies(ctx, tenantOf(ctx))
	if err != nil {
		return Reply{}, err
	}
	set, err := g.deps.Authz.PolicySet(ctx, tenantOf(ctx))
	if err != nil {
		return Reply{}, err
	}
	views := make([]policyView, 0, len(stored))
	for _, p := range stored {
		views = append(views, policyView(p))
	}
	return Reply{Body: map[string]any{"stored": views, "in_force": viewCompiled(set)}}, nil
}

func (g *Gate) policy(ctx context.Context, r *http.Request) (Reply, error) {
	stored, err := g.deps.Authz.Policies(ctx, tenantOf(ctx))
	if err != nil {
		return Reply{}, err
	}
	for _, p := range stored {
		if p.Name == r.PathValue("name") {
			return Reply{Body: policyView(p)}, nil
		}
	}
	return Reply{}, ruleProblem(authz.ErrUnknownPolicy)
}

// exportPolicies answers with all that is in force, those of configuration and code included.
func (g *Gate) exportPolicies(ctx context.Context, _ *http.Request) (Reply, error) {
	set, err := g.deps.Authz.PolicySet(ctx, tenantOf(ctx))
	if err != nil {
		return Reply{}, err
	}
	body := struct {
		Cedar  string      `json:"cedar"`
		Schema string      `json:"schema"`
		JSON   *policy.Set `json:"json"`
	}{JSON: set}
	if set != nil {
		body.Cedar, body.Schema = string(set.Cedar()), string(set.Schema())
	}
	return Reply{Body: body}, nil
}

func (g *Gate) readPolicy(r *http.Request) (authz.PolicyText, error) {
	in, err := readBody(r, max(policyBody, g.bodyLimit()))
	if err != nil {
		return authz.PolicyText{}, err
	}
	p := authz.PolicyText{Name: r.PathValue("name"), Format: in.choice("format", authz.FormatCedar, authz.FormatYAML), Text: in.text("text")}
	if p.Name == "" {
		p.Name = in.optional("name")
	}
	in.unbroken("text", p.Text)
	return p, in.err()
}

func (g *Gate) definePolicy(ctx context.Context, r *http.Request) (Reply, error) {
	p, err := g.readPolicy(r)
	if err != nil {
		return Reply{}, err
	}
	if p.Name == "export" || p.Name == "check" {
		return Reply{}, &authn.FieldError{Field: "name", Code: "reserved", Problem: "must not be export or check, which are routes"}
	}
	return Reply{}, ruleProblem(g.delegate(ctx).DefinePolicy(ctx, p))
}

func (g *Gate) deletePolicy(ctx context.Context, r *http.Request) (Reply, error) {
	err := g.delegate(ctx).DeletePolicy(ctx, r.PathValue("name"))
	if errors.Is(err, authz.ErrPolicies) { // another one depends on it
		return Reply{}, roleProblem(err)
	}
	return Reply{}, ruleProblem(err)
}

// unnamed is what a text is called that is checked without a name.
const unnamed = "unnamed"

// checkPolicy says whether a text could be stored, and stores nothing. One of the same name is left out.
func (g *Gate) checkPolicy(ctx context.Context, r *http.Request) (Reply, error) {
	p, err := g.readPolicy(r)
	if err != nil {
		return Reply{}, err
	}
	if p.Name == "" {
		p.Name = unnamed
	}
	nothing := func(func(authz.Record, error) bool) {}
	_, err = g.deps.Authz.DryRun(ctx, tenantOf(ctx), authz.RuleChange{PutPolicies: []authz.PolicyText{p}}, nothing)
	if err != nil && !errors.Is(err, authz.ErrPolicies) {
		return Reply{}, ruleProblem(err)
	}
	return Reply{Body: map[string]any{"valid": err == nil, "errors": policyFaults(err)}}, nil
}
