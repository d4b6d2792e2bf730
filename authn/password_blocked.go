package authn

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// checkBlocked compares the whole password (NIST SP 800-63B-4, section 3.1.1.2).
func (p *PasswordPolicy) checkBlocked(text string, n NewPassword) error {
	if p.common.Has(text) {
		return passwordError("common", "is among the passwords that are guessed first; choose another one")
	}
	if slices.ContainsFunc(slices.Concat(p.words, n.words()), func(word string) bool {
		return word != "" && folded(word) == folded(text)
	}) {
		return passwordError("context_word", "is a name that belongs to the account or the application; choose another one")
	}
	return nil
}

// words are what an attacker would try first with this account.
func (n NewPassword) words() []string {
	words := append([]string{string(n.Tenant), n.Email}, n.Words...)
	local, domain, found := strings.Cut(n.Email, "@")
	if !found {
		return words
	}
	untagged, _, _ := strings.Cut(local, "+")
	words = append(words, local, untagged, domain)
	for name := domain; strings.Contains(name, "."); { // mail.example.com: example.com and example too
		first, rest, _ := strings.Cut(name, ".")
		words, name = append(words, first, rest), rest
	}
	return words
}

func folded(text string) string { return strings.ToLower(norm.NFC.String(text)) }
