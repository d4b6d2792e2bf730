package smtp_test

import (
	"html"
	"mime"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/setting"
)

func TestMailHasWhatItShould(t *testing.T) {
	t.Parallel()
	s := start(t, options{"user": user, "pass": password.Reveal()})
	require.NoError(t, s.sender(t, withLogin).Notify(t.Context(), reset("ada@example.org")))
	m := s.mail(t)
	assert.Equal(t, "noreply@example.com", m.From[0].Address)
	assert.Equal(t, "Example", m.From[0].Name)
	require.Len(t, m.To, 1)
	assert.Equal(t, "ada@example.org", m.To[0].Address)
	assert.Equal(t, "Choose a new password for Example", m.Subject)
	assert.Equal(t, "noreply@example.com", m.Envelope.From)
	assert.Equal(t, []string{"ada@example.org"}, m.Envelope.To)
	assert.True(t, now().Equal(m.Date), m.Date)
	assert.Regexp(t, `^<[A-Z2-7]{26}@example\.com>$`, m.MessageID)
	assert.Equal(t, "Auto-Submitted: auto-generated", m.Header["auto-submitted"])
	assert.Equal(t, "example.com", m.Hello, "the name of this machine is nobody's business")
	assert.Zero(t, m.Attachments)
	for _, name := range []string{"x-mailer", "user-agent", "bcc", "cc", "reply-to"} {
		assert.NotContains(t, m.Header, name)
	}
	for _, part := range []string{m.Text, m.HTML} {
		assert.Contains(t, part, "The link is good once, until 26 November 2026, 10:57 UTC.")
		assert.Contains(t, part, "192.0.2.7")
	}
	assert.Equal(t, link.Reveal(), linkIn(t, m.Text))
	assert.Equal(t, []string{link.Reveal()}, hrefs(m.HTML))
	assert.NotRegexp(t, `(?i)<img|src=|url\(|@import|<script`, m.HTML, "nothing is fetched by reading a mail")
	for header := range strings.SplitSeq(m.Raw, "\r\n") {
		assert.LessOrEqual(t, len(header), 78, "RFC 5322, section 2.1.1")
	}
}

// Neither quoted-printable nor the length of lines changes a link.
func TestLinksArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	sender := s.sender(t)
	for _, token := range []string{
		"x", "=3D=20=", ".\u002e", strings.Repeat("A", 2000), strings.Repeat("=.", 300), strings.Repeat("%C3%BC", 100), "a+b/c==", "a&b;c'd(e)f*g!h$i,j:k@l",
	} {
		notice := reset("ada@example.org")
		notice.Link = setting.Secret("https://app.example.com/reset?q=1&amp=2#" + token)
		require.NoError(t, sender.Notify(t.Context(), notice))
		m := s.mail(t)
		assert.Equal(t, notice.Link.Reveal(), linkIn(t, m.Text))
		// What is quoted in an attribute may be escaped; a browser that opens it comes to the same place.
		assert.Equal(t, []string{notice.Link.Reveal()}, unquoted(hrefs(m.HTML)))
	}
}

func TestSubjectAndSenderMayHaveAnyLetters(t *testing.T) {
	t.Parallel()
	s := start(t, options{"hideSMTPUTF8": true})
	product := "Bücher & Größe 東京 " + strings.Repeat("ä", 60)
	sender := s.sender(t, func(c *account.SMTPConfig) { c.Product, c.From = product, `"Grüße, Ada" <noreply@bücher.example>` })
	require.NoError(t, sender.Notify(t.Context(), reset("ada@bücher.example")))
	m := s.mail(t)
	assert.Equal(t, "Choose a new password for "+product, m.Subject)
	assert.Equal(t, "Grüße, Ada", m.From[0].Name)
	assert.Contains(t, m.Text, product)
	assert.Equal(t, "To: <ada@xn--bcher-kva.example>", m.Header["to"], "a domain needs no SMTPUTF8")
	assert.Less(t, strings.IndexFunc(m.Raw, func(r rune) bool { return r > 127 }), 0, "the whole mail is ASCII")
	encoded, err := new(mime.WordDecoder).DecodeHeader(strings.TrimPrefix(m.Header["from"], "From: "))
	require.NoError(t, err)
	assert.Contains(t, encoded, "Grüße")
}

// RFC 6531: what is not ASCII before the @ goes to servers with SMTPUTF8 alone, and only then is it asked for.
func TestInternationalMailboxes(t *testing.T) {
	t.Parallel()
	able, unable := start(t, options{}), start(t, options{"hideSMTPUTF8": true})
	require.NoError(t, able.sender(t).Notify(t.Context(), reset("größe@bücher.example")))
	m := able.mail(t)
	assert.Contains(t, m.Raw, "To: <größe@xn--bcher-kva.example>\r\n")
	assert.Contains(t, m.Envelope.Args, "SMTPUTF8")

	require.NoError(t, able.sender(t).Notify(t.Context(), reset("ada@example.org")))
	assert.NotContains(t, able.mail(t).Envelope.Args, "SMTPUTF8")

	err := unable.sender(t).Notify(t.Context(), reset("größe@bücher.example"))
	require.ErrorIs(t, err, account.ErrUndeliverable)
	assert.ErrorContains(t, err, "the server does not know SMTPUTF8")
}

// RST-03: one canonical mailbox, and nothing that ends a line.
func TestRST03OneMailboxAlone(t *testing.T) {
	t.Parallel()
	sender, err := smtp.New(account.SMTPConfig{Host: "127.0.0.1", Port: 1, From: "noreply@example.com"}, smtp.Options{})
	require.NoError(t, err)
	for _, to := range []string{
		"", "ada", "Ada@example.org", "ada@example.org, eve@example.org", "ada@example.org;eve@example.org", "ada@example.org\r\nBcc: eve@example.org",
		"ada@example.org\nRCPT TO:<eve@example.org>", "Ada <ada@example.org>", "<ada@example.org>", "ada@example.org>", "ada＠example.org", "ada@[127.0.0.1]",
		`"ada eve"@example.org`, "ada@exa mple.org", "ada@example.org\x00", "ada@-.example",
	} {
		err := sender.Notify(t.Context(), reset(to))
		require.ErrorIs(t, err, account.ErrUndeliverable, "%q", to)
		assert.NotContains(t, err.Error(), link.Reveal())
	}
}

func linkIn(t *testing.T, text string) string {
	t.Helper()
	found := regexp.MustCompile(`https://\S+`).FindAllString(text, -1)
	require.Len(t, found, 1)
	return found[0]
}

func hrefs(page string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		all = append(all, html.UnescapeString(match[1]))
	}
	return all
}

// unquoted undoes what html/template escapes in an address though it need not: ' ( ) * and ! mean the same as %27 and so on.
func unquoted(all []string) []string {
	for i := range all {
		all[i] = strings.NewReplacer("%27", "'", "%28", "(", "%29", ")", "%2a", "*").Replace(all[i])
	}
	return all
}
