package main_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// code is what an authenticator app shows for the secret so long from now.
func code(t *testing.T, secret string, from time.Duration) string {
	t.Helper()
	at := time.Now().Add(from).UTC().Format("2006-01-02 15:04:05 UTC")
	out, err := exec.Command(peer.Require(t, "oathtool"), "--totp", "--base32", "--now", at, secret).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// TestPageSecondFactor enrolls an app by its picture, logs in with it and with a recovery code, deletes an article after
// proving it anew, and finds it all in the audit trail.
func TestPageSecondFactor(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := start(t, setup{args: []string{"-recent", "3s"}})
	b.do(chromedp.Navigate(p.url))

	// Enroll, by the picture.
	b.login("admin@example.com", "cookie")
	b.click("#enroll-begin")
	b.see("#said", "Scan the picture")
	drawn, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("document.getElementById('enroll-picture').naturalWidth > 100"))
	require.NoError(t, err)
	require.True(t, drawn, "the picture is one")
	b.screenshot("enroll", 1200, "light")
	b.screenshot("enroll-narrow", 390, "dark")
	secret := b.text("#enroll-secret")
	b.fill("#enroll-code", "000000")
	b.click("#enroll-button")
	b.see("#said", "The code is wrong")
	b.fill("#enroll-code", code(t, secret, 0))
	b.click("#enroll-button")
	b.see("#said", "The app is a second factor now")
	recovery := strings.Fields(b.text("#codes-text"))
	require.Len(t, recovery, 10)
	b.see("#factors-left", "10 recovery codes left")
	b.screenshot("recovery-codes", 1200, "light")
	b.click("#logout")
	b.see("#said", "Logged out")
	assert.Empty(t, b.text("#codes-text"), "the codes are gone from the page")

	// Log in with the next code of the app.
	b.factor("admin@example.com", "cookie", "totp", code(t, secret, 30*time.Second))
	b.see("#badge", "admin@example.com (admin)")
	b.click("#logout")
	b.see("#said", "Logged out")

	// The phone is gone: a recovery code stands in, once.
	b.factor("admin@example.com", "token", "recovery_code", recovery[0])
	b.see("#badge", "admin@example.com (admin)")
	b.see("#factors-left", "9 recovery codes left")

	// Deleting wants a login of the last seconds.
	require.Eventually(t, func() bool {
		b.click("#try-add button")
		b.see("#try-add .answer", "201")
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#try-delete .answer").textContent = ""`))
		b.click("#try-delete button")
		b.see("#try-delete .answer", "0")
		return strings.Contains(b.text("#try-delete .answer"), "insufficient_user_authentication")
	}, 30*time.Second, 100*time.Millisecond)
	b.screenshot("step-up", 1200, "light")
	b.choose("#prove-factor", "password")
	b.fill("#prove-secret", password)
	b.click("#prove-button")
	b.see("#try-delete .answer", "204")

	// The trail has it all.
	b.trail("step_up.succeeded")
	for _, event := range []string{"mfa.enrolled", "mfa.failed", "recovery_code.used", "step_up.succeeded", "login.succeeded", "session.ended"} {
		b.see("#trail", event)
	}
	assert.NotContains(t, b.text("#trail"), recovery[0])
	b.screenshot("trail", 1200, "light")
	b.screenshot("trail-narrow", 390, "dark")
	assert.Empty(t, b.errors())
}

// TestPageTrustedDevice has a device log in without a code, by cookie and by token, until its owner takes that back.
func TestPageTrustedDevice(t *testing.T) {
	t.Parallel()
	const email = "editor@example.com"
	b := openBrowser(t)
	p := start(t, setup{})
	b.do(chromedp.Navigate(p.url))
	b.login(email, "cookie")
	b.press("#enroll-begin")
	b.see("#said", "Scan the picture")
	secret := b.text("#enroll-secret")
	b.fill("#enroll-code", code(t, secret, 0))
	b.press("#enroll-button")
	b.see("#said", "The app is a second factor now")
	recovery := strings.Fields(b.text("#codes-text"))
	require.Len(t, recovery, 10)

	for i, mode := range []string{"cookie", "token"} {
		name := "laptop by " + mode
		b.press("#logout")
		b.see("#said", "Logged out")
		b.half(email, mode)
		b.press("#factor-trust")
		b.fill("#factor-device", name)
		b.screenshot("trust-"+mode, 1200, "light")
		b.screenshot("trust-"+mode+"-narrow", 390, "dark")
		b.do(chromedp.SetValue(chromedp.CSS("#factor-name"), "recovery_code"))
		b.fill("#factor-code", recovery[i])
		b.press("#factor-button")
		b.see("#said", "Logged in as "+email+" by "+mode+". This")
		b.see("#trusted-list", name)

		b.press("#logout")
		b.see("#said", "Logged out")
		b.login(email, mode) // by the password alone
		b.see("#trusted-list", name)
	}
	assert.Equal(t, 2, b.count("#trusted-list li"))
	b.screenshot("trusted", 1200, "dark")
	b.screenshot("trusted-narrow", 390, "light")

	// One is taken back, and then all.
	b.press("#trusted-list button[aria-label$='laptop by token']")
	b.see("#said", "laptop by token needs a code again")
	assert.Equal(t, 1, b.count("#trusted-list li"))
	b.press("#logout")
	b.see("#said", "Logged out")
	b.half(email, "token")
	b.login(email, "cookie")
	b.press("#trusted-none")
	b.see("#said", "No device is trusted any more")
	b.press("#logout")
	b.see("#said", "Logged out")
	b.half(email, "cookie")
	assert.Empty(t, b.errors())
}

// trail reads the audit trail until it has the event, which is chained a second after it. It presses the button by script: the page may still be
// filling, and moves.
func (b *browser) trail(event string) {
	b.t.Helper()
	script := fmt.Sprintf(`(() => {
		const button = document.querySelector("#trail-show");
		if (!button.disabled) button.click();
		return document.querySelector("#trail").textContent.includes(%q);
	})()`, event)
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](script, chromedp.WithPollingInterval(300*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second)))
	require.NoError(b.t, err, "the trail does not show %s", event)
}

// half logs in as far as the question for the second factor.
func (b *browser) half(email, mode string) {
	b.t.Helper()
	b.fill("#login-email", email)
	b.fill("#login-password", password)
	b.press("#mode-" + mode)
	b.press("#login-button")
	b.see("#said", "Now the second factor")
}

// factor logs in by password and a second factor.
func (b *browser) factor(email, mode, name, code string) {
	b.t.Helper()
	b.half(email, mode)
	b.do(chromedp.SetValue(chromedp.CSS("#factor-name"), name))
	b.fill("#factor-code", code)
	b.click("#factor-button")
	b.see("#said", "Logged in as "+email)
}
