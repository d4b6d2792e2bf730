package authz_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// pieces is an alphabet for patterns: bytes of a fuzzer become one that is well-formed, mostly.
const pieces = "abA*.*a."

// spell returns a pattern from bytes that are made to mean something.
func spell(text string) string {
	segments := strings.Split(strings.Map(func(r rune) rune { return rune(pieces[int(r)%len(pieces)]) }, text), ".")
	for i, segment := range segments {
		if strings.Contains(segment, "*") {
			segments[i] = "*"
		}
		if i == len(segments)-1 && len(segment)%3 == 2 {
			segments[i] = "**"
		}
	}
	return strings.Join(segments, ".")
}

// witnesses are permissions that a pattern matches, and some beside them.
func witnesses(pattern string) []string {
	var all []string
	for _, with := range [][2]string{{"a", "a"}, {"b", "b.a"}, {"x", "x.y.z"}, {"A", "a.b.A.x.y"}} {
		all = append(all, strings.ReplaceAll(strings.ReplaceAll(pattern, "**", with[1]), "*", with[0]))
	}
	return append(all, all[0]+".a", all[1][:strings.LastIndexByte(all[1], '.')+1], "a."+all[2], "a.b", "x.y", "a.a.a")
}

// For patterns a, b and a permission p: a role with a grants what a matches; ! takes away what it matches; a credential with scope b of
// that role may do, and lists, what both match; and it may hand on exactly the scopes that give nothing beyond.
func FuzzGrants(f *testing.F) {
	for _, seed := range [][3]string{
		{"articles.*", "*.read", "articles.read"}, {"**", "a.**", "a.b.c"}, {"*.**", "**", "a.b"}, {"a.*.c.**", "*.b.**", "a.b.c.d"}, {"a.b", "a.**", "a.b"},
		{"a.**", "a.*.**", "a.b"}, {"*.*", "*.*.*", "a.b.c"}, {"a", "*", "."}, {"!a.b", "a.b", "a.b"}, {strings.Repeat("a.", 15) + "*", "**", strings.Repeat("a.", 15) + "b"},
	} {
		f.Add(seed[0], seed[1], seed[2], true)
		f.Add(seed[0], seed[1], seed[2], false)
	}
	f.Fuzz(func(t *testing.T, a, b, p string, spelt bool) {
		if spelt {
			a, b, p = spell(a), spell(b), strings.ReplaceAll(spell(p), "*", "x")
		}
		held, errA := authz.ParsePattern(a)
		scope, errB := authz.ParsePattern(b)
		require.Equal(t, aPattern.MatchString(a), errA == nil, "%q", a)
		require.Equal(t, aPattern.MatchString(b), errB == nil, "%q", b)
		err := authz.ValidateRoles(roles(map[string]authz.RoleConfig{"r": holding(a), "n": holding("!" + a)}), nil)
		require.Equal(t, errA == nil, err == nil)
		if errA != nil || errB != nil {
			return
		}
		service := setup(t, roles(map[string]authz.RoleConfig{"r": holding(a), "n": holding("**", "!"+b), "both": holding(a, b)})).service
		limited := func(role string) authn.Principal {
			q := user(role)
			q.Scopes = []string{b}
			return q
		}
		listed, err := service.Permissions(t.Context(), limited("r"))
		require.NoError(t, err)
		within := service.CheckScopes(t.Context(), user("r"), []string{b}) == nil
		for _, text := range append(append(witnesses(a), witnesses(b)...), p) {
			action, err := authz.ParsePermission(text)
			if require.Equal(t, aPermission.MatchString(text), err == nil, "%q", text); err != nil {
				require.False(t, service.Can(t.Context(), user("n"), text, none))
				continue
			}
			both := fits(a, text) && fits(b, text)
			require.Equal(t, fits(a, text), held.Matches(action), "%s and %s", a, text)
			require.Equal(t, fits(b, text), scope.Matches(action), "%s and %s", b, text)
			require.Equal(t, fits(a, text), service.Can(t.Context(), user("r"), text, none))
			require.Equal(t, !fits(b, text), service.Can(t.Context(), user("n"), text, none))
			require.Equal(t, fits(a, text) || fits(b, text), service.Can(t.Context(), user("both"), text, none))
			require.Equal(t, both, service.Can(t.Context(), limited("r"), text, none))
			require.Equal(t, both, anyFits(listed, text), "%s and %s have %v in common", a, b, listed)
			require.True(t, !within || fits(a, text) || !fits(b, text), "%s is not within %s", b, a)
		}
		includes(t, service, listed, b)
	})
}

func anyFits(patterns []string, action string) bool {
	for _, pattern := range patterns {
		if fits(pattern, action) {
			return true
		}
	}
	return false
}

// includes holds what two patterns have in common to be within both, and a pattern within itself.
func includes(t *testing.T, s *authz.Service, common []string, b string) {
	t.Helper()
	require.LessOrEqual(t, len(common), 1)
	require.NoError(t, s.CheckScopes(t.Context(), user("r"), common))
	require.NoError(t, s.CheckScopes(t.Context(), user("both"), append(common, b)))
}
