package main

import (
	"embed"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

//go:embed policies/*.yaml
var policyFiles embed.FS

// policies are those of this application, from the files beside this one.
func policies() ([]policy.Source, error) { return authz.ReadPolicies(policyFiles, "policies/*.yaml") }

// addPolicies is roles and policies for the graph.
func addPolicies() fx.Option {
	sources, err := policies()
	if err != nil {
		return fx.Error(err)
	}
	return fx.Options(authmodule.AddRoles(roles()...), authmodule.AddPolicies(sources...))
}

// articleType is what policies know of an article. A configuration file may have it as well, under auth.rbac.policies.resources.
func articleType() authz.ResourceConfig {
	return authz.ResourceConfig{
		Attributes: map[string]string{"owner": "User?", "status": "String"},
		Actions:    []string{"articles.view", "articles.edit"},
	}
}

// withArticles declares the application's resources, beside those of the configuration.
func withArticles(c authz.Config) authz.Config {
	resources := map[string]authz.ResourceConfig{"Article": articleType()}
	for name, r := range c.Policies.Resources {
		resources[name] = r
	}
	c.Policies.Resources = resources
	return c
}

// resource is the article as policies see it. One that nobody owns has no owner there.
func (a article) resource() authz.Resource {
	r := authz.Resource{Type: "Article", ID: a.ID, Attributes: authz.Attributes{"status": a.Status}}
	if a.Owner != "" {
		r.Attributes["owner"] = a.Owner
	}
	return r
}
