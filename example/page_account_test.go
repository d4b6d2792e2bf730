package main_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const otherPassword = "another sentence that is long enough"

// mailed waits for the last link or code of a kind in the program's log, to an address, and takes it out of what came before it.
func (p *program) mailed(kind, to string, after int) string {
	p.t.Helper()
	pattern := regexp.MustCompile(`kind=` + kind + ` to=` + regexp.QuoteMeta(to) + ` (?:link|code)=(\S+)`)
	var link string
	require.Eventually(p.t, func() bool {
		found := pattern.FindAllStringSubmatch(p.stderr.String()[after:], -1)
		if len(found) > 0 {
			link = found[len(found)-1][1]
		}
		return link != ""
	}, 20*time.Second, 20*time.Millisecond, "no %s for %s in the log", kind, to)
	return link
}

// linked opens a link of the log. The test listens on a port that is not known beforehand, so that links are paths.
func (b *browser) linked(p *program, link string) {
	b.t.Helper()
	require.True(b.t, strings.HasPrefix(link, "/auth/"), link)
	b.do(chromedp.Navigate(p.url + link))
}

func (b *browser) address() string {
	b.t.Helper()
	address, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href"))
	require.NoError(b.t, err)
	return address
}

// TestPageAccount follows an account from its registration to its end: it verifies its address, chooses a new password by a link
// and another one on the page, and is deleted.
func TestPageAccount(t *testing.T) {
	t.Parallel()
	const email = "ada@example.com"
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))

	b.fill("#register-email", email)
	b.fill("#register-password", password)
	b.click("#register-button")
	b.see("#said", "A link that verifies the address was sent. This example prints it to its log.")
	first := p.mailed("verify_email", email, 0)

	// Sent again, the link of before is dead.
	b.login(email, "cookie")
	before := len(p.stderr.String())
	b.click("#verify-again")
	b.see("#said", "If the address is not verified yet")
	second := p.mailed("verify_email", email, before)
	b.linked(p, first)
	b.screenshot("verify", 1200, "light")
	b.click("button")
	b.see("#said", "the link is not valid")
	b.screenshot("verify-refused-narrow", 390, "dark")
	b.linked(p, second)                 // in the same tab: the address differs behind # alone
	require.Eventually(t, func() bool { // the page loads anew under the question
		fresh, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("location.hash === '' && document.getElementById('said')?.textContent === ''"))
		return err == nil && fresh
	}, 20*time.Second, 50*time.Millisecond)
	b.see("h1", "Verify your e-mail address")
	assert.NotContains(t, b.address(), "#", "the token leaves the address bar, and with it the history")
	const answerTo = `window.asked = 0; window.trueFetch ??= fetch; window.fetch = (...a) => { asked++; return `
	b.do(chromedp.Evaluate[chromedp.Void](answerTo + `Promise.reject(new TypeError()) }; undefined`))
	b.click("button")
	b.see("#said", "There was no answer that can be read. Try again.")
	asked, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](answerTo+`trueFetch(...a) }; form.requestSubmit(); form.requestSubmit(); asked`))
	require.NoError(t, err)
	assert.Equal(t, 1, asked, "a second click must not have the answer that the link was used")
	b.see("#said", "Done: the address is verified")
	b.screenshot("verified", 1200, "dark")
	assert.Contains(t, p.stderr.String(), "user.verified")

	// The password is forgotten.
	b.do(chromedp.Navigate(p.url))
	b.fill("#login-email", email)
	b.click("#forgot")
	b.see("#said", "If "+email+" has an account, a link to a new password was sent")
	b.linked(p, p.mailed("reset_password", email, 0))
	b.see("h1", "Choose a new password")
	b.screenshot("reset", 1200, "light")
	b.screenshot("reset-narrow", 390, "dark")
	b.fill("#password", "fourteen chars")
	b.click("button")
	b.see("#said", "at least 15 characters")
	b.screenshot("reset-refused", 390, "light")
	b.fill("#password", otherPassword)
	b.click("button")
	b.see("#said", "Done: log in with the new password")
	b.screenshot("reset-done", 1200, "dark")

	// The cookie of before is dead, and so is the old password.
	b.do(chromedp.Navigate(p.url))
	b.see("#badge", "anonymous")
	b.fill("#login-email", email)
	b.fill("#login-password", password)
	b.click("#login-button")
	b.see("#said", "Not logged in")
	b.fill("#login-password", otherPassword)
	b.click("#mode-cookie")
	b.click("#login-button")
	b.see("#said", "Logged in as "+email)

	// Another password, on the page.
	b.fill("#change-current", "not this one, surely")
	b.fill("#change-new", password)
	b.click("#change-button")
	b.see("#said", "Not changed")
	b.fill("#change-current", otherPassword)
	b.click("#change-button")
	b.see("#said", "The password is another one now")
	b.see("#badge", email)
	b.screenshot("owner", 1200, "light")
	b.screenshot("owner-narrow", 390, "dark")
	access, _ := p.tokens(email)

	// The end of the account.
	b.fill("#end-email", "somebody@example.com")
	b.click("#end-button")
	b.see("#said", "this is not the address")
	b.fill("#end-email", email)
	b.click("#end-button")
	b.see("#said", "The account "+email+" is deleted")
	b.see("#badge", "anonymous")
	assert.Equal(t, 401, p.do("GET", "/auth/me", "", bearer(access)).status)
	assert.Equal(t, 401, p.do("POST", "/auth/login", credentials(email, "token")).status)
	assert.Empty(t, b.errors())
}

