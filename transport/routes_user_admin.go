package transport

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
)

// The permissions that the endpoints about accounts ask for. They reach the caller's own tenant, and those that change something only accounts that
// the caller may administer: see [authz.Service.MayAdminister].
const (
	// PermissionReadUsers lets a caller see accounts.
	PermissionReadUsers = "users.read"
	// PermissionUnlockUsers lets a caller open a factor that failed attempts closed.
	PermissionUnlockUsers = "users.unlock"
	// PermissionResetMFA lets a caller take an account's second factors away.
	PermissionResetMFA = "users.reset_mfa"
	// PermissionDisableUsers lets a caller disable accounts and enable them.
	PermissionDisableUsers = "users.disable"
)

const mostUsers = 200

// userAdminEndpoints are off until configured. Where roles are switched off, everybody would be an administrator.
func (g *Gate) userAdminEndpoints() []Endpoint {
	if !g.cfg.UserEndpoints || !g.deps.Authz.Enabled() {
		return nil
	}
	endpoints := []Endpoint{
		{Method: http.MethodGet, Path: "/users", Handle: g.permitted(PermissionReadUsers, g.listUsers)},
		{Method: http.MethodGet, Path: "/users/{id}", Handle: g.permitted(PermissionReadUsers, g.showUser)},
		g.administering("/users/{id}/unlock", PermissionUnlockUsers, g.unlockUser),
		g.administering("/users/{id}/disable", PermissionDisableUsers, g.disableUser),
		g.administering("/users/{id}/enable", PermissionDisableUsers, g.enableUser),
	}
	if g.deps.MFA == nil {
		return endpoints
	}
	reset := g.administering("/users/{id}/mfa", PermissionResetMFA, g.resetMFA)
	reset.Method = http.MethodDelete
	return append(endpoints, reset)
}

// administering is an endpoint that changes an account which the caller may administer, and no other.
func (g *Gate) administering(path, permission string, act func(ctx context.Context, r *http.Request, u authn.User) (Reply, error)) Endpoint {
	return g.administeringAny(path, permission, func(ctx context.Context, r *http.Request) (Reply, error) {
		user, err := g.userNamed(ctx, r)
		if err != nil {
			return Reply{}, err
		}
		if err := g.mayAdminister(ctx, user.Subject); err != nil {
			return Reply{}, err
		}
		reply, err := act(ctx, r, user)
		return reply, userProblem(err)
	})
}

// administeringAny is administering for a handler that finds the account and asks mayAdminister itself.
func (g *Gate) administeringAny(path, permission string, change handler) Endpoint {
	return Endpoint{Method: http.MethodPost, Path: path, Need: NeedSession, Owner: true, Handle: g.permitted(permission, g.sensitive(change))}
}

func (g *Gate) mayAdminister(ctx context.Context, subject authn.Subject) error {
	err := g.deps.Authz.MayAdminister(ctx, authn.PrincipalFrom(ctx), subject)
	if errors.Is(err, authz.ErrBeyond) {
		return beyond(err)
	}
	return err
}

// userNamed is the account of the route, in the caller's tenant. One of another tenant is answered as one that there is not.
func (g *Gate) userNamed(ctx context.Context, r *http.Request) (authn.User, error) {
	user, err := g.deps.Users.User(ctx, named(ctx, r))
	if errors.Is(err, authn.ErrNotFound) || err == nil && !user.DeletedAt.IsZero() {
		return authn.User{}, userNotFound()
	}
	return user, err
}

func userNotFound() *Problem {
	return problem(http.StatusNotFound, "user_not_found", "the tenant has no account with this id")
}

type userView struct {
	accountView
	Verified    bool       `json:"verified"`
	Disabled    bool       `json:"disabled"`
	CreatedAt   time.Time  `json:"created_at"`
	LastLoginAt *time.Time `json:"last_login_at"`
	// HasMFA is absent where there are no second factors.
	HasMFA *bool `json:"has_mfa,omitempty"`
}

func (g *Gate) viewUser(ctx context.Context, u authn.User) (userView, error) {
	roles, _, err := g.deps.Authz.RolesOf(ctx, u.Subject)
	if err != nil {
		return userView{}, err
	}
	view := userView{
		accountView: accountView{ID: u.Subject.ID, Email: u.Email, Roles: roles}, Verified: !u.VerifiedAt.IsZero(), Disabled: !u.DisabledAt.IsZero(),
		CreatedAt: u.CreatedAt.UTC(), LastLoginAt: moment(u.LastLoginAt),
	}
	if g.deps.MFA != nil {
		has, err := g.deps.MFA.Enrolled(ctx, u.Subject)
		if err != nil {
			return userView{}, err
		}
		view.HasMFA = &has
	}
	return view, nil
}

// listUsers answers with a page; "next" is the parameter "after" of the page that follows, and absent on the last.
func (g *Gate) listUsers(ctx context.Context, r *http.Request) (Reply, error) {
	limit, err := pageSize(r, usualPage, mostUsers)
	if err != nil {
		return Reply{}, err
	}
	users, err := g.deps.Users.Users(ctx, authn.PrincipalFrom(ctx).Subject.Tenant, r.URL.Query().Get("after"), limit)
	if err != nil {
		return Reply{}, err
	}
	body := struct {
		Users []userView `json:"users"`
		Next  string     `json:"next,omitempty"`
	}{Users: []userView{}}
	for _, u := range users {
		view, err := g.viewUser(ctx, u)
		if err != nil {
			return Reply{}, err
		}
		body.Users = append(body.Users, view)
	}
	if len(users) == limit {
		body.Next = users[limit-1].Subject.ID
	}
	return Reply{Body: body}, nil
}

func (g *Gate) showUser(ctx context.Context, r *http.Request) (Reply, error) {
	user, err := g.userNamed(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	view, err := g.viewUser(ctx, user)
	return Reply{Body: view}, err
}

// soundFactor is the form of a factor's name.
var soundFactor = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

func (g *Gate) unlockUser(ctx context.Context, r *http.Request, u authn.User) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	factor := in.text("factor")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	if !soundFactor.MatchString(factor) {
		return Reply{}, &authn.FieldError{Field: "factor", Code: "malformed", Problem: "must be the name of a factor, such as password or totp"}
	}
	return Reply{}, g.deps.Throttle.Reopen(ctx, authn.PrincipalFrom(ctx), u.Subject, authn.Factor(factor))
}

func (g *Gate) resetMFA(ctx context.Context, r *http.Request, u authn.User) (Reply, error) {
	return Reply{}, g.deps.MFA.Reset(ctx, u.Subject, mfa.By{Actor: authn.PrincipalFrom(ctx), Client: g.Client(r)})
}

func (g *Gate) disableUser(ctx context.Context, _ *http.Request, u authn.User) (Reply, error) {
	err := g.deps.Users.Disable(ctx, authn.PrincipalFrom(ctx), u.Subject)
	if errors.Is(err, authn.ErrLastAdmin) {
		return Reply{}, lastAdmin()
	}
	return Reply{}, err
}

func (g *Gate) enableUser(ctx context.Context, _ *http.Request, u authn.User) (Reply, error) {
	return Reply{}, g.deps.Users.Enable(ctx, authn.PrincipalFrom(ctx), u.Subject)
}

// userProblem is the answer about an account that was deleted, or changed by others, meanwhile.
func userProblem(err error) error {
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return userNotFound()
	case errors.Is(err, authn.ErrConflict):
		return problem(http.StatusConflict, "user_changed", "the account is being changed by others; try again")
	}
	return err
}
