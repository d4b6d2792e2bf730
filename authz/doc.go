// Package authz decides what a caller may do: roles with inheritance, and
// permissions of the form resource.action.
//
//	service, err := authz.New(authz.Config{Roles: map[string]authz.RoleConfig{
//		"viewer": {Permissions: []string{"articles.read"}},
//		"editor": {Inherits: []string{"viewer"}, Permissions: []string{"articles.write"}},
//	}}, authz.Deps{Roles: store, Assignments: store})
//	decision, err := service.Authorize(ctx, principal, "articles.write")
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
// A permission has exactly two segments, each of 1 to 64 of the characters
// A-Z a-z 0-9 _ and -. Case matters. A role holds patterns: permissions in which either
// segment may be * as a whole (articles.*, *.read, *.*). What is asked for
// is always one permission; asking for a pattern is an error.
//
// # Roles
//
// Roles come from code ([Deps].Extra), from [Config].Roles and from the
// [RoleStore]. Of one name, configuration takes the place of code, and the
// store, for its tenant, takes the place of both: the whole definition is replaced,
// nothing is merged. The default, admin and superuser roles exist, without permissions,
// when they are defined nowhere.
//
// A tenant's stored roles and policies are read on first use and kept. What [Service.DefineRole], [Service.DeleteRole],
// [Service.DefinePolicy] and [Service.DeletePolicy] change counts on this node when they return, and on others within a
// second where they share [Deps].Revocations; where it cannot be told, [Service.Reread] finds it. After a change of the store by other means call
// [Service.Reload]. Who has which role is never kept here: each decision uses the roles in the [authn.Principal] at hand.
package authz
