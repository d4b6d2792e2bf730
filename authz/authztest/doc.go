// Package authztest tests roles and policies by tables in YAML: who may do what to which resource. A table needs no Go, so that whoever
// decides about the rules can read and write it.
//
//	func TestPolicies(t *testing.T) {
//		authztest.Run(t, authztest.Config(cfg.RBAC), "testdata/*.authz.yaml")
//	}
//
// [Config] is the application's configuration, [Service] a service that is there already. Every case is a subtest. One that fails
// prints what each role said and what each condition of each policy saw, secrets aside.
//
// # Tables
//
//	principals:
//	  ada: { roles: [editor] }
//	  bot: { kind: service, roles: [editor], scopes: [articles.read] }
//	resources:
//	  draft: { type: Article, id: "7", attributes: { owner: ada, status: draft } }
//	cases:
//	  - name: an editor edits what is hers
//	    principal: ada
//	    action: articles.edit
//	    resource: draft
//	    expect: allow
//	    policy: owner-edits
//	matrix:
//	  - resource: draft
//	    actions: [articles.read, articles.delete]
//	    rows:
//	      ada: [allow, deny]
//	      bot: [allow, ~]
//
// A key that is not known, a principal or resource that no case uses, a role, type or attribute that is declared nowhere, and a case that
// cannot fail are errors with their line. A denial for want of something that a policy reads is no denial that a table may expect, unless it says so.
//
// # Coverage
//
// [Run] logs the policies that applied in no case, and the permissions of roles that decided none; [Rules.RequireCoverage] makes that a failure.
package authztest
