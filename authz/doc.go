// Package authz decides what a caller may do: by roles with inheritance, which hold permissions of the form
// resource.action, and by policies in Cedar.
//
//	service, err := authz.New(authz.Config{Roles: map[string]authz.RoleConfig{
//		"viewer": {Permissions: []string{"articles.read"}},
//		"editor": {Inherits: []string{"viewer"}, Permissions: []string{"articles.**", "!articles.delete"}},
//	}}, authz.Deps{Rules: store, Assignments: store})
//	decision, err := service.Authorize(ctx, principal, "articles.edit", authz.Resource{})
//
//	edit := authz.RequirePermissions("articles.edit") // once
//	decision, err = service.Decide(ctx, &principal, edit)
//
// Whatever cannot be decided is denied: an unknown role or permission grants
// nothing, an anonymous caller passes nothing, and an error comes with a
// [Decision] that denies. No role name is special unless [Config] says so.
//
// # Permissions
//
// A permission has two to sixteen segments, each of 1 to 64 of the characters A-Z a-z 0-9 _ and -, with dots between them. Case
// matters. A role holds patterns: a segment may be * as a whole, for any one segment, and the last one may be **, for one or more:
// articles.*, *.read, articles.comments.*, articles.** and **. What is asked for is always one permission; asking for a pattern is an error.
//
// A permission that a role holds with ! before it, such as !articles.delete, takes away. It outdoes everything that any role of
// the caller grants, at whatever depth of inheritance either stands, the superuser role and policies too.
//
// # Roles
//
// Roles come from code ([Deps].Extra), from [Config].Roles and from the
// [RuleStore]. Of one name, configuration takes the place of code, and the
// store, for its tenant, takes the place of both: the whole definition is replaced,
// nothing is merged. The viewer, admin and superuser roles exist, without permissions,
// when they are defined nowhere. The default role is never the superuser role and never inherits it.
//
// Who has which role is never kept: each decision uses the roles in the [authn.Principal] at hand. An assignment may end, and
// says whether it was made by hand or by an identity provider: see [Service.SyncGroups].
//
// [Service.OnBehalfOf] is for administrators who may not do everything: a [Delegate] raises nobody above its caller.
//
// # Policies
//
// Policies forbid and permit where roles are not enough: by what a resource is, by the address or the time. They come from files and
// code ([Deps].Policies), from [PolicyConfig] and from the store; see package policy for the language. One decision is made of both:
//
//  1. a role that takes the permission away, a policy that forbids it or one that cannot be evaluated: no;
//  2. a role that grants it, or a policy that permits it: yes;
//  3. else no.
//
// While roles are switched off, policies of configuration and code still forbid, by the roles that these define; stored ones are not read.
//
// [Service.Explain] says why, [Service.DryRun] what a change would do to recorded decisions, and [Filter] leaves out of a list what
// a caller may not see. Package authztest runs tables of expected decisions.
//
// # Changes
//
// A tenant's rules, its stored roles and policies, are compiled on first use to what never changes, and are replaced as a whole: no
// decision sees half of a change. What cannot be right is not stored. A change counts for the decisions that begin after the call returned, and on
// other nodes as soon as they hear of it by the revocation log, within a second; where they cannot be told, [Service.Reread] finds
// it within a minute; after a change of the store by other means, and without [Deps].Revocations, call [Service.Reload]. What guards found for a principal of a request is remembered until then.
package authz
