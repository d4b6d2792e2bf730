package main

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

// articleRoutes answers what is below /articles. The guards have spoken when it is called.
type articleRoutes struct {
	articles *articles
	changes  *changes
	az       *authmodule.AuthorizationService
	log      *slog.Logger
}

// list answers the articles that the caller may view.
func (r *articleRoutes) list(c echo.Context) error {
	ctx := c.Request().Context()
	all, err := r.articles.list(ctx)
	if err == nil {
		all, err = authz.Filter(ctx, r.az, echoauth.Principal(c), "articles.view", all, article.resource)
	}
	if err != nil {
		return unavailable(c, r.log, err)
	}
	return c.JSON(http.StatusOK, all)
}

func (r *articleRoutes) add(c echo.Context) error {
	in, err := readArticle(c, article{Status: published})
	if err != nil {
		return err
	}
	in.Owner = echoauth.Principal(c).Subject.ID
	one, err := r.articles.add(c.Request().Context(), in)
	if err != nil {
		return unavailable(c, r.log, err)
	}
	r.changes.tell("added", one)
	return c.JSON(http.StatusCreated, one)
}

// found is the key of the article that the guard has looked at.
const found = "article"

// resource is the article of the route, for the guard.
func (r *articleRoutes) resource(c echo.Context) (authz.Resource, error) {
	one, err := r.articles.find(c.Request().Context(), c.Param("id"))
	if err != nil {
		return authz.Resource{}, r.missing(c, err)
	}
	c.Set(found, one)
	return one.resource(), nil
}

// owner is whose article it is. One that does not exist is nobody's, so that only who may delete all of them learns that.
func (r *articleRoutes) owner(c echo.Context) (authn.Subject, error) {
	one, err := r.articles.find(c.Request().Context(), c.Param("id"))
	if err != nil && !errors.Is(err, errNoArticle) {
		return authn.Subject{}, unavailable(c, r.log, err)
	}
	if err == nil {
		c.Set(found, one)
	}
	return authn.Subject{ID: one.Owner}, nil
}

// edit changes the article that the guard has decided about, and no other that took its place meanwhile.
func (r *articleRoutes) edit(c echo.Context) error {
	before, _ := c.Get(found).(article)
	in, err := readArticle(c, before)
	if err != nil {
		return err
	}
	if err := r.articles.edit(c.Request().Context(), before, in); err != nil {
		return r.missing(c, err)
	}
	r.changes.tell("edited", in)
	return c.JSON(http.StatusOK, in)
}

func (r *articleRoutes) remove(c echo.Context) error {
	if err := r.articles.remove(c.Request().Context(), c.Param("id")); err != nil {
		return r.missing(c, err)
	}
	if gone, ok := c.Get(found).(article); ok {
		r.changes.tell("deleted", gone)
	}
	return c.NoContent(http.StatusNoContent)
}

func (r *articleRoutes) missing(c echo.Context, err error) error {
	if errors.Is(err, errNoArticle) {
		return problem(http.StatusNotFound, "not_found", "there is no article with this id")
	}
	return unavailable(c, r.log, err)
}

// may says what the caller may do with articles, for pages that show or hide
// buttons. It asks for the caller's permissions rather than for three
// decisions, because each decision that denies is an event in the audit log.
func (r *articleRoutes) may(c echo.Context) error {
	held, err := r.az.Permissions(c.Request().Context(), echoauth.Principal(c))
	if err != nil {
		return unavailable(c, r.log, err)
	}
	may := map[string]bool{}
	for _, action := range []string{"read", "write", "delete"} {
		if may[action], err = covers(held, "articles."+action); err != nil {
			return unavailable(c, r.log, err)
		}
	}
	return c.JSON(http.StatusOK, may)
}

// covers reports whether one of the held patterns gives the permission.
func covers(held []string, permission string) (bool, error) {
	wanted, err := authz.ParsePermission(permission)
	if err != nil {
		return false, err
	}
	for _, text := range held {
		pattern, err := authz.ParsePattern(text)
		if err != nil {
			return false, err
		}
		if pattern.Matches(wanted) {
			return true, nil
		}
	}
	return false, nil
}
