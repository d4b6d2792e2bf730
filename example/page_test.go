package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// screenshotVariable names a folder in which the screenshots are kept.
const screenshotVariable = "EXAMPLE_SCREENSHOT"

// browser is a page in a real, headless Chromium.
type browser struct {
	t       *testing.T
	ctx     context.Context
	mu      sync.Mutex
	console []string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Require(t, "chromium")), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1200, 900),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	require.NoError(t, chromedp.Do(ctx), "start the browser")
	b := &browser{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	return b
}

// listen notes what a console shows as an error. That a request was answered
// 401 or 403 is what the page is for; violations of its policy are never expected.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.console = append(b.console, text)
	case *runtime.EventConsoleAPICalled:
		b.console = append(b.console, "console: "+string(e.Type))
	case *cdplog.EventEntryAdded:
		expected := e.Entry.Source == "network" && strings.Contains(e.Entry.Text, " 40")
		if e.Entry.Level == "error" && !expected || e.Entry.Source == "security" {
			b.console = append(b.console, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

// errors returns what the console showed as an error so far.
func (b *browser) errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.console)
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	require.NoError(b.t, err)
	return text
}

// see waits until the element's text contains what is expected.
func (b *browser) see(selector, expected string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	script := fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))", selector, expected)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](script, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		b.screenshot("failed", 1200, "light")
		b.t.Fatalf("%s does not show %q but %q: %v", selector, expected, b.text(selector), err)
	}
}

func (b *browser) count(selector string) int {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
	require.NoError(b.t, err)
	return n
}

func (b *browser) click(selector string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(selector))) }

