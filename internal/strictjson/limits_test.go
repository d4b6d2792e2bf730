package strictjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// JWT-20: at the limit it passes, one more and it is refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	repeat := strings.Repeat
	limits := strictjson.Limits{Bytes: 100, Depth: 4, Members: 5}
	for _, tc := range []struct {
		name, have string
		accepted   bool
	}{
		{"100 bytes", `{"a":"` + repeat("x", 92) + `"}`, true},
		{"101 bytes", `{"a":"` + repeat("x", 93) + `"}`, false},
		{"100 bytes with space", `{}` + repeat(" ", 98), true},
		{"101 bytes with space", `{}` + repeat(" ", 99), false},
		{"bytes, not characters", `{"a":"` + repeat("é", 47) + `"}`, false},
		{"depth 4, arrays", `{"a":[[[]]]}`, true},
		{"depth 5, arrays", `{"a":[[[[]]]]}`, false},
		{"depth 4, objects", `{"a":{"a":{"a":{}}}}`, true},
		{"depth 5, objects", `{"a":{"a":{"a":{"a":{}}}}}`, false},
		{"depth 4, mixed", `{"a":[{"a":[1]}]}`, true},
		{"depth 5, mixed", `{"a":[{"a":[{}]}]}`, false},
		{"depth is not a sum", `{"a":[[[]],[[]],[[]]],"b":[[[]]]}`, true},
		{"depth is not a sum of objects", `{"a":{"a":{"a":{}}},"b":[{},{},{}]}`, true},
		{"brackets in a string", `{"a":"[[[[[[{{{{{{"}`, true},
		{"5 members", `{"a":1,"b":1,"c":1,"d":1,"e":1}`, true},
		{"6 members", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`, false},
		{"5 members, nested", `{"a":{"a":1,"b":{"c":1}},"b":[1]}`, true},
		{"6 members, nested", `{"a":{"a":1,"b":{"c":1}},"b":[{"a":1}]}`, false},
		{"elements are no members", `{"a":[1,2,3,4,5,6,7,8,9]}`, true},
		{"unfinished and deep", repeat(`{"a":`, 20), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := strictjson.Parse([]byte(tc.have), limits)
			if tc.accepted {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, strictjson.ErrSyntax)
		})
	}
}

// The zero value of the limits lets nothing through.
func TestZeroLimits(t *testing.T) {
	t.Parallel()
	for _, limits := range []strictjson.Limits{{}, {Bytes: 100}, {Bytes: 100, Members: 5}, {Bytes: -1, Depth: -1, Members: -1}} {
		_, err := strictjson.Parse([]byte(`{}`), limits)
		require.ErrorIs(t, err, strictjson.ErrSyntax)
	}
	_, err := strictjson.Parse([]byte(`{"a":1}`), strictjson.Limits{Bytes: 100, Depth: 1})
	require.ErrorIs(t, err, strictjson.ErrSyntax, "no members allowed")
}

// Depth costs no stack beyond the limit, whatever the text is.
func TestDeepTextIsCheap(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`, `[{"a":`} {
		text := `{"a":` + strings.Repeat(open, 1<<20)
		_, err := strictjson.Parse([]byte(text), strictjson.Limits{Bytes: 16 << 20, Depth: 32, Members: 1 << 30})
		require.ErrorIs(t, err, strictjson.ErrSyntax)
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"iss":"authmodule"`)
	for i := range 20 {
		fmt.Fprintf(&text, `,"m%d":["a","b",{"c":%d}]`, i, i)
	}
	data := []byte(text.String() + "}")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Parse(data, wide); err != nil {
			b.Fatal(err)
		}
	}
}
