package main

import (
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

// mostUsers is how many accounts one answer lists.
const mostUsers = 100

// account is what an administrator sees of a user.
type account struct {
	ID       string   `json:"id"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Disabled bool     `json:"disabled"`
}

// adminRoutes answers what is below /admin.
type adminRoutes struct {
	users *authn.Service
	az    *authmodule.AuthorizationService
	log   *slog.Logger
}

// list answers the accounts by ascending id, those after the id in ?after=.
func (r *adminRoutes) list(c echo.Context) error {
	ctx := c.Request().Context()
	users, err := r.users.Users(ctx, "", c.QueryParam("after"), mostUsers)
	if err != nil {
		return unavailable(c, r.log, err)
	}
	all := make([]account, 0, len(users))
	for _, user := range users {
		roles, _, err := r.az.RolesOf(ctx, user.Subject)
		if err != nil {
			return unavailable(c, r.log, err)
		}
		all = append(all, account{ID: user.Subject.ID, Email: user.Email, Roles: roles, Disabled: !user.Active()})
	}
	return c.JSON(http.StatusOK, all)
}
