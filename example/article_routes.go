package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/transport"
)

// The limits of an article, in characters, and of the request that brings it, in bytes.
const (
	longestTitle   = 200
	longestBody    = 10_000
	largestRequest = 256 << 10
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

// readArticle reads an article: what the request does not say of title, body and status is as given. Other members are ignored.
func readArticle(c echo.Context, in article) (article, error) {
	r := c.Request()
	if media, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); err != nil || media != echo.MIMEApplicationJSON {
		return article{}, problem(http.StatusUnsupportedMediaType, "unsupported_media_type", "send the article as JSON, with the header Content-Type: application/json")
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, largestRequest))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return article{}, problem(http.StatusRequestEntityTooLarge, "body_too_large", "the request body is too large")
	case err != nil:
		return article{}, problem(http.StatusBadRequest, "invalid_request", "the request body could not be read")
	}
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(data, &struct {
		Title  *string `json:"title"`
		Body   *string `json:"body"`
		Status *string `json:"status"`
	}{&in.Title, &in.Body, &in.Status}); {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return article{}, invalid(wrongType.Field, "must be a text")
	case err != nil:
		return article{}, problem(http.StatusBadRequest, "invalid_json", "the body must be one JSON object, such as {\"title\":\"...\",\"body\":\"...\"}")
	}
	return in, in.check()
}

func (a article) check() error {
	switch {
	case strings.TrimSpace(a.Title) == "":
		return invalid("title", "must not be empty")
	case utf8.RuneCountInString(a.Title) > longestTitle:
		return invalid("title", fmt.Sprintf("must have at most %d characters", longestTitle))
	case utf8.RuneCountInString(a.Body) > longestBody:
		return invalid("body", fmt.Sprintf("must have at most %d characters", longestBody))
	case a.Status != draft && a.Status != published:
		return invalid("status", "must be draft or published")
	}
	return nil
}

func invalid(field, what string) error {
	p := problem(http.StatusBadRequest, "invalid_request", field+" "+what)
	p.Field = field
	return p
}

// problem is an error that the module's error handler answers as problem+json, like its own.
func problem(status int, code, detail string) *transport.Problem {
	return &transport.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// unavailable logs why a store did not answer; the caller is not told.
func unavailable(c echo.Context, log *slog.Logger, err error) error {
	log.ErrorContext(c.Request().Context(), "request refused: a store did not answer", "error", err)
	c.Response().Header().Set(echo.HeaderRetryAfter, "1")
	return problem(http.StatusServiceUnavailable, "unavailable", "this cannot be answered at the moment; try again shortly")
}
