package strength

import (
	"strings"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/setting"
)

const (
	// Longest is how many characters of a password are looked at: the time grows with the square of it and more.
	Longest = 72
	// MostWords is how many words are looked at, each up to Longest characters.
	MostWords = 20
	// mostSubstitutes is up to how many different signs are tried in the place of letters, as in "p4$$word". All ways to
	// read them are tried, and their number grows exponentially.
	mostSubstitutes = 4
)

// Estimate says how hard a password is to guess.
type Estimate struct {
	// Score is 0 if 10,000 guesses a second find it in under 100 seconds, 1 in under 10^4, 2 in under 10^6, 3 in under 10^8, else 4.
	Score int
	// Bits are the binary logarithm of the number of guesses.
	Bits float64
}

// Of estimates a password. Words are what an attacker would try with this
// account: its address, names, the application's name. What follows the first [Longest] characters is
// not looked at, and adds nothing. It takes some milliseconds, keeps nothing, and is safe for concurrent use.
func Of(password setting.Secret, words ...string) Estimate {
	var inputs []string
	for _, word := range words[:min(len(words), MostWords)] {
		if word != "" {
			inputs = append(inputs, beginning(word))
		}
	}
	text := beginning(password.Reveal())
	result := zxcvbn.PasswordStrength(text, inputs, func(m match.Matcher) bool {
		return m.ID == matching.L33TMatcherName && substitutes(text) > mostSubstitutes
	})
	return Estimate{Score: min(max(result.Score, 0), 4), Bits: result.Entropy}
}

// substitutes counts the different signs that may stand for letters.
func substitutes(text string) int {
	n := 0
	for _, sign := range "4@8({[<3690!|17$5+%2" {
		if strings.ContainsRune(text, sign) {
			n++
		}
	}
	return n
}

// beginning is the first characters in NFC. Bytes that are no text become replacement characters.
func beginning(text string) string {
	const bytesEach = 12 // a character in NFC is made of few bytes; more than this is not worth normalising
	text = norm.NFC.String(text[:min(len(text), Longest*bytesEach)])
	letters := []rune(text)
	return string(letters[:min(len(letters), Longest)])
}