// press clicks an element once it can be seen and pressed, by script: what arrives above it meanwhile moves it.
func (b *browser) press(selector string) {
	b.t.Helper()
	script := fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		if (!e || e.disabled || e.offsetParent === null) return false;
		e.click();
		return true;
	})()`, selector)
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](script, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second)))
	require.NoError(b.t, err, "%s cannot be pressed", selector)
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.do(
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).value = ''", selector)),
		chromedp.SendKeys(chromedp.CSS(selector), text),
	)
}

func (b *browser) value(selector string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).value", selector)))
	require.NoError(b.t, err)
	return value
}

// choose selects the option that begins with the text.
func (b *browser) choose(selector, text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
		"(() => { const s = document.querySelector(%q); s.value = [...s.options].find((o) => o.textContent.startsWith(%q)).value; })()", selector, text)))
}

func (b *browser) login(email, mode string) {
	b.t.Helper()
	b.fill("#login-email", email)
	b.fill("#login-password", password)
	b.click("#mode-" + mode)
	b.click("#login-button")
	b.see("#said", "Logged in as "+email+" by "+mode)
}

// screenshot keeps a picture of the whole page, at a width, in light or dark.
func (b *browser) screenshot(name string, width int64, scheme string) {
	b.t.Helper()
	folder := os.Getenv(screenshotVariable)
	if folder == "" {
		folder = b.t.TempDir()
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
	b.do(chromedp.EmulateViewport(width, 900), chromedp.Evaluate[chromedp.Void]("window.scrollTo(0, 0)"))
	overflow, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
	require.NoError(b.t, err)
	assert.False(b.t, overflow, "the page is wider than a screen of %d", width)
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600))
	b.do(chromedp.EmulateViewport(1200, 900))
}

// TestPage clicks through the page as a reader would.
func TestPage(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))

	// Nobody is logged in.
	b.see("#badge", "anonymous")
	b.screenshot("anonymous", 1200, "light")
	b.click("#try-list button")
	b.see("#try-list .answer", "401 unauthenticated")

	// Register: a short password is refused in words, a good one makes a viewer.
	b.fill("#register-email", "ada@example.com")
	b.fill("#register-password", "short")
	b.click("#register-button")
	b.see("#said", "at least 15 characters")
	b.fill("#register-password", password)
	b.click("#register-button")
	b.see("#said", "Registered ada@example.com as viewer")

	// Log in with a cookie.
	b.login("ada@example.com", "cookie")
	b.see("#badge", "ada@example.com (viewer)")
	b.see("#who-permissions", "articles.read")
	b.see("#sessions tbody", "this one")
	assert.Equal(t, 1, b.count("#sessions tbody tr"))
	assert.Contains(t, b.text("#sessions tbody"), "on Linux")
	b.click("#try-list button")
	b.see("#try-list .answer", "200")
	b.click("#try-delete button")
	b.see("#try-delete .answer", "403 permission_denied")
	b.see("#try-delete .answer", "articles.delete")
	b.see("#try-delete .answer", "viewer")
	b.click("#try-users button")
	b.see("#try-users .answer", "the role admin")
	b.see("#try-delete .held", "not")
	b.screenshot("viewer", 1200, "light")
	b.screenshot("viewer-narrow", 390, "dark")

	// The cookie survives a reload, and scripts cannot read it.
	b.do(chromedp.Reload())
	b.see("#said", "cookie of an earlier visit")
	seen, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.cookie"))
	require.NoError(t, err)
	assert.Empty(t, seen)

	// Log in with a token, as the administrator.
	b.login("admin@example.com", "token")
	b.see("#badge", "admin@example.com (admin)")
	b.click("#try-add button")
	b.see("#try-add .answer", "201")
	b.click("#try-delete button")
	b.see("#try-delete .answer", "204")
	b.click("#try-users button")
	b.see("#try-users .answer", "200")
	b.see("#last-text", "ada@example.com")
	b.click("#refresh")
	b.see("#said", "New access and refresh token")

	// A second session of the administrator, from elsewhere, is revoked here.
	elsewhere, _ := p.tokens("admin@example.com")
	b.click("#sessions-reload")
	b.see("#sessions tbody", "Go-http-client")
	b.screenshot("admin-dark", 1200, "dark")
	b.screenshot("admin-narrow", 390, "light")
	b.click("#sessions tbody button[aria-label^='Revoke'][aria-label*='Go-http-client']")
	b.see("#said", "was revoked")
	assert.Equal(t, 1, b.count("#sessions tbody tr"))
	assert.Equal(t, 401, p.do("GET", "/auth/me", "", bearer(elsewhere)).status)

	// The device gets a name.
	b.click("#sessions tbody button.name")
	b.fill("#sessions tbody input", "work laptop\n")
	b.see("#said", "called work laptop now")
	b.see("#sessions tbody", "work laptop (")

	// Both credentials are held; requests are sent as either, or as nobody.
	b.click("#as-cookie")
	b.see("#badge", "ada@example.com")
	b.click("#as-nobody")
	b.see("#badge", "anonymous")
	b.click("#as-token")
	b.see("#badge", "admin@example.com")

	p.tokens("admin@example.com")
	b.click("#sessions-reload")
	b.see("#sessions tbody", "Go-http-client")
	b.click("#sessions-others")
	b.see("#said", "All other sessions were revoked")
	assert.Equal(t, 1, b.count("#sessions tbody tr"))

	// A stream ends when its session does.
	b.see("#live", "open")

	// Log out of one, then revoke the other, which is this page's own.
	b.click("#logout")
	b.see("#said", "Logged out")
	b.click("#as-cookie")
	b.see("#badge", "ada@example.com")
	b.click("#sessions tbody button[aria-label^='Revoke']")
	b.see("#said", "This session was revoked")
	b.see("#badge", "anonymous")
	b.see("#live", "not open")

	assert.Empty(t, b.errors(), "the console shows errors")
}

// TestPageFollowsPolicies has an editor edit his own draft and not another's; an administrator sees why, and deletes it.
func TestPageFollowsPolicies(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	admin, _ := p.tokens("admin@example.com")
	others := p.do("POST", "/articles", `{"title":"The chief's","status":"draft"}`, bearer(admin))
	require.Equal(t, 201, others.status, others.body)
	b.do(chromedp.Navigate(p.url))

	// The editor writes a draft and edits it.
	b.login("editor@example.com", "token")
	b.do(chromedp.SetValue(chromedp.CSS("#add-status"), "draft"))
	b.click("#try-add button")
	b.see("#try-add .answer", "201")
	b.click("#try-edit button")
	b.see("#try-edit .answer", "it reads Edited on the page now")
	own := b.value("#edit-id")

	// Another's draft he neither edits nor sees.
	b.fill("#edit-id", others.text("id"))
	b.click("#try-edit button")
	b.see("#try-edit .answer", "403 permission_denied")
	b.see("#try-edit .answer", "nor a policy gives")
	b.click("#try-list button")
	b.see("#last-text", "Edited on the page")
	assert.NotContains(t, b.text("#last-text"), "The chief's")
	b.screenshot("editor-policies", 1200, "light")

	// The administrator sees why, gives a viewer a role that ends, and deletes the draft.
	b.login("admin@example.com", "token")
	b.see("#admin-user", "editor@example.com (editor)")
	b.choose("#admin-user", "editor@example.com")
	b.fill("#explain-article", others.text("id"))
	b.click("#explain-button")
	b.see("#why", "denied: missing_permission")
	b.see("#why", "own-articles")
	b.see("#why", "resource.owner = User::")
	b.choose("#admin-user", "viewer@example.com")
	b.click("#grant-button")
	b.see("#said", "The role editor was given for 60 minutes")
	b.see("#admin-user", "editor until")
	b.screenshot("admin-policies", 1200, "light")
	b.screenshot("admin-policies-narrow", 390, "dark")
	b.click("#grant-take")
	b.see("#said", "was taken away")
	b.fill("#delete-id", own)
	b.click("#try-delete button")
	b.see("#try-delete .answer", "204")
	assert.Empty(t, b.errors())
}

// TestPageRunsNothingForeign puts markup where the page shows text, and a script where the policy forbids it.
func TestPageRunsNothingForeign(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	access, _ := p.tokens("editor@example.com")
	require.Equal(t, 201, p.do("POST", "/articles", `{"title":"<img src=x onerror=console.error(1)>","body":"b"}`, bearer(access)).status)
	b.do(chromedp.Navigate(p.url))
	b.login("viewer@example.com", "token")
	b.click("#try-list button")
	b.see("#last-text", "<img src=x")
	assert.Zero(t, b.count("main img:not(#enroll-picture)"))
	assert.Empty(t, b.errors())

	// The policy bites, and a breach of it is noticed.
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const style = document.createElement("style");
		style.textContent = "main { display: none !important }";
		document.head.append(style);
	})()`))
	b.do(chromedp.WaitVisible(chromedp.CSS("main")))
	require.Eventually(t, func() bool { return len(b.errors()) > 0 }, 20*time.Second, 10*time.Millisecond)
	assert.Contains(t, b.errors()[0], "Content Security Policy")
}

