package authn

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const longestEmail = 254

// CanonicalEmail returns the one spelling under which an address is stored
// and looked up: compatibility-normalised (NFKC) and in lower case. Anything
// but exactly one plain mailbox is a [FieldError].
func CanonicalEmail(text string) (string, error) {
	if len(text) > longestEmail {
		return "", emailError()
	}
	// A lower-case letter may compose with a mark that its upper-case letter has no composition with.
	address := norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
	if len(address) > longestEmail || !plain(address) {
		return "", emailError()
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return "", emailError()
	}
	local, domain, _ := strings.Cut(address, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", emailError()
	}
	return address, nil
}

func emailError() error {
	return &FieldError{Field: "email", Code: "invalid_email", Problem: "must be one e-mail address, such as ada@example.com"}
}

// plain refuses what has no place in a single mailbox even where RFC 5322
// permits it: space, control characters, lists, quotes, comments, groups, and
// what cannot be seen, which would let two addresses look the same.
func plain(address string) bool {
	return strings.IndexFunc(address, func(r rune) bool {
		return r == ' ' || !unicode.IsPrint(r) || strings.ContainsRune(`,;:<>()[]"\`, r) || r == unicode.ReplacementChar
	}) < 0 && strings.Count(address, "@") == 1
}
