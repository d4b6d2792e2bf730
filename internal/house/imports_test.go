package house_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/house"
)

type sources = map[string]string

func TestImportRules(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		rule     house.Rule
		have     sources
		expected []string
	}{
		{
			"a package that may import nothing of ours does",
			house.Allow{In: []string{"a"}},
			sources{"a/a.go": `package a; import _ "m/b"`, "b/b.go": `package b`},
			[]string{"a/a.go imports b"},
		},
		{
			"other modules and the standard library are not Allow's business",
			house.Allow{In: []string{"a"}},
			sources{"a/a.go": `package a; import (_ "fmt"; _ "example.com/m/b"; _ "mm/b")`},
			nil,
		},
		{
			"the root is a package too",
			house.Allow{In: []string{"a"}, Own: []string{"b", "internal/..."}},
			sources{"a/a.go": `package a; import (_ "m"; _ "m/b"; _ "m/internal/c"); import _ "m/b/c"`},
			[]string{"a/a.go imports .", "a/a.go imports b/c"},
		},
		{
			"tests import what they like",
			house.Allow{In: []string{"a"}},
			sources{"a/a_test.go": `package a_test; import _ "m/b"`},
			nil,
		},
		{
			"patterns of import paths",
			house.Deny{In: []string{"..."}, Except: []string{"b/..."}, Imports: []string{"x.org/echo/..."}},
			sources{
				"a.go":     `package m; import _ "x.org/echo"`,
				"a/a.go":   `package a; import (_ "x.org/echo/v4"; _ "x.org/echoes")`,
				"b/c/c.go": `package c; import _ "x.org/echo/v4"`,
			},
			[]string{"a.go imports x.org/echo", "a/a.go imports x.org/echo/v4"},
		},
		{
			"one file of each package is excused",
			house.Deny{In: []string{"sso/*"}, ExceptFiles: []string{"module.go"}, Imports: []string{"x.org/fx"}},
			sources{
				"sso/sso.go":         `package sso; import _ "x.org/fx"`,
				"sso/oidc/module.go": `package oidc; import _ "x.org/fx"`,
				"sso/oidc/flow.go":   `package oidc; import _ "x.org/fx"`,
			},
			[]string{"sso/oidc/flow.go imports x.org/fx"},
		},
		{
			"linked through others",
			house.Unlinked{In: []string{"."}, Imports: []string{"testing"}},
			sources{
				"m.go":           `package m; import _ "m/a"`,
				"a/a.go":         `package a; import _ "x.org/lib"`,
				"x.org/lib/l.go": `package lib; import _ "testing"`,
			},
			[]string{". links testing (m -> m/a -> x.org/lib -> testing)"},
		},
		{
			"an excused importer, and another that is not",
			house.Unlinked{In: []string{"..."}, Imports: []string{"testing"}, Via: []string{"x.org/lib"}},
			sources{
				"m.go":           `package m; import _ "x.org/lib"`,
				"b/b.go":         `package b; import (_ "x.org/lib"; _ "testing")`,
				"x.org/lib/l.go": `package lib; import _ "testing"`,
			},
			[]string{"b links testing (m/b -> testing)"},
		},
		{
			"what tests import is not linked",
			house.Unlinked{In: []string{"..."}, Imports: []string{"testing"}},
			sources{"m.go": `package m`, "m_test.go": `package m_test; import _ "testing"`},
			nil,
		},
		{
			"no such package",
			house.Allow{In: []string{"nowhere"}},
			sources{"a.go": `package m; import _ "m/b"`},
			nil,
		},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, err := house.Fake("m", tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, tc.rule.Check(m))
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		patterns []string
		expected bool
	}{
		{"authn", []string{"..."}, true},
		{"authn", []string{"authn"}, true},
		{"authn/passkey", []string{"authn"}, false},
		{"authn/passkey", []string{"authn/..."}, true},
		{"authn", []string{"authn/..."}, true},
		{"authnext", []string{"authn/..."}, false},
		{"store/memstore", []string{"store/*"}, true},
		{"store", []string{"store/*"}, false},
		{"store/a/b", []string{"store/*"}, false},
		{".", []string{"authn", "."}, true},
		{"authn", nil, false},
	}
	for _, tc := range testCases {
		assert.Equal(t, tc.expected, house.Match(tc.name, tc.patterns...), "%s in %v", tc.name, tc.patterns)
	}
}
