package main

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

const (
	// mostUsers is how many accounts one answer lists.
	mostUsers = 100
	// longestRole is how long a role that ends may be given, in minutes: a year.
	longestRole = 365 * 24 * 60
)

// listed is what an administrator sees of a user.
type listed struct {
	ID       string   `json:"id"`
	Email    string   `json:"email"`
	Roles    []string `json:"roles"`
	Disabled bool     `json:"disabled"`
	// Ends has the roles that end, and when.
	Ends map[string]time.Time `json:"ends"`
}

// adminRoutes answers what is below /admin.
type adminRoutes struct {
	users    *authn.Service
	articles *articles
	az       *authmodule.AuthorizationService
	log      *slog.Logger
}

// list answers the accounts by ascending id, those after the id in ?after=.
func (r *adminRoutes) list(c echo.Context) error {
	ctx := c.Request().Context()
	users, err := r.users.Users(ctx, "", c.QueryParam("after"), mostUsers)
	if err != nil {
		return unavailable(c, r.log, err)
	}
	all := make([]listed, 0, len(users))
	for _, user := range users {
		one := listed{ID: user.Subject.ID, Email: user.Email, Disabled: !user.Active(), Ends: map[string]time.Time{}}
		if one.Roles, _, err = r.az.RolesOf(ctx, user.Subject); err != nil {
			return unavailable(c, r.log, err)
		}
		given, err := r.az.Assignments(ctx, user.Subject)
		if err != nil {
			return unavailable(c, r.log, err)
		}
		for _, a := range given {
			if !a.Until.IsZero() {
				one.Ends[a.Role] = a.Until
			}
		}
		all = append(all, one)
	}
	return c.JSON(http.StatusOK, all)
}

// assign gives an account a role, for the number of ?minutes= or for good. It counts on the account's next request.
func (r *adminRoutes) assign(c echo.Context) error {
	var until time.Time
	if text := c.QueryParam("minutes"); text != "" {
		minutes, err := strconv.Atoi(text)
		if err != nil || minutes < 1 || minutes > longestRole {
			return invalid("minutes", "must be a number from 1 to "+strconv.Itoa(longestRole))
		}
		until = time.Now().Add(time.Duration(minutes) * time.Minute)
	}
	return r.change(c, func(actor authn.Principal, subject authn.Subject, role string) error {
		return r.az.AssignUntil(c.Request().Context(), actor, subject, role, until)
	})
}

func (r *adminRoutes) unassign(c echo.Context) error {
	return r.change(c, func(actor authn.Principal, subject authn.Subject, role string) error {
		return r.az.Unassign(c.Request().Context(), actor, subject, role)
	})
}

func (r *adminRoutes) change(c echo.Context, change func(actor authn.Principal, subject authn.Subject, role string) error) error {
	user, err := r.user(c)
	if err != nil {
		return err
	}
	err = change(echoauth.Principal(c), user.Subject, c.Param("role"))
	switch {
	case errors.Is(err, authz.ErrUnknownRole):
		return problem(http.StatusNotFound, "not_found", "there is no role of this name")
	case err != nil:
		return unavailable(c, r.log, err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (r *adminRoutes) user(c echo.Context) (authn.User, error) {
	user, err := r.users.User(c.Request().Context(), authn.Subject{ID: c.Param("id")})
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return authn.User{}, problem(http.StatusNotFound, "not_found", "there is no account with this id")
	case err != nil:
		return authn.User{}, unavailable(c, r.log, err)
	}
	return user, nil
}
