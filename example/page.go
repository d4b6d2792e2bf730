package main

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
)

//go:embed templates
var templates embed.FS

// page is the page at /. It is one answer: markup, style and script.
type page struct {
	template *template.Template
	// fixed is what is the same for every reader.
	fixed view
}

// view is what the template shows.
type view struct {
	// Nonce permits the page's own style and script, and no other.
	Nonce string
	// Prefix is where the module's routes live.
	Prefix string
	// SignedIn says that the browser holds a live session cookie, which the script cannot see.
	SignedIn bool
	// Recent is how old a login may be that deletes an article.
	Recent string
	// Mail is how links reach their readers: log, mail, or empty if they do not.
	Mail string
	// Link and Code say that accounts may log in by what is mailed to them.
	Link, Code bool
	// TrustDays is for how long a device may need no second factor; 0 is never.
	TrustDays int
	// Users, Acting and Trail say that administrators have these routes.
	Users, Acting, Trail bool
}

func newPage(s settings) (*page, error) {
	t, err := template.ParseFS(templates, "templates/*")
	if err != nil {
		return nil, err
	}
	c := s.auth
	fixed := view{
		Prefix: c.HTTP.WithDefaults().Prefix, Recent: inWordsOf(s.recent), Mail: mailOf(c), Link: c.Account.MagicLink, Code: c.Account.LoginCode,
		Users: c.HTTP.UserEndpoints, Acting: c.HTTP.Impersonation, Trail: c.HTTP.AuditEndpoint,
	}
	if c.MFA.Enabled {
		fixed.TrustDays = int(c.MFA.TrustDays)
	}
	return &page{template: t.Lookup("index.html"), fixed: fixed}, nil
}

func mailOf(c authmodule.Config) string {
	if c.SMTP.Host != "" {
		return "mail"
	}
	return c.Account.Notifier
}

// inWordsOf writes whole minutes as people do.
func inWordsOf(d time.Duration) string {
	if d >= 2*time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " minutes"
	}
	return d.String()
}

func (p *page) show(c echo.Context) error {
	v := p.fixed
	v.Nonce, v.SignedIn = rand.Text(), echoauth.Principal(c).Authenticated()
	var html bytes.Buffer
	if err := p.template.Execute(&html, v); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentSecurityPolicy, contentPolicy(v.Nonce))
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	return c.HTMLBlob(http.StatusOK, html.Bytes())
}

// contentPolicy lets the page run its own script and style, talk to its own origin, and nothing else.
func contentPolicy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'nonce-" + nonce + "'; connect-src 'self'; img-src data:; " +
		"form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
