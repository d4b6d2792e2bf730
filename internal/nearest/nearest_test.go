package nearest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/internal/nearest"
)

func TestHint(t *testing.T) {
	t.Parallel()
	names := []string{"viewer", "editor", "admin"}
	for _, tc := range []struct{ got, expected string }{
		{"edtior", "; did you mean editor?"},
		{"editors", "; did you mean editor?"},
		{"editor", "; did you mean editor?"},
		{"guest", ""},
		{"", ""},
		{strings.Repeat("editor", 1000), ""},
	} {
		assert.Equal(t, tc.expected, nearest.Hint(tc.got, slices.Values(names)), tc.got)
	}
}

func TestNameIsTheFirstOfEquals(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "role-a", nearest.Name("role-x", slices.Values([]string{"role-b", "role-a"})))
}
