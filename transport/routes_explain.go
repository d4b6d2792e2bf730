package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// asked is the request whose decision is to be explained. Nothing of the administrator's own request is part of it.
type asked struct {
	principal   authn.Principal
	action      string
	resource    authz.Resource
	environment authz.Environment
}

// explain says why an account of the caller's tenant may do something, or may not.
func (g *Gate) explain(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	q := in.asked(tenantOf(ctx))
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	if q.principal.Roles == nil {
		if q.principal.Roles, _, err = g.deps.Authz.RolesOf(ctx, q.principal.Subject); err != nil {
			return Reply{}, err
		}
	}
	why, err := g.deps.Authz.Explain(authz.WithEnvironment(ctx, q.environment), q.principal, q.action, q.resource)
	switch {
	case errors.Is(err, authz.ErrPermissionSyntax):
		return Reply{}, &authn.FieldError{Field: "action", Code: "malformed", Problem: "must be one permission, such as articles.read"}
	case err != nil && !errors.Is(err, authz.ErrEvaluation):
		return Reply{}, err
	}
	return Reply{Body: viewExplanation(why, err)}, nil
}

// asked reads what is asked. Roles, methods and so on are those of the account unless they are given.
func (b *body) asked(t authn.Tenant) asked {
	q := asked{action: b.text("action"), principal: authn.Principal{
		Kind: authn.KindUser, Subject: authn.Subject{Tenant: t, ID: b.text("user_id")},
		Roles: b.texts("roles"), Scopes: b.texts("scopes"), Methods: b.texts("methods"), AuthTime: b.time("auth_time"),
	}}
	if b.object.Has("user_id") {
		if err := soundID("user_id", q.principal.Subject.ID); err != nil {
			b.faults = append(b.faults, err)
		}
	}
	b.decode("resource", &q.resource)
	var c struct {
		IP         netip.Addr        `json:"ip"`
		Method     string            `json:"method"`
		Route      string            `json:"route"`
		Time       time.Time         `json:"time"`
		MFASeconds *uint32           `json:"mfa_age_seconds"`
		Attributes policy.Attributes `json:"attributes"`
	}
	b.decode("context", &c)
	q.environment.Context = policy.Context{IP: c.IP, Method: c.Method, Route: c.Route, Time: c.Time, Attributes: c.Attributes}
	if c.MFASeconds != nil {
		age := time.Duration(*c.MFASeconds) * time.Second
		q.environment.MFAAge = &age
	}
	return q
}

// decode reads a member that is an object with these members and no others; nothing when it is absent. Numbers keep their digits.
func (b *body) decode(name string, into any) {
	if !b.object.Has(name) {
		return
	}
	d := json.NewDecoder(bytes.NewReader(b.object[name]))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		b.wrongType(name, "an object as documented, without other members")
	}
}

type explanationView struct {
	Decision decisionView   `json:"decision"`
	Error    string         `json:"error,omitempty"` // what policies failed for
	Roles    []roleSaysView `json:"roles"`
	Policies []policySays   `json:"policies"`
}

type decisionView struct {
	Allowed  bool     `json:"allowed"`
	Required string   `json:"required"`
	Reason   string   `json:"reason"`
	Role     string   `json:"role,omitempty"`
	Path     []string `json:"path,omitempty"`
	Policies []string `json:"policies,omitempty"`
}

type roleSaysView struct {
	Role    string       `json:"role"`
	Defined bool         `json:"defined"`
	Says    []sayingView `json:"says"`
}

type policySays struct {
	Policy      string            `json:"policy"`
	At          string            `json:"at"`
	Effect      string            `json:"effect"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Applies     bool              `json:"applies"`
	Why         string            `json:"why,omitempty"`
	Conditions  []conditionSays   `json:"conditions"`
}

type conditionSays struct {
	Text  string            `json:"text"`
	Holds bool              `json:"holds"`
	Error string            `json:"error,omitempty"`
	Saw   map[string]string `json:"saw"`
}

func viewExplanation(e authz.Explanation, failed error) explanationView {
	d := e.Decision
	view := explanationView{
		Decision: decisionView{d.Allowed, d.Required, d.Reason, d.Role, d.Path, d.Policies},
		Roles:    []roleSaysView{}, Policies: []policySays{},
	}
	if failed != nil {
		view.Error = failed.Error()
	}
	for _, r := range e.Roles {
		view.Roles = append(view.Roles, roleSaysView{r.Role, r.Defined, viewSayings(r.Says)})
	}
	if e.Policies == nil {
		return view
	}
	for _, p := range e.Policies.Policies {
		view.Policies = append(view.Policies, viewTrace(p))
	}
	return view
}

func viewTrace(p policy.PolicyTrace) policySays {
	view := policySays{p.Policy, p.At, p.Effect.String(), p.Annotations, p.Applies, p.Why, []conditionSays{}}
	for _, c := range p.Conditions {
		saw := make(map[string]string, len(c.Saw))
		for _, s := range c.Saw {
			saw[s.Attribute] = s.Value
		}
		view.Conditions = append(view.Conditions, conditionSays{c.Text, c.Holds, c.Err, saw})
	}
	return view
}
