package echoauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// fail sets the headers of a problem and returns it as an error that every
// Echo error handler understands.
func fail(c echo.Context, p *transport.Problem) error {
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	if p.Challenge != "" {
		header.Set(echo.HeaderWWWAuthenticate, p.Challenge)
	}
	if p.RetryAfter > 0 {
		header.Set(echo.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	return echo.NewHTTPError(p.Status, p.Detail).SetInternal(p)
}

// ErrorHandler answers the module's errors as application/problem+json
// (RFC 9457) and hands all others to next. An application that sets its own
// error handler after Mount wraps it in this.
func ErrorHandler(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		var p *transport.Problem
		if !errors.As(err, &p) || c.Response().Committed {
			next(err, c)
			return
		}
		if err := writeProblem(c, p); err != nil {
			c.Logger().Error(err)
		}
	}
}

func writeProblem(c echo.Context, p *transport.Problem) error {
	if c.Request().Method == http.MethodHead {
		return c.NoContent(p.Status)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return c.Blob(p.Status, transport.ContentType, text)
}

func (a *Auth) path(e transport.Endpoint) string {
	path := strings.NewReplacer("{", ":", "}", "").Replace(e.Path)
	if e.Absolute {
		return path
	}
	return a.gate.Prefix() + path
}

func (a *Auth) serve(e transport.Endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := callerOf(c)
		if caller == nil {
			return fail(c, transport.Unmounted())
		}
		r := c.Request()
		for _, name := range c.ParamNames() {
			r.SetPathValue(name, c.Param(name))
		}
		reply, problem := a.gate.Serve(e, caller, r)
		if problem != nil {
			return fail(c, problem)
		}
		return write(c, reply)
	}
}

func write(c echo.Context, reply transport.Reply) error {
	header := c.Response().Header()
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	header.Set(echo.HeaderCacheControl, "no-store")
	setCookies(c, reply.Cookies)
	if reply.ClearSiteData != "" {
		header.Set("Clear-Site-Data", reply.ClearSiteData)
	}
	// An answer that sets a cookie is one caller's, and no cache may hand it to another.
	if reply.Cacheable > 0 && header.Get(echo.HeaderSetCookie) == "" {
		header.Set(echo.HeaderCacheControl, "public, max-age="+strconv.Itoa(reply.Cacheable))
	}
	status := reply.Status
	switch body := reply.Body.(type) {
	case nil:
		if status == 0 {
			status = http.StatusNoContent
		}
		return c.NoContent(status)
	case transport.Page:
		header.Set(echo.HeaderContentSecurityPolicy, body.Policy)
		header.Set(echo.HeaderReferrerPolicy, "no-referrer")
		return c.HTMLBlob(http.StatusOK, body.HTML)
	}
	if status == 0 {
		status = http.StatusOK
	}
	return c.JSON(status, reply.Body)
}

// setCookies sets cookies in place of those that Authenticate cleared: an
// answer sets a cookie once (RFC 6265, section 4.1.1).
func setCookies(c echo.Context, cookies []*http.Cookie) {
	header := c.Response().Header()
	for _, cookie := range cookies {
		header[echo.HeaderSetCookie] = slices.DeleteFunc(header[echo.HeaderSetCookie], func(line string) bool {
			return strings.HasPrefix(line, cookie.Name+"=")
		})
		c.SetCookie(cookie)
	}
}
