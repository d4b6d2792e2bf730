package smtp

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
)

// message is a mail as it is handed in.
type message struct {
	to string
	// utf8 is true for a local part that only a server with SMTPUTF8 (RFC 6531) takes.
	utf8 bool
	// bytes are header and body (RFC 5322).
	bytes []byte
}

func (s *Sender) compose(n account.Notice) (message, error) {
	to, international, err := recipient(n.To)
	if err != nil {
		return message{}, err
	}
	body, err := s.templates.render(s.data(n))
	if err != nil {
		return message{}, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(&s.from)
	m.ToMailAddress(&mail.Address{Address: to})
	m.SetDateWithValue(s.now().UTC())
	m.SetMessageIDWithValue(rand.Text() + "@" + s.domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	m.Subject(body.subject)
	m.SetBodyString(gomail.TypeTextPlain, body.text)
	m.AddAlternativeString(gomail.TypeTextHTML, body.html)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return message{}, fmt.Errorf("smtp: %s cannot be written as a mail", n.Kind)
	}
	return message{to: to, utf8: international, bytes: out.Bytes()}, nil
}

// recipient returns the address with its domain in ASCII, and whether what stands before the @ is not. It takes one canonical
// mailbox alone: neither a list nor anything that could end a line of the header or of the protocol.
func recipient(text string) (address string, international bool, err error) {
	canonical, err := authn.CanonicalEmail(text)
	if err != nil || canonical != text {
		return "", false, fmt.Errorf("%w: smtp: it is not one canonical address", account.ErrUndeliverable)
	}
	local, domain, _ := strings.Cut(text, "@")
	domain, err = asciiDomain(domain)
	if err != nil {
		return "", false, fmt.Errorf("%w: smtp: its domain cannot be", account.ErrUndeliverable)
	}
	return local + "@" + domain, strings.IndexFunc(local, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0, nil
}

// asciiDomain is the form of a domain that every server knows (RFC 5891).
func asciiDomain(domain string) (string, error) { return idna.Lookup.ToASCII(domain) }
