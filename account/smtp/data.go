package smtp

import (
	"strings"
	"time"
	"unicode"

	"github.com/authmodule/authmodule/account"
)

// Data is what a template may say: text, and nothing that could be called. What is not known is empty.
type Data struct {
	// Kind is that of the notice, such as verify_email.
	Kind string
	// Product is what the application is called, and Subject the subject of the mail.
	Product, Subject string
	// To is the reader's address.
	To string
	// Link or Code are what the reader asked for.
	Link, Code string
	// Expires is until when they are good, such as "26 November 2026, 10:57 UTC"; ExpiresRFC3339 the same for machines.
	Expires, ExpiresRFC3339 string
	// Time is when it happened, in the same two forms.
	Time, TimeRFC3339 string
	// IP and UserAgent are of who caused it. Where anybody can cause the mail, show no UserAgent: it is a stranger's text.
	IP, UserAgent string
	// Facts belong to the kind; docs/mail.md has a table. Each is one line.
	Facts map[string]string
}

// longestText is how many characters of a text that other people chose are shown.
const longestText = 200

func (s *Sender) data(n account.Notice) Data { return dataOf(n, s.product) }

func dataOf(n account.Notice, product string) Data {
	d := Data{
		Kind: string(n.Kind), Product: product, To: n.To, Link: n.Link.Reveal(), Code: n.Code.Reveal(),
		IP: line(n.IP), UserAgent: line(n.UserAgent), Facts: make(map[string]string, len(n.Facts)),
	}
	d.Expires, d.ExpiresRFC3339 = moment(n.Expires)
	d.Time, d.TimeRFC3339 = moment(n.Time)
	for name, fact := range n.Facts {
		d.Facts[name] = line(fact)
	}
	return d
}

func moment(t time.Time) (human, machine string) {
	if t.IsZero() {
		return "", ""
	}
	t = t.UTC()
	return t.Format("2 January 2006, 15:04 UTC"), t.Format(time.RFC3339)
}

// line makes one short line of a text that other people chose: what ends lines, cannot be seen or turns the direction of writing
// becomes a space.
func line(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)), " ")
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return text
}
