// Package authz decides what a caller may do: roles with inheritance,
// permissions of the form resource.action, and policies.
//
//	service, err := authz.New(authz.Config{Roles: map[string]authz.RoleConfig{
//		"viewer": {Permissions: []string{"articles.read"}},
//		"editor": {Inherits: []string{"viewer"}, Permissions: []string{"articles.write"}},
//	}}, authz.Deps{Rules: store, Assignments: store})
//	decision, err := service.Authorize(ctx, principal, "articles.write", authz.Resource{})
//
//	write := authz.RequirePermissions("articles.write") // once
//	decision, err = service.Decide(ctx, &principal, write)
//
// Whatever cannot be decided is denied: an unknown role or permission grants
// nothing, an anonymous caller passes nothing, and an error comes with a
// [Decision] that denies. No role name is special unless [Config] says so.
//
// # Permissions
//
// A permission has two to sixteen segments with dots between, each of 1 to 64 of the characters
// A-Z a-z 0-9 _ and -. Case matters. A role holds patterns: permissions in which any segment may be * as a
// whole, for one segment, and the last one ** for one or more (articles.*, *.read, articles.**); ** alone is everything. A pattern
// with ! before it (!articles.delete) takes away what it matches, whichever role gives it and however far up it is
// inherited, from superusers too. What is asked for is always one permission; asking for a pattern is an error.
//
// # Roles
//
// Roles come from code ([Deps].Extra), from [Config].Roles and from the
// [RuleStore]. Of one name, configuration takes the place of code, and the
// store, for its tenant, takes the place of both: the whole definition is replaced,
// nothing is merged. The default, admin and superuser roles exist, without permissions,
// when they are defined nowhere. The default role is never the superuser role and never inherits it.
//
// A tenant's stored rules are read on first use, and again when a node that shares [Deps].Revocations changed them. Without it, call
// [Service.Reload] when another process did. Who has which role
// is never kept: each decision uses the roles in the [authn.Principal] at hand.
//
// # Policies
//
// What a policy forbids is denied, else what a role or a policy permits is allowed; see [github.com/authmodule/authmodule/authz/policy]. While
// roles are switched off, policies of configuration and code still forbid, by the roles that these define; stored ones are not read.
package authz
