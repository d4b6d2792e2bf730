package transport

import (
	"bytes"
	"context"
	_ "embed"
	"net/http"
	"strings"
)

// accountHTML is the page of all links, with marks where they differ.
//
//go:embed account.html
var accountHTML string

// linkedPage is what a link leads to.
type linkedPage struct{ title, text, button, done, form, more string }

const passwordForm = `<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required>`

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
	linkPage = linkedPage{
		title: "Log in", text: "Go on only if you have just asked for this link.",
		button: "Log in", done: "You are logged in.", more: `mode: "cookie", `,
	}
)

// page returns the handler of a page, whose policy is worked out once.
func page(p linkedPage) handler {
	html := []byte(strings.NewReplacer("{title}", p.title, "{text}", p.text, "{button}", p.button, "{done}", p.done, "{form}", p.form, "{more}", p.more).Replace(accountHTML))
	body := Page{HTML: bytes.TrimSpace(html), Policy: inlinePolicy(html)}
	return func(context.Context, *http.Request) (Reply, error) { return Reply{Body: body}, nil }
}
