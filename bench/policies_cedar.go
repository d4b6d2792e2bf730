package bench

import (
	"context"

	"github.com/cedar-policy/cedar-go"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// authorSource knows the attributes of authors.
type authorSource map[string]*author

// PrincipalAttributes implements [authz.AttributeSource].
func (s authorSource) PrincipalAttributes(_ context.Context, p authn.Principal) (authz.Attributes, error) {
	who := s[p.Subject.ID]
	return authz.Attributes{"department": who.Department, "title": who.Title, "level": who.Level}, nil
}

// cedarService is this module, with n more policies.
func cedarService(n int) (editDecider, error) {
	actions := []string{editAction}
	for i := range n {
		actions = append(actions, unrelatedAction(i))
	}
	all := authors()
	service, err := newAuthzWith(authz.Config{
		Roles: map[string]authz.RoleConfig{editorRole: {}, "reader": {}},
		Policies: authz.PolicyConfig{
			Inline:     cedarPolicies(n),
			Attributes: map[string]string{"department": "String", "title": "String", "level": "Long"},
			Resources: map[string]authz.ResourceConfig{"Article": {
				Attributes: map[string]string{"department": "String", "status": "String", "owner": "String", "words": "Long"}, Actions: actions,
			}},
		},
	}, authorSource(all))
	if err != nil {
		return nil, err
	}
	callers, ctx := map[string]*authn.Principal{}, context.Background()
	for id, who := range all { // the door knows the caller before a handler asks
		callers[id] = &authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: id}, Roles: who.Roles}
	}
	return func(e *edit) (bool, error) {
		return allowed(service.Authorize(ctx, *callers[e.who.ID], editAction, authz.Resource{
			Type: "Article", ID: e.what.ID, Attributes: authz.Attributes{
				"department": e.what.Department, "status": e.what.Status, "owner": e.what.Owner, "words": e.what.Words,
			},
		}))
	}, nil
}

// cedarAlone is the library that this module has inside, used as its documentation does.
func cedarAlone(n int) (editDecider, error) {
	policies, err := cedar.NewPolicySetFromBytes("edits.cedar", []byte(cedarPolicies(n)))
	if err != nil {
		return nil, err
	}
	action := cedar.NewEntityUID("Action", editAction)
	return func(e *edit) (bool, error) {
		who, what := cedar.NewEntityUID("User", cedar.String(e.who.ID)), cedar.NewEntityUID("Article", cedar.String(e.what.ID))
		roles := make([]cedar.EntityUID, len(e.who.Roles))
		for i, role := range e.who.Roles {
			roles[i] = cedar.NewEntityUID("Role", cedar.String(role))
		}
		entities := cedar.EntityMap{
			who: {UID: who, Parents: cedar.NewEntityUIDSet(roles...), Attributes: cedar.NewRecord(cedar.RecordMap{
				"department": cedar.String(e.who.Department), "title": cedar.String(e.who.Title), "level": cedar.Long(e.who.Level),
			})},
			what: {UID: what, Attributes: cedar.NewRecord(cedar.RecordMap{
				"department": cedar.String(e.what.Department), "status": cedar.String(e.what.Status),
				"owner": cedar.String(e.what.Owner), "words": cedar.Long(e.what.Words),
			})},
		}
		decision, _ := cedar.Authorize(policies, entities, cedar.Request{Principal: who, Action: action, Resource: what})
		return decision == cedar.Allow, nil
	}, nil
}
