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

	"github.com/authmodule/authmodule/transport"
)

// The limits of an article, in characters, and of the request that brings it, in bytes.
const (
	longestTitle   = 200
	longestBody    = 10_000
	largestRequest = 256 << 10
)

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
