package authz_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const neither, pattern, both = 0, 1, 2 // what the text may be used as
	s64, s65 := strings.Repeat("a", 64), strings.Repeat("a", 65)
	testCases := []struct {
		have     string
		expected int
	}{
		{"articles.read", both},
		{"a.b", both},
		{"Orders-2.Mark_Paid", both},
		{s64 + "." + s64, both},
		{"articles.*", pattern},
		{"*.read", pattern},
		{"*.*", pattern},
		{"", neither},
		{"*", neither},
		{".", neither},
		{"articles", neither},
		{"articles.", neither},
		{".read", neither},
		{"a.b.c", both},
		{"a.b.c-d.E_f", both},
		{"a.b.*", pattern},
		{"a..b", neither},
		{"a.*.c.*", pattern}, // item 19: several stars
		{"ab*bc", neither},   // item 19: prefix and suffix
		{"ab*bc.read", neither},
		{"user*", neither}, // item 19: a prefix
		{"user*.read", neither},
		{"*user.read", neither},
		{"user.re*", neither},
		{"**.read", neither},
		{"user.**", pattern},
		{"**", pattern},
		{"user.**.read", neither},
		{"user.***", neither},
		{"!a.b", neither},
		{strings.Repeat("a.", 15) + "b", both},
		{strings.Repeat("a.", 16) + "b", neither},
		{strings.Repeat("*.", 15) + "**", pattern},
		{strings.Repeat("*.", 16) + "**", neither},
		{"a. b", neither},
		{" a.b", neither},
		{"a.b\n", neither},
		{"a.b\x00", neither},
		{"a:b", neither},
		{"é.b", neither},
		{"a.\u202eb", neither},
		{s65 + ".b", neither},
		{"a." + s65, neither},
	}
	for _, tc := range testCases {
		t.Run(tc.have, func(t *testing.T) {
			t.Parallel()
			required, err := authz.ParsePermission(tc.have)
			if tc.expected == both {
				require.NoError(t, err)
				assert.Equal(t, tc.have, required.String())
				assert.Equal(t, tc.have, required.Resource()+"."+required.Action())
			} else {
				require.ErrorIs(t, err, authz.ErrPermissionSyntax)
				assert.Zero(t, required)
			}
			held, err := authz.ParsePattern(tc.have)
			if tc.expected == neither {
				require.ErrorIs(t, err, authz.ErrPermissionSyntax)
				assert.Zero(t, held)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.have, held.String())
		})
	}
}

// Item 19 of the original: what a pattern must not match.
func TestPatternMatches(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		held, required string
		expected       bool
	}{
		{"articles.read", "articles.read", true},
		{"articles.read", "articles.write", false},
		{"articles.read", "Articles.read", false},
		{"articles.*", "articles.write", true},
		{"articles.*", "articles_admin.write", false},
		{"user.*", "users_admin.delete", false},
		{"user.*", "users.delete", false},
		{"*.read", "users.read", true},
		{"*.read", "users.readall", false},
		{"*.*", "users.delete", true},
		{"*.*", "users.list.all", false},
		{"a.*.c", "a.b.c", true},
		{"a.*.c", "a.b.d", false},
		{"a.*.c.*", "a.x.c.y", true}, // item 19
		{"a.*.c.*", "a.x.c", false},
		{"articles.**", "articles.read", true},
		{"articles.**", "articles.comments.read", true},
		{"articles.**", "articles_admin.read", false},
		{"*.comments.**", "articles.comments.read", true},
		{"*.comments.**", "comments.read.x", false},
		{"a.b.**", "a.b", false},
		{"**", "a.b", true},
		{"**", "a.b.c.d", true},
	}
	for _, tc := range testCases {
		t.Run(tc.held+" "+tc.required, func(t *testing.T) {
			t.Parallel()
			held, err := authz.ParsePattern(tc.held)
			require.NoError(t, err)
			required, err := authz.ParsePermission(tc.required)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, held.Matches(required))
		})
	}
}

func TestZeroPatternMatchesNothing(t *testing.T) {
	t.Parallel()
	all, err := authz.ParsePattern("*.*")
	require.NoError(t, err)
	required, err := authz.ParsePermission("a.b")
	require.NoError(t, err)
	assert.False(t, authz.Pattern{}.Matches(required))
	assert.False(t, authz.Pattern{}.Matches(authz.Permission{}))
	assert.False(t, all.Matches(authz.Permission{}))
	assert.Empty(t, authz.Permission{}.Resource())
	assert.Empty(t, authz.Permission{}.Action())
}

func TestLongTextIsCutInErrors(t *testing.T) {
	t.Parallel()
	_, err := authz.ParsePermission(strings.Repeat("x", 1<<20))
	require.ErrorIs(t, err, authz.ErrPermissionSyntax)
	assert.Less(t, len(err.Error()), 400)
}

// What is read is what was written, a permission is a pattern that matches
// itself and nothing with a star is a permission.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"articles.read", "articles.*", "*.read", "*.*", "*", "ab*bc", "a.b.c", ".", "", "é.b", "a.b\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		held, heldErr := authz.ParsePattern(text)
		required, err := authz.ParsePermission(text)
		if heldErr == nil {
			assert.Equal(t, text, held.String())
			assert.True(t, text == "**" || strings.Contains(text, "."))
			assert.Less(t, strings.Count(text, "."), 16)
		}
		if err != nil {
			assert.Zero(t, required)
			return
		}
		require.NoError(t, heldErr)
		assert.NotContains(t, text, "*")
		assert.True(t, held.Matches(required))
	})
}
