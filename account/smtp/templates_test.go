package smtp_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/setting"
)

// folder returns one with the files, which are given as names and contents.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600))
	}
	return dir
}

func configured(dir string) account.SMTPConfig {
	return account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com", Templates: dir}
}

const soundText = `{{define "subject"}}Hello from {{.Product}}{{end}}{{define "body"}}Go to {{.Link}} until {{.ExpiresRFC3339}}.{{end}}`

// A template that cannot be used is an error at start that names its file and line.
func TestBadTemplatesDoNotStart(t *testing.T) {
	t.Parallel()
	testCases := []struct{ name, file, content, expected string }{
		{"not closed", "verify_email.txt", "{{define \"subject\"}}x{{end}}\n{{define \"body\"}}\n{{.Link", "verify_email.txt: template: verify_email.txt:3: unclosed action"},
		{"an unknown function", "verify_email.html", "{{define \"body\"}}\n{{env \"SECRET\"}}{{end}}", `verify_email.html: template: verify_email.html:2: function "env" not defined`},
		{"an unknown field", "verify_email.html", "{{define \"body\"}}\n{{.Lnk}}{{end}}", `verify_email.html:2:2: executing "body" at <.Lnk>: can't evaluate field Lnk in type smtp.Data`},
		{"an unknown fact", "new_device.txt", "{{define \"subject\"}}x{{end}}{{define \"body\"}}\n{{.Facts.devise}}{{end}}", `new_device.txt:2:8: executing "body" at <.Facts.devise>: map has no entry for key "devise"`},
		{"the account's subject", "new_device.html", `{{define "body"}}{{.Subject.String}}{{end}}`, "can't evaluate field String in type string"},
		{"no body", "verify_email.html", "hello", `verify_email.html has no {{define "body"}}`},
		{"no subject", "verify_email.txt", `{{define "body"}}x{{end}}`, `verify_email.txt has no {{define "subject"}}`},
		{"a code in the subject", "login_code.txt", `{{define "subject"}}{{.Code}}{{end}}{{define "body"}}x{{end}}`, "login_code.txt: the subject may say .Product alone: template: login_code.txt:1:"},
		{"a subject of two lines", "login_code.txt", "{{define \"subject\"}}a\nBcc: eve@example.org{{end}}{{define \"body\"}}x{{end}}", "login_code.txt: the subject must be one line"},
		{"an empty subject", "login_code.txt", `{{define "subject"}} {{end}}{{define "body"}}x{{end}}`, "login_code.txt: the subject must be one line"},
		{"what fails without a link", "verify_email.txt", `{{define "subject"}}x{{end}}{{define "body"}}{{slice .Link 0 8}}{{end}}`, "verify_email.txt:1:"},
		{"HTML that cannot be escaped", "verify_email.html", `{{define "body"}}<a href={{.Link}}{{if .IP}}"{{end}}>{{end}}`, "verify_email.html"},
		{"a misspelt name", "verify_emial.txt", soundText, "verify_emial.txt takes the place of no template; did you mean verify_email.txt?"},
		{"a name far off", "zzzzzz", soundText, "zzzzzz takes the place of no template"},
		{"a layout without a body", "layout.txt", "{{.Nothing}}", `layout.txt:1:2: executing "layout.txt" at <.Nothing>`},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, tc.file, tc.content)
			sender, err := smtp.New(configured(dir), smtp.Options{})
			require.ErrorContains(t, err, tc.expected)
			assert.Nil(t, sender)
		})
	}
}