// maxSessions is how many sessions the example permits.
const maxSessions = 10

// TestPageAsksAtTheLimit logs in once too often, ends a session of the list, and then all of them.
func TestPageAsksAtTheLimit(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	for range maxSessions {
		p.tokens("editor@example.com")
	}
	b.do(chromedp.Navigate(p.url))
	b.fill("#login-email", "editor@example.com")
	b.fill("#login-password", password)
	b.click("#mode-cookie")
	b.click("#login-remember")
	b.click("#login-button")
	b.see("#said", "Choose which sessions to end")
	assert.Equal(t, maxSessions, b.count("#choice-sessions input"))
	b.screenshot("choice", 1200, "light")
	b.click("#choice-button")
	b.see("#said", "Logged in as editor@example.com by cookie")
	assert.Equal(t, maxSessions, b.count("#sessions tbody tr"))
	b.see("#sessions tbody", "remembered")

	// Another client's change arrives, and the end of the session ends the stream.
	b.see("#live", "open")
	access, _ := p.tokens("admin@example.com")
	require.Equal(t, 201, p.do("POST", "/articles", `{"title":"news","body":"b"}`, bearer(access)).status)
	b.see("#live", "was added")
	ended, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`fetch("/auth/sessions", { method: "GET" }).then(async (r) => {
		const own = (await r.json()).sessions.find((one) => one.current);
		return (await fetch("/auth/sessions/" + own.id, { method: "DELETE" })).status;
	})`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Equal(t, 204, ended)
	b.see("#live", "ended: authn: session ended")

	// Log in once more; what was said after the first time must not be taken for an answer.
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("said").textContent = ""`))
	b.fill("#login-password", password)
	b.click("#login-button")
	b.see("#said", "Logged in as editor@example.com by cookie")
	b.click("#logout-everywhere")
	b.see("#said", "Logged out on all devices")
	b.see("#badge", "anonymous")
	assert.Empty(t, b.errors())
}
