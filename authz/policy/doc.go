// Package policy decides by policies: texts in Cedar, or in a short form in YAML, that permit
// or forbid an action by what the caller, the resource and the request are like.
//
//	set, err := policy.Compile(vocabulary, policy.Limits{}, policy.Source{Name: "articles.cedar", Text: text})
//	verdict := set.Evaluate(ctx, &policy.Request{Principal: caller, Action: "articles.edit", Resource: article})
//	if verdict.Effect == policy.Permit { ... }
//
// A [Set] is text turned into something that can be asked: it has no store, no clock and no network, never changes, and may be
// asked by any number of goroutines. Package authz puts it together with roles: what a policy forbids is denied, else
// what a role or a policy permits is allowed, all else is denied.
//
// # Names
//
// A policy speaks of the principal, User::"id", which is in its roles, Role::"editor"; of an action, Action::"articles.edit"; of a
// resource of a declared type, Article::"7"; and of the context.
//
//	principal  id, tenant, kind ("user", "service"), scopes, methods, authTime, and [Vocabulary].Attributes
//	resource   the attributes of its [ResourceType]
//	context    ip, method, route, tenant, time, mfaAge (whole seconds, [NeverMFA] without), and [Vocabulary].Context
//
// What is declared nowhere, a fault of types, a policy that can never apply and one that is there twice are errors of [Compile],
// each a [Fault] with its line and column.
//
// # Failing closed
//
// Cedar leaves out a policy whose evaluation fails, which would open what a forbid was to close. Here whatever fails is
// [Error], which denies. [Limits] bound what texts and requests can cost.
package policy