func TestEveryBadTemplateIsNamed(t *testing.T) {
	t.Parallel()
	_, err := smtp.New(configured(folder(t, "verify_email.txt", "{{", "new_device.html", "{{")), smtp.Options{})
	require.ErrorContains(t, err, "verify_email.txt:1:")
	require.ErrorContains(t, err, "new_device.html:1:")
	_, err = smtp.New(configured(filepath.Join(t.TempDir(), "none")), smtp.Options{})
	require.ErrorContains(t, err, "smtp: read the folder of templates (auth.smtp.templates)")
	dir := folder(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "verify_email.txt"), 0o700))
	_, err = smtp.New(configured(dir), smtp.Options{})
	require.ErrorContains(t, err, "smtp: read a template: ")
	_, err = smtp.New(configured(folder(t, "verify_email.txt", strings.Repeat(" ", 1<<20+1))), smtp.Options{})
	require.ErrorContains(t, err, "verify_email.txt is larger than 1048576 bytes")
}

func TestTemplatesAreReplacedOneByOne(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	dir := folder(t, "verify_email.txt", soundText, ".hidden", "what mounted folders have", "layout.html", `<p>Ours</p>{{template "body" .}}{{define "link"}}{{.Link}}{{end}}{{define "code"}}{{end}}{{define "details"}}{{end}}`)
	sender := s.sender(t, func(c *account.SMTPConfig) { c.Templates = dir })
	notice := reset("ada@example.org")
	notice.Kind = account.NoticeVerifyEmail
	require.NoError(t, sender.Notify(t.Context(), notice))
	m := s.mail(t)
	assert.Equal(t, "Hello from Example", m.Subject)
	assert.Contains(t, m.Text, "Go to "+link.Reveal()+" until 2026-11-26T10:57:00Z.\n\nExample sent this mail to ada@example.org.")
	assert.Contains(t, m.HTML, "<p>Ours</p>")
	assert.Contains(t, m.HTML, "Open this link to confirm", "the other half is the embedded one")

	require.NoError(t, sender.Notify(t.Context(), reset("ada@example.org")))
	assert.Equal(t, "Choose a new password for Example", s.mail(t).Subject, "the others are the embedded ones")
}

// What other people chose is text: in HTML it is escaped, and nowhere does it begin a line of its own.
func TestHostileTextsAreText(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	sender := s.sender(t, func(c *account.SMTPConfig) { c.Product = `<b>Ex&ample</b>` })
	hostile := "<script>alert(1)</script>\"'><img src=//evil.example>\r\n.\r\nFrom: evil\u202e{{.Link}}\x00"
	for _, kind := range account.NoticeKinds() {
		notice := account.Notice{Kind: kind, To: "ada@example.org", Link: link, Code: "123456", Time: now(), Expires: now(), IP: hostile, UserAgent: hostile}
		notice.Facts = map[string]string{"by": hostile, "new_email": hostile, "factor": hostile, "left": hostile, "device": hostile}
		require.NoError(t, sender.Notify(t.Context(), notice), kind)
		m := s.mail(t)
		assert.NotRegexp(t, `<script|<img|<b>`, m.HTML, kind)
		assert.Contains(t, m.HTML, "&lt;b&gt;Ex&amp;ample&lt;/b&gt;", kind)
		assert.NotRegexp(t, `(?m)^(\.|From: evil|<script)`, m.Text, kind)
		for _, part := range []string{m.Text, m.HTML} {
			assert.NotContains(t, part, "\u202e", kind)
			assert.NotContains(t, part, "\x00", kind)
		}
		assert.NotContains(t, m.Subject, "evil", kind)
		assert.NotContains(t, m.Header, "from: evil", kind)
	}
}

// Mails that anybody can have sent to anybody show no text of whoever asked for them.
func TestStrangersSayNothing(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	sender := s.sender(t)
	for _, kind := range []account.NoticeKind{
		account.NoticeVerifyEmail, account.NoticeAccountExists, account.NoticeResetPassword, account.NoticeChangeEmail, account.NoticeMagicLink, account.NoticeLoginCode, account.NoticeFactorCode,
	} {
		notice := reset("ada@example.org")
		notice.Kind, notice.UserAgent, notice.Code = kind, "You have won", "123456"
		require.NoError(t, sender.Notify(t.Context(), notice))
		m := s.mail(t)
		assert.NotContains(t, m.Raw, "won", kind)
	}
}

