package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDeclaredNames(t *testing.T) {
	t.Parallel()
	s := compile(t, "")
	names, declared := s.AttributesOf("Post")
	assert.True(t, declared)
	assert.Equal(t, []string{"level", "owner"}, names)
	_, declared = s.AttributesOf("Pots")
	assert.False(t, declared)
	callers, _ := s.AttributesOf("User")
	assert.Contains(t, callers, "department")
	assert.Equal(t, []string{"Article", "Folder", "Post"}, s.Types())
	assert.Contains(t, s.ContextOf("articles.edit"), "mfaAge")
	assert.Contains(t, s.ContextOf("declared.nowhere"), "mfaAge")
}
