package authn_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func newPolicy(t testing.TB, cfg authn.PasswordConfig, checks ...authn.PasswordCheck) *authn.PasswordPolicy {
	t.Helper()
	policy, err := authn.NewPasswordPolicy(cfg, checks...)
	require.NoError(t, err)
	return policy
}

// codes are those of all faults in err.
func codes(t testing.TB, err error) []string {
	t.Helper()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, codes(t, one)...)
		}
		return all
	}
	var field *authn.FieldError
	if err == nil {
		return nil
	}
	require.ErrorAs(t, err, &field)
	require.Equal(t, "password", field.Field)
	require.NotEmpty(t, field.Problem, "NIST-04: the reason is given")
	return []string{field.Code}
}

func TestPasswordPolicyByDefault(t *testing.T) {
	t.Parallel()
	policy := newPolicy(t, authn.PasswordConfig{})
	repeat := strings.Repeat
	for _, tc := range []struct {
		name, have, expected string // the code, or nothing
	}{
		{"NIST-01 14 characters", repeat("xy", 7), "too_short"},
		{"NIST-01 15 characters", repeat("xy", 7) + "z", ""},
		{"NIST-01 nothing", "", "too_short"},
		{"NIST-01 14 emoji are 56 bytes", repeat("😀", 14), "too_short"},
		{"NIST-01 15 emoji", repeat("😀", 15), ""},
		{"NIST-02 decomposed letters count once: 14", repeat("e\u0301", 14), "too_short"},
		{"NIST-02 decomposed letters count once: 15", repeat("e\u0301", 15), ""},
		{"NIST-01 marks that do not compose are characters: 7 and 7", repeat("x\u0301", 7), "too_short"},
		{"NIST-01 marks that do not compose are characters: 8 and 8", repeat("x\u0301", 8), ""},
		{"NIST-01 14 CJK characters", repeat("密", 14), "too_short"},
		{"NIST-01 15 CJK characters", repeat("密", 15), ""},
		{"NIST-02, V6.2.9 64 characters", repeat("a", 64), ""},
		{"NIST-02 64 emoji", repeat("😀", 64), ""},
		{"NIST-02, V6.2.9 128 characters", repeat("x", 128), ""},
		{"NIST-02, V6.2.9 1024 characters", repeat("x", 1024), ""},
		{"NIST-02 printing ASCII and space", ` !"#$%&'()*+,-./0123456789:;<=>?@[\]^_{|}~` + "`", ""},
		{"V6.2.9 4096 bytes", repeat("x", 4096), ""},
		{"V6.2.9 4097 bytes", repeat("x", 4097), "too_long"},
		{"1025 emoji are 4100 bytes", repeat("😀", 1025), "too_long"},
		{"not UTF-8", repeat("x", 20) + "\xff", "invalid_text"},
		{"half an emoji", repeat("x", 20) + "\xf0\x9f\x98", "invalid_text"},
		{"an encoded surrogate", repeat("x", 20) + "\xed\xa0\x80", "invalid_text"},
		{"V6.2.5 all space", repeat(" ", 15), ""},
		{"V6.2.5 all emoji", repeat("😀", 20), ""},
		{"V6.2.5 all lower case", "correcthorsebattery", ""},
		{"V6.2.5 all digits", "271828182845904", ""},
		{"V6.2.5 no letter", "!!!!!!!!!!!!!!!!", ""},
		{"V6.2.8 NUL inside", "before\x00and after", ""},
		{"V6.2.8 control characters", "tab\tnewline\nbell\a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := codes(t, policy.Check(t.Context(), authn.NewPassword{Password: setting.Secret(tc.have)}))
			assert.Equal(t, tc.expected, strings.Join(got, " "))
		})
	}
}