// Each kind says what it brings, in both parts.
func TestEveryKindSaysWhatItHas(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	sender := s.sender(t)
	subjects := map[string]account.NoticeKind{}
	for kind, expected := range map[account.NoticeKind]string{
		account.NoticeVerifyEmail: "link", account.NoticeAccountExists: "link", account.NoticeResetPassword: "link", account.NoticeChangeEmail: "link",
		account.NoticeMagicLink: "link", account.NoticeLoginCode: "code", account.NoticeFactorCode: "code", account.NoticePasswordChanged: "",
		account.NoticeEmailChanging: "fact-new_email", account.NoticeEmailChanged: "fact-new_email", account.NoticeFactorAdded: "fact-factor", account.NoticeFactorRemoved: "fact-factor",
		account.NoticeRecoveryCodeUsed: "fact-left", account.NoticeNewDevice: "fact-device", account.NoticeAccountDeleted: "",
	} {
		notice := account.Notice{Kind: kind, To: "ada@example.org", Time: now(), Facts: map[string]string{}}
		for _, fact := range []string{"new_email", "factor", "left", "device"} {
			notice.Facts[fact] = "fact-" + fact
		}
		switch expected {
		case "link":
			notice.Link, expected = link, link.Reveal()
		case "code":
			notice.Code, expected = setting.Secret("918273"), "918273"
		}
		require.NoError(t, sender.Notify(t.Context(), notice), kind)
		m := s.mail(t)
		if !strings.HasPrefix(expected, "https:") {
			assert.Contains(t, m.HTML, expected, kind)
			assert.NotContains(t, m.HTML, "href", kind)
		} else {
			assert.Equal(t, []string{expected}, hrefs(m.HTML), kind)
		}
		assert.Contains(t, m.Text, expected, kind)
		assert.NotContains(t, m.Text+m.HTML, "no value", kind)
		assert.Contains(t, m.Subject, "Example")
		subjects[m.Subject] = kind
	}
	assert.Len(t, subjects, len(account.NoticeKinds())-1, "every subject is another, but the one of the two codes")
}

func TestUnknownKinds(t *testing.T) {
	t.Parallel()
	sender, err := smtp.New(configured(""), smtp.Options{})
	require.NoError(t, err)
	err = sender.Notify(t.Context(), account.Notice{Kind: "birthday", To: "ada@example.org", Link: link})
	require.ErrorContains(t, err, `smtp: there is no template for "birthday"; kinds are account_deleted, account_exists,`)
	noSecrets(t, err)
}

func TestNewRefusesWhatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for expected, c := range map[string]account.SMTPConfig{
		"smtp: host is empty": {},
		"smtp: from is no address: set it to the sender's address":                  {Host: "mail.example.com"},
		"smtp: tls is insecure_none, which would send the password in clear: set":   {Host: "127.0.0.1", From: "a@example.com", TLS: account.SMTPInsecureNone, Username: user, Password: password},
		"smtp: from has no domain that can be":                                      {Host: "127.0.0.1", From: "a@-example-.com"},
		"smtp: product has a line break or a control character: set it to the name": {Host: "127.0.0.1", From: "a@example.com", Product: "a\nb"},
	} {
		_, err := smtp.New(c, smtp.Options{})
		require.ErrorContains(t, err, expected)
		noSecrets(t, err)
	}
}

func TestProductHasADefault(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	for _, tc := range []struct{ product, host, expected string }{{"Example", "app.example.com", "Example"}, {"", "app.example.com", "app.example.com"}, {"", "", "example.com"}} {
		sender, err := smtp.New(s.config(func(c *account.SMTPConfig) { c.Product = tc.product }), smtp.Options{RootCAs: s.roots, PublicHost: tc.host})
		require.NoError(t, err)
		require.NoError(t, sender.Notify(t.Context(), reset("ada@example.org")))
		assert.Equal(t, "Choose a new password for "+tc.expected, s.mail(t).Subject)
	}
}
