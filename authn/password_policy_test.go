package authn_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func TestCheckNewPassword(t *testing.T) {
	t.Parallel()
	repeat := strings.Repeat
	for _, tc := range []struct {
		name, have, expected string // the code, or nothing
	}{
		{"NIST-01 14 characters", repeat("a", 14), "too_short"},
		{"NIST-01 15 characters", repeat("a", 15), ""},
		{"NIST-01 nothing", "", "too_short"},
		{"NIST-01 14 emoji are 56 bytes", repeat("😀", 14), "too_short"},
		{"NIST-01 15 emoji", repeat("😀", 15), ""},
		{"NIST-02 decomposed letters count once: 14", repeat("e\u0301", 14), "too_short"},
		{"NIST-02 decomposed letters count once: 15", repeat("e\u0301", 15), ""},
		{"NIST-01 marks that do not compose are characters: 7 and 7", repeat("x\u0301", 7), "too_short"},
		{"NIST-01 marks that do not compose are characters: 8 and 8", repeat("x\u0301", 8), ""},
		{"NIST-01 14 CJK characters", repeat("密", 14), "too_short"},
		{"NIST-01 15 CJK characters", repeat("密", 15), ""},
		{"NIST-02 64 characters", repeat("a", 64), ""},
		{"NIST-02 64 emoji", repeat("😀", 64), ""},
		{"NIST-02 128 characters", repeat("x", 128), ""},
		{"NIST-02 1024 characters", repeat("x", 1024), ""},
		{"NIST-02 printing ASCII and space", ` !"#$%&'()*+,-./0123456789:;<=>?@[\]^_{|}~` + "`", ""},
		{"4096 bytes", repeat("x", 4096), ""},
		{"4097 bytes", repeat("x", 4097), "too_long"},
		{"1025 emoji are 4100 bytes", repeat("😀", 1025), "too_long"},
		{"not UTF-8", repeat("x", 20) + "\xff", "invalid_text"},
		{"half an emoji", repeat("x", 20) + "\xf0\x9f\x98", "invalid_text"},
		{"an encoded surrogate", repeat("x", 20) + "\xed\xa0\x80", "invalid_text"},
		{"V6.2.5 all space", repeat(" ", 15), ""},
		{"V6.2.5 all lower case", "correcthorsebattery", ""},
		{"V6.2.5 all digits", "271828182845904", ""},
		{"V6.2.5 no letter", "!!!!!!!!!!!!!!!!", ""},
		{"V6.2.8 NUL inside", "before\x00and after", ""},
		{"V6.2.8 control characters", "tab\tnewline\nbell\a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := authn.CheckNewPassword(setting.Secret(tc.have))
			if tc.expected == "" {
				require.NoError(t, err)
				return
			}
			var field *authn.FieldError
			require.True(t, errors.As(err, &field))
			assert.Equal(t, "password", field.Field)
			assert.Equal(t, tc.expected, field.Code)
		})
	}
}

// V6.2.5: there are no rules of composition; any valid text of the right length will do.
func FuzzCheckNewPassword(f *testing.F) {
	f.Add("correct horse battery staple")
	f.Add("\xff")
	f.Add(strings.Repeat("😀", 1024))
	f.Fuzz(func(t *testing.T, text string) {
		err := authn.CheckNewPassword(setting.Secret(text))
		points := utf8.RuneCountInString(norm.NFC.String(text))
		require.Equal(t, utf8.ValidString(text) && points >= 15 && len(text) <= 4096, err == nil)
	})
}