// NIST-01, V6.2.1: 15 characters alone, 8 where there is always a second factor.
func TestNIST01LengthDependsOnMFA(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cfg           authn.PasswordConfig
		alone, always int
	}{
		{authn.PasswordConfig{}, 15, 8},
		{authn.PasswordConfig{MinLength: 20, MinLengthMFA: 12}, 20, 12},
		{authn.PasswordConfig{MinLength: 8}, 8, 8},
		{authn.PasswordConfig{MinLength: 10, MinLengthMFA: 12}, 10, 10},
		{authn.PasswordConfig{MinLength: 64, MinLengthMFA: 64}, 64, 64},
	} {
		policy := newPolicy(t, tc.cfg)
		for _, letter := range []string{"ж", "😀", "e\u0301"} {
			for always, least := range map[bool]int{false: tc.alone, true: tc.always} {
				short := authn.NewPassword{Password: setting.Secret(strings.Repeat(letter, least-1)), AlwaysMFA: always}
				assert.Equal(t, []string{"too_short"}, codes(t, policy.Check(t.Context(), short)), "%d %v", least, always)
				right := authn.NewPassword{Password: setting.Secret(strings.Repeat(letter, least)), AlwaysMFA: always}
				assert.NoError(t, policy.Check(t.Context(), right), "%d %v", least, always)
			}
		}
	}
	for _, cfg := range []authn.PasswordConfig{{MinLength: 7}, {MinLengthMFA: 7}, {MinLength: -1}, {MinLength: 65}, {MinLengthMFA: 65}} {
		_, err := authn.NewPasswordPolicy(cfg)
		require.Error(t, err)
	}
}

// The original's rules are there for those who need them, and count letters of any script.
func TestComposition(t *testing.T) {
	t.Parallel()
	policy := newPolicy(t, authn.PasswordConfig{Composition: authn.CompositionConfig{Upper: 1, Lower: 2, Digits: 1, Symbols: 1}})
	for have, expected := range map[setting.Secret]string{
		"Ab c d e f g 1 !": "", "Ж ж ж ж ж ж ٣ €": "",
		"ab c d e f g 1 !": "no_upper", "A B c D E F G 1 !": "no_lower", "Ab c d e f g h !": "no_digit", "Ab c d e f g 1 h": "no_symbol",
		"                ": "no_upper no_lower no_digit no_symbol", "a": "too_short no_upper no_lower no_digit no_symbol",
	} {
		assert.Equal(t, expected, strings.Join(codes(t, policy.Check(t.Context(), authn.NewPassword{Password: have})), " "), have.Reveal())
	}
}

// Checks are asked in their order, and only about what is acceptable so far.
func TestPasswordChecksComeLast(t *testing.T) {
	t.Parallel()
	asked := 0
	count := checkFunc(func(context.Context, authn.NewPassword) error { asked++; return nil })
	refuse := checkFunc(func(context.Context, authn.NewPassword) error { return assert.AnError })
	policy := newPolicy(t, authn.PasswordConfig{}, count, refuse, count)
	require.NotErrorIs(t, policy.Check(t.Context(), authn.NewPassword{Password: "short"}), assert.AnError)
	assert.Zero(t, asked)
	require.ErrorIs(t, policy.Check(t.Context(), authn.NewPassword{Password: ownPassword}), assert.AnError)
	assert.Equal(t, 1, asked)
}

type checkFunc func(context.Context, authn.NewPassword) error

func (f checkFunc) CheckPassword(ctx context.Context, n authn.NewPassword) error { return f(ctx, n) }

// V6.2.5: there are no rules of composition; any valid text of the right length will do.
func FuzzPasswordPolicy(f *testing.F) {
	policy := newPolicy(f, authn.PasswordConfig{CommonPasswords: setting.Off})
	f.Add("correct horse battery staple")
	f.Add("\xff")
	f.Add(strings.Repeat("😀", 1024))
	f.Fuzz(func(t *testing.T, text string) {
		err := policy.Check(t.Context(), authn.NewPassword{Password: setting.Secret(text)})
		points := utf8.RuneCountInString(norm.NFC.String(text))
		require.Equal(t, utf8.ValidString(text) && points >= 15 && len(text) <= 4096, err == nil)
	})
}
