package authn

import (
	"errors"
	"fmt"
	"unicode"
)

// checkComposition counts kinds of characters in any script.
func (p *PasswordPolicy) checkComposition(text string) error {
	var errs []error
	for _, kind := range []struct {
		least      int
		code, name string
		is         func(rune) bool
	}{
		{int(p.composition.Upper), "no_upper", "upper-case letter", unicode.IsUpper},
		{int(p.composition.Lower), "no_lower", "lower-case letter", unicode.IsLower},
		{int(p.composition.Digits), "no_digit", "digit", unicode.IsDigit},
		{int(p.composition.Symbols), "no_symbol", "symbol", isSymbol},
	} {
		if countOf(text, kind.is) < kind.least {
			errs = append(errs, passwordError(kind.code, fmt.Sprintf("must have at least %d of the kind: %s", kind.least, kind.name)))
		}
	}
	return errors.Join(errs...)
}

func countOf(text string, is func(rune) bool) int {
	n := 0
	for _, r := range text {
		if is(r) {
			n++
		}
	}
	return n
}

func isSymbol(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
