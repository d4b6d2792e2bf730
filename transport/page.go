package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

// linkedHTML is the page of all links, with marks where they differ.
//
//go:embed page.html
var linkedHTML string

// linkedPage is what a link leads to.
type linkedPage struct{ title, text, button, done, form, more string }

const passwordForm = `<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" required>`

// The pages. Opening one uses nothing up: scanners of mail open links too (RST-04).
var (
	verifyPage = linkedPage{
		title: "Verify your e-mail address", text: "If you have made an account here with this address, confirm it.",
		button: "Verify the address", done: "Done: the address is verified. You may log in.",
	}
	confirmPage = linkedPage{
		title: "Confirm your new e-mail address", text: "If you have asked for this address to be that of your account, confirm it.",
		button: "Use this address", done: "Done: this is your account's address now.",
	}
	resetPage = linkedPage{
		title: "Choose a new password", text: "A sentence is a good one. You will be logged out everywhere.",
		button: "Set the password", done: "Done: log in with the new password.", form: passwordForm,
	}
	setupPage = linkedPage{
		title: "Set up the first administrator", text: "Choose a password of at least 15 characters. A sentence is a good one.",
		button: "Create the administrator", done: "Done: you may log in as administrator now.", form: passwordForm,
	}
	linkPage = linkedPage{
		title: "Log in", text: "Go on only if you have just asked for this link.",
		button: "Log in", done: "You are logged in.", more: `mode: "cookie", `,
	}
)

// page returns the handler of a page, whose policy is worked out once.
func page(p linkedPage) handler {
	html := []byte(strings.NewReplacer("{title}", p.title, "{text}", p.text, "{button}", p.button, "{done}", p.done, "{form}", p.form, "{more}", p.more).Replace(linkedHTML))
	body := Page{HTML: bytes.TrimSpace(html), Policy: inlinePolicy(html)}
	return func(context.Context, *http.Request) (Reply, error) { return Reply{Body: body}, nil }
}

// inlinePolicy allows exactly the page's own script and style, by their hashes.
func inlinePolicy(html []byte) string {
	source := func(tag string) string {
		inner := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindSubmatch(html)[1]
		sum := sha256.Sum256(inner)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; script-src " +
		source("script") + "; style-src " + source("style")
}
