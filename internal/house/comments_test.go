package house_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

const goodDoc = "// Package a is one line\n// and two lines:\n//\n//\ta.Use()\npackage a"

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		have     sources
		expected []string
	}{
		{"as it should be", sources{"a/doc.go": goodDoc, "a/x.go": "package a"}, nil},
		{"none", sources{"a/doc.go": "package a"}, []string{"a has 0 package comments, not one"}},
		{"two", sources{"a/doc.go": goodDoc, "a/x.go": goodDoc}, []string{"a has 2 package comments, not one"}},
		{"elsewhere", sources{"a/x.go": goodDoc}, []string{"a has its package comment in x.go, not in doc.go"}},
		{"too short", sources{"a/doc.go": "// Package a is short.\npackage a"}, []string{"a has a package comment of less than 3 lines"}},
		{"no code", sources{"a/doc.go": "// Package a\n// has words\n// only.\npackage a"}, []string{"a shows no code in its package comment"}},
		{"an internal one needs no code", sources{"internal/a/a.go": "// Package a\n// has words\n// only.\npackage a"}, nil},
		{"the root in module.go", sources{"module.go": goodDoc}, nil},
		{"a command in main.go", sources{"cmd/x/main.go": "// X\n// has words\n// only.\npackage main"}, nil},
		{"tests alone", sources{"a/a_test.go": "package a_test"}, nil},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := house.Fake("m", tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, house.PackageDocs{}.Check(m))
		})
	}
}

func TestExportedDocs(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		have     string
		expected []string
	}{
		{"documented", "// F does.\nfunc F() {}", nil},
		{"undocumented", "func F() {}", []string{"F"}},
		{"begins otherwise", "// This does.\nfunc F() {}", []string{"F"}},
		{"begins with a longer name", "// Find does.\nfunc F() {}", []string{"F"}},
		{"a colon ends the name", "// F: does.\nfunc F() {}", nil},
		{"not exported", "func f() {}\ntype t int\nfunc (t) M() {}", nil},
		{"method", "// T is.\ntype T int\nfunc (*T) M() {}", []string{"T.M"}},
		{"generic method", "// T is.\ntype T[A, B any] struct{}\nfunc (T[A, B]) M() {}\n// U is.\ntype U[A any] struct{}\nfunc (*U[A]) M() {}", []string{"T.M", "U.M"}},
		{"a group's comment does not serve types", "// T and U are.\ntype (\n\tT int\n\t// U is.\n\tU int\n)", []string{"T"}},
		{"a group's comment serves constants", "// The kinds.\nconst (\n\tA = iota\n\tB\n)", nil},
		{"an own comment in it begins with the name", "// The kinds.\nconst (\n\t// A is.\n\tA = iota\n\t// The other.\n\tB\n)", []string{"B"}},
		{"a group without a comment", "var (\n\tA int\n\tb int\n)", []string{"A"}},
		{"one constant", "// A is.\nconst A = 1\n\n// It is.\nconst B = 2", []string{"B"}},
		{"configuration fields", "// TConfig is.\ntype TConfig struct {\n\tA int\n\t// B is.\n\tB int\n\tc int\n}", []string{"TConfig.A"}},
		{"other fields", "// T is.\ntype T struct { A int }", nil},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := house.Fake("m", sources{"a.go": "package m\n" + tc.have, "a_test.go": "package m\nfunc Undocumented() {}"})
			require.NoError(t, err)
			found := house.ExportedDocs{}.Check(m)
			require.Len(t, found, len(tc.expected), "%v", found)
			for i, name := range tc.expected {
				assert.Regexp(t, `^a\.go:\d+: `+name+` has no comment`, found[i])
			}
		})
	}
}
