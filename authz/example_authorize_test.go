package authz_test

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

func Example_authorize() {
	ctx, store := context.Background(), newFakeStore()
	service, err := authz.New(authz.Config{Roles: map[string]authz.RoleConfig{
		"viewer": {Permissions: []string{"articles.read"}},
		"editor": {Inherits: []string{"viewer"}, Permissions: []string{"articles.write"}},
	}}, authz.Deps{Rules: store, Assignments: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "ada"}, Roles: []string{"editor"}}
	for _, permission := range []string{"articles.read", "articles.delete"} {
		decision, err := service.Authorize(ctx, ada, permission, authz.Resource{})
		fmt.Println(permission, decision.Allowed, decision.Reason, decision.Path, err)
	}
	// Output:
	// articles.read true granted [editor viewer] <nil>
	// articles.delete false missing_permission [] <nil>
}
