package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// explained is why an account may do something, or not, in sentences.
type explained struct {
	Allowed bool     `json:"allowed"`
	Reason  string   `json:"reason"`
	Roles   []string `json:"roles"`
	// Policies are the policies about the action, each with what its conditions saw.
	Policies []explainedPolicy `json:"policies"`
}

type explainedPolicy struct {
	Policy      string   `json:"policy"`
	Description string   `json:"description"`
	Applies     bool     `json:"applies"`
	Why         string   `json:"why"`
	Saw         []string `json:"saw"`
}

// explain says why an account may do the ?action=, to the ?article= if there is one, as a request of a browser would be decided.
func (r *adminRoutes) explain(c echo.Context) error {
	ctx := c.Request().Context()
	user, err := r.user(c)
	if err != nil {
		return err
	}
	var about authz.Resource
	if id := c.QueryParam("article"); id != "" {
		one, err := r.articles.find(ctx, id)
		if errors.Is(err, errNoArticle) {
			return problem(http.StatusNotFound, "not_found", "there is no article with this id")
		}
		if err != nil {
			return unavailable(c, r.log, err)
		}
		about = one.resource()
	}
	p := authn.Principal{Kind: authn.KindUser, Subject: user.Subject}
	if p.Roles, _, err = r.az.RolesOf(ctx, user.Subject); err != nil {
		return unavailable(c, r.log, err)
	}
	why, err := r.az.Explain(ctx, p, c.QueryParam("action"), about)
	switch {
	case errors.Is(err, authz.ErrPermissionSyntax):
		return invalid("action", "must be an action such as articles.edit")
	case err != nil && !errors.Is(err, authz.ErrEvaluation): // that a policy failed is a part of the explanation
		return unavailable(c, r.log, err)
	}
	return c.JSON(http.StatusOK, inWords(why))
}

func inWords(e authz.Explanation) explained {
	out := explained{Allowed: e.Decision.Allowed, Reason: e.Decision.Reason, Roles: []string{}, Policies: []explainedPolicy{}}
	for _, role := range e.Roles {
		out.Roles = append(out.Roles, roleInWords(role)...)
	}
	if e.Policies == nil {
		return out
	}
	for _, p := range e.Policies.Policies {
		out.Policies = append(out.Policies, policyInWords(p))
	}
	return out
}

func roleInWords(r authz.RoleExplanation) []string {
	if len(r.Says) == 0 {
		return []string{"role " + r.Role + " says nothing"}
	}
	var all []string
	for _, says := range r.Says {
		words := "role " + r.Role + " has " + says.Permission
		if len(says.Path) > 1 {
			words += " by " + strings.Join(says.Path, " > ")
		}
		all = append(all, words)
	}
	return all
}

func policyInWords(p policy.PolicyTrace) explainedPolicy {
	out := explainedPolicy{Policy: p.Policy, Description: p.Annotations["description"], Applies: p.Applies, Why: p.Why, Saw: []string{}}
	for _, condition := range p.Conditions {
		for _, seen := range condition.Saw {
			out.Saw = append(out.Saw, seen.Attribute+" = "+seen.Value)
		}
	}
	return out
}
