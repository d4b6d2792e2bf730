package authmodule_test

import (
	"context"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
)

func all(acts ...act) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		for _, do := range acts {
			if do == nil {
				continue
			}
			if err := do(ctx, app, s); err != nil {
				return err
			}
		}
		return nil
	}
}

func gives(role string) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		return app.AuthorizationService.Assign(ctx, authn.Principal{}, s, role)
	}
}

func takes(role string) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		return app.AuthorizationService.Unassign(ctx, authn.Principal{}, s, role)
	}
}

func defines(r authz.Role) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		return app.AuthorizationService.DefineRole(ctx, authn.Principal{}, s.Tenant, r)
	}
}

func deletes(role string) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		return app.AuthorizationService.DeleteRole(ctx, authn.Principal{}, s.Tenant, role)
	}
}

func definesPolicy(text string) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		return app.AuthorizationService.DefinePolicy(ctx, authn.Principal{}, s.Tenant, authz.PolicyText{Name: "press", Format: authz.FormatCedar, Text: text})
	}
}

func deletesPolicy(ctx context.Context, app *fxtest.App, s authn.Subject) error {
	return app.AuthorizationService.DeletePolicy(ctx, authn.Principal{}, s.Tenant, "press")
}

func disables(ctx context.Context, app *fxtest.App, s authn.Subject) error {
	return app.Users.Disable(ctx, authn.Principal{}, s)
}

func enables(ctx context.Context, app *fxtest.App, s authn.Subject) error {
	return app.Users.Enable(ctx, authn.Principal{}, s)
}

func givesForAWhile(ctx context.Context, app *fxtest.App, s authn.Subject) error {
	return app.AuthorizationService.AssignUntil(ctx, authn.Principal{}, s, "writer", app.Now().Add(30*time.Second))
}

func syncs(groups ...string) act {
	return func(ctx context.Context, app *fxtest.App, s authn.Subject) error {
		_, err := app.AuthorizationService.SyncGroups(ctx, s, "idp", groups)
		return err
	}
}

const (
	forbidsWriting = `forbid (principal, action == Action::"articles.write", resource);`
	permitsWriting = `permit (principal, action == Action::"articles.write", resource);`
	saysNothing    = `forbid (principal, action == Action::"articles.write", resource) when { context.method == "DELETE" };`
)

// freshnesses are the changes that count for the next request.
func freshnesses() []freshness {
	editor, reduced := authz.Role{Name: "editor", Permissions: []string{"articles.*"}}, authz.Role{Name: "editor", Permissions: []string{"articles.read"}}
	denied := authz.Role{Name: "editor", Permissions: []string{"articles.*", "!articles.write"}}
	heir := authz.Role{Name: "heir", Inherits: []string{"editor"}}
	isEditor := all(defines(editor), gives("editor"), takes("writer"))
	return []freshness{
		{name: "role taken", refuse: takes("writer"), restore: gives("writer")},
		{name: "role redefined", prepare: isEditor, refuse: defines(reduced), restore: defines(editor)},
		{name: "role with a negative grant", prepare: isEditor, refuse: defines(denied), restore: defines(editor)},
		{name: "role that takes away is given", prepare: defines(denied), refuse: gives("editor"), restore: takes("editor")},
		{name: "role of configuration redefined", refuse: defines(authz.Role{Name: "writer"}), restore: deletes("writer")},
		{name: "inherited role redefined", prepare: all(isEditor, defines(heir), gives("heir"), takes("editor")), refuse: defines(reduced), restore: defines(editor)},
		{name: "role deleted", prepare: isEditor, refuse: deletes("editor"), restore: all(defines(editor), gives("editor"))},
		{name: "policy defined", refuse: definesPolicy(forbidsWriting), restore: deletesPolicy},
		{name: "policy changed", prepare: definesPolicy(saysNothing), refuse: definesPolicy(forbidsWriting), restore: definesPolicy(saysNothing)},
		{name: "policy deleted", prepare: all(definesPolicy(permitsWriting), takes("writer")), refuse: deletesPolicy, restore: definesPolicy(permitsWriting)},
		{name: "groups synced", prepare: all(syncs("press"), takes("writer"), syncs("press")), refuse: syncs("other"), restore: syncs("press")},
		{name: "account disabled", refuse: disables, restore: enables, refused: http.StatusUnauthorized, dead: []string{"token", "cookie"}},
	}
}