// TestPageLinks changes an address, by the link that is sent to the new one, and logs in by a link and by a code.
func TestPageLinks(t *testing.T) {
	t.Parallel()
	const email = "editor-in-chief@example.com"
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))
	b.login("editor@example.com", "cookie")
	b.fill("#move-email", email)
	b.click("#move-button")
	b.see("#said", "was sent to "+email)
	b.linked(p, p.mailed("change_email", email, 0))
	b.see("h1", "Confirm your new e-mail address")
	b.screenshot("confirm", 1200, "dark")
	b.click("button")
	b.see("#said", "Done: this is your account's address now")
	assert.Equal(t, 200, p.do("POST", "/auth/login", credentials(email, "token")).status)
	assert.Equal(t, 401, p.do("POST", "/auth/login", credentials("editor@example.com", "token")).status)
	b.do(chromedp.Navigate(p.url))
	b.see("#badge", email)
	b.click("#logout-everywhere")
	b.see("#said", "Logged out")

	b.press("#mail-link")
	b.see("#said", "Type the e-mail address first")
	b.fill("#login-email", email)
	b.press("#mail-link")
	b.see("#said", "If "+email+" has an account, a link that logs in was sent. This example prints it to its log.")
	b.linked(p, p.mailed("magic_link", email, 0))
	b.see("h1", "Log in")
	b.screenshot("link-narrow", 390, "light")
	b.click("button")
	b.see("#said", "You are logged in")
	b.do(chromedp.Navigate(p.url))
	b.see("#said", "Logged in as "+email+" by the cookie of an earlier visit")
	b.press("#logout")
	b.see("#said", "Logged out")

	b.fill("#login-email", email)
	b.press("#mail-code")
	b.see("#said", "If "+email+" has an account, a code that logs in was sent")
	b.fill("#mailed-code", "0000")
	b.press("#mailed-button")
	b.see("#said", "Not logged in")
	b.screenshot("mailed-code", 1200, "light")
	b.screenshot("mailed-code-narrow", 390, "dark")
	b.fill("#mailed-code", p.mailed("login_code", email, 0))
	b.press("#mailed-button")
	b.see("#said", "Logged in as "+email+" by token")
	assert.Empty(t, b.errors())
}

// TestPageActsAs has an administrator act as a reader, who is refused what only an owner may do, and stop.
func TestPageActsAs(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))
	b.login("admin@example.com", "cookie")
	b.choose("#admin-user", "admin@example.com")
	b.click("#act-button")
	b.see("#said", "You must not act as this account")
	b.choose("#admin-user", "viewer@example.com")
	b.click("#act-button")
	b.see("#said", "You act as viewer@example.com")
	b.see("#acting-who", "admin@example.com acts as viewer@example.com")
	b.see("#badge", "viewer@example.com (viewer)")
	b.see("#factors-none", "Only its owner")
	b.screenshot("acting", 1200, "light")
	b.screenshot("acting-narrow", 390, "dark")
	b.click("#try-add button")
	b.see("#try-add .answer", "403 permission_denied")
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!document.getElementById("change-card").hidden || !document.getElementById("own-card").hidden`))
	require.NoError(t, err)
	assert.False(t, shown, "what only the owner does is not offered")

	b.click("#acting-stop")
	b.see("#said", "You act as nobody else any more")
	b.see("#badge", "admin@example.com (admin)")
	b.trail("impersonation.started")
	b.see("#trail", "viewer@example.com, by admin@example.com, reason ticket 4711")

	// A disabled account's login is dead, until it is enabled.
	access, _ := p.tokens("viewer@example.com")
	b.choose("#admin-user", "viewer@example.com")
	b.click("#admin-acts [data-path='/disable']")
	b.see("#said", "The account is disabled")
	b.see("#admin-user", "viewer@example.com (viewer), disabled")
	assert.Equal(t, 401, p.do("GET", "/auth/me", "", bearer(access)).status)
	b.click("#admin-acts [data-path='/enable']")
	b.see("#said", "can be used again")
	b.click("#admin-acts [data-path='/password-reset']")
	b.see("#said", "Its password is dead")
	assert.Equal(t, 401, p.do("POST", "/auth/login", credentials("viewer@example.com", "token")).status)
	p.mailed("reset_password", "viewer@example.com", 0)
	b.screenshot("administrator", 1200, "dark")
	assert.Empty(t, b.errors())
}

// What was asked for as somebody is not shown any more, and breaks nothing, once the page is somebody else or nobody.
func TestPageShowsNothingOfWhoHasLeft(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))
	b.login("admin@example.com", "token")
	b.see("#said", "Logged in as admin@example.com")
	b.see("#sessions tbody", "this one")
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const late = Promise.allSettled([showFactors(), showSessions(), showAdmin()]);
		become("nobody");
		late.then((all) => { document.title = "late: " + all.map((one) => one.status + " " + (one.reason || "")); });
	})()`))
	b.see("title", "late: fulfilled ,fulfilled ,fulfilled ")
	assert.Zero(t, b.count("#factors:not([hidden]), #admin:not([hidden]), #sessions tbody tr"))
	assert.Empty(t, b.errors())
}
