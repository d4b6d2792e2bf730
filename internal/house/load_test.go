package house_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, sources{
		"go.mod":          "module example.com/m\n\ngo 1.26\n",
		"m.go":            "package m\n\nimport _ \"example.com/m/a\"\n",
		"m_test.go":       "package m_test\n\nimport _ \"testing\"\n",
		"a/a.go":          "package a\n\nimport _ \"text/template\"\n",
		"a/a_other.go":    "//go:build neversuch\n\npackage a\n\nimport _ \"math/rand\"\n",
		"a/testdata/x.go": "not Go",
	})
	m, err := house.Load(t.Context(), dir)
	require.NoError(t, err)
	assert.Equal(t, "example.com/m", m.Path)
	require.Len(t, m.Packages, 2)
	assert.Equal(t, ".", m.Packages[0].Path)
	assert.Len(t, m.Packages[0].Files, 2)

	linked := house.Unlinked{In: []string{"."}, Imports: []string{"text/template"}}.Check(m)
	assert.Equal(t, []string{". links text/template (example.com/m -> example.com/m/a -> text/template)"}, linked)
	elsewhere := house.Deny{In: []string{"..."}, Imports: []string{"math/rand"}}.Check(m)
	assert.Equal(t, []string{"a/a_other.go imports math/rand"}, elsewhere, "files for other systems count")
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, sources{"go.mod": "module example.com/m\n\ngo 1.26\n", "m.go": "package m\n\nimport _ \"example.com/m/none\"\n"})
	_, err := house.Load(t.Context(), dir)
	assert.ErrorContains(t, err, "house: go list")
}
