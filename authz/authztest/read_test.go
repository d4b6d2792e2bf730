package authztest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/authztest"
	"github.com/authmodule/authmodule/authz/policy"
)

func policyFiles() fstest.MapFS {
	return fstest.MapFS{"all.cedar": {Data: []byte(`@id("all-read") permit (principal in Role::"viewer", action == Action::"articles.read", resource);`)}}
}

const minimal = "principals: {ada: {}}\ncases: [{principal: ada, action: a.b, expect: deny}]\n"

func TestReadTable(t *testing.T) {
	t.Parallel()
	require.NoError(t, authztest.ReadTable("t", []byte(minimal)))
	for _, tc := range []struct{ name, table, expected string }{
		{"nothing", "", "t:1:1: a table is a map"},
		{"a list", "[]", "t:1:1: a table is a map"},
		{"no YAML", "a: [", "t:1:1: "},
		{"two documents", minimal + "---\nb: 1\n", "one document"},
		{"an unknown section", minimal + "matirx: []\n", "t:3:1: unknown key matirx of a table; did you mean matrix?"},
		{"a section twice", minimal + "cases: []\n", "cases is there twice"},
		{"no cases", "principals: {}", "the table has no cases"},
		{"an unused principal", strings.Replace(minimal, "{ada: {}}", "{ada: {}, eve: {}}", 1), "t:1:23: no case uses the principal eve"},
		{"an unused resource", minimal + "resources: {r: {type: T}}\n", "t:3:13: no case uses the resource r"},
		{"an unknown key of a principal", "principals: {ada: {role: x}}\n", "t:1:20: unknown key role of a principal; did you mean roles?"},
		{"a principal twice", "principals:\n  ada: {}\n  ada: {}\n", "t:3:3: ada is there twice"},
		{"nobody", "principals: {ada: {kind: anonymous}}", "kind is user or service"},
		{"an age without the method", "principals: {ada: {mfa_age: 5m}}", "belong together"},
		{"the method without an age", "principals: {ada: {methods: [mfa]}}", "belong together"},
		{"a negative age", "principals: {ada: {methods: [mfa], mfa_age: -5m}}", "duration"},
		{"a time", "principals: {ada: {auth_time: today}}", "auth_time is a time such as"},
		{"an address", "environment: {ip: somewhere}", "ip is an address"},
		{"no type", "resources: {r: {}}", "the resource r has no type"},
		{"a parent without an ID", "resources: {r: {type: T, parents: [{type: T}]}}", "a parent has a type and an id"},
		{"an unknown principal", strings.Replace(minimal, "principal: ada", "principal: adda", 1), "unknown principal adda; did you mean ada?"},
		{"an unknown resource", strings.Replace(minimal, "action:", "resource: x, action:", 1), "unknown resource x"},
		{"no principal", strings.Replace(minimal, "principal: ada, ", "", 1), "t:2:9: the case has no principal"},
		{"no expectation", strings.Replace(minimal, ", expect: deny", "", 1), "does not say what it expects"},
		{"no action", strings.Replace(minimal, "action: a.b, ", "", 1), "the case has no action"},
		{"another expectation", strings.Replace(minimal, "deny", "denied", 1), "t:2:47: the answer is allow or deny, not denied"},
		{"a pattern", strings.Replace(minimal, "a.b", "a.*", 1), "is a pattern"},
		{"a reason of the other answer", strings.Replace(minimal, "expect: deny", "expect: deny, reason: granted", 1), "the reason of this answer is one of"},
		{"a short row", "principals: {ada: {}}\nmatrix: [{actions: [a.b, a.c], rows: {ada: [allow]}}]", "t:2:44: the row has 1 answers for 2 actions"},
		{"a matrix without rows", "matrix: [{actions: [a.b]}]", "a matrix has actions, and rows"},
		{"an alias", "principals: {ada: &a {}, eve: *a}", "anchors, aliases"},
		{"a tag", "principals: {ada: !x {}}", "anchors, aliases"},
		{"depth", "principals: {ada: {attributes: {a: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "}}}", "deep nesting"},
		{"an attribute without a value", "principals: {ada: {attributes: {a: ~}}}", "an attribute without a value"},
		{"a number in other digits", "principals: {ada: {attributes: {a: 0x10}}}", "in decimal digits"},
		{"length", minimal + strings.Repeat("#", 1<<20), "longer than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.ErrorContains(t, authztest.ReadTable("t", []byte(tc.table)), tc.expected)
		})
	}
}

// FuzzReadTable: every text is a table or has faults, at lines that it has.
func FuzzReadTable(f *testing.F) {
	for _, seed := range []string{minimal, head, "a: &a [*a]", "matrix: [{actions: [a.b], rows: {x: [~]}}]", "? [a]\n: b\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := authztest.ReadTable("t", data)
		if err == nil {
			return
		}
		faults := policy.Faults(err)
		require.NotEmpty(t, faults)
		require.LessOrEqual(t, len(faults), 101)
		for _, fault := range faults {
			require.LessOrEqual(t, fault.Line, lines(string(data))+1)
			require.NotEmpty(t, fault.Problem)
		}
	})
}

// lines counts the lines of YAML, which has more line ends than other texts.
func lines(s string) int {
	n := 1
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += strings.Count(s, end)
	}
	return n
}
