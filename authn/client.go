package authn

import (
	"net/netip"
	"strings"
)

// Client is what is known of the caller's machine.
type Client struct {
	// IP is the zero Addr when unknown.
	IP        netip.Addr
	UserAgent string
	// Certificate is the thumbprint of the certificate whose private key the
	// client proved to have, by TLS; zero when it proved none.
	Certificate Thumbprint
}

// IPText returns the address as text, empty when it is unknown.
func (c Client) IPText() string {
	if !c.IP.IsValid() {
		return ""
	}
	return c.IP.String()
}

const longestUserAgent = 512

// CleanUserAgent cuts a User-Agent header to 512 bytes and replaces what is
// not printable ASCII, so that it is harmless in stores, logs and terminals.
func CleanUserAgent(header string) string {
	if len(header) > longestUserAgent {
		header = header[:longestUserAgent]
	}
	for i := range len(header) {
		if !printable(rune(header[i])) {
			return strings.Map(orQuestionMark, header)
		}
	}
	return header
}

func printable(r rune) bool { return ' ' <= r && r <= '~' }

func orQuestionMark(r rune) rune {
	if printable(r) {
		return r
	}
	return '?'
}
