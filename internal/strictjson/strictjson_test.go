package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// wide is wide enough for every text that is not about limits.
var wide = strictjson.Limits{Bytes: 64 << 10, Depth: 64, Members: 1000}

// Values that RFC 8259 allows. Each is tried as a member, as an element and nested.
func validValues() map[string][]string {
	return map[string][]string{
		"literal": {"true", "false", "null"},
		"number": {
			"0", "-0", "1", "-1", "10", "1234567890", "0.0", "-0.0", "0.5", "1.5", "123.456", "1e1", "1E1", "1e+1", "1e-1", "1E+10", "0e1", "0e+1", "-1.5e-10",
			"1.0e01", "20e1", "1e999", "-1e-999", "123456789012345678901234567890", "0.1e00000000001",
		},
		"string": {
			`""`, `"a"`, `" "`, `"\""`, `"\\"`, `"\/"`, `"/"`, `"\b\f\n\r\t"`, `"\u0000"`, `"\u001f"`, `"\u00e9"`, `"\u00E9"`, `"\uFFFF"`, `"\uffff"`, `"\ufffd"`,
			`"\ud83d\ude00"`, `"\uD83D\uDE00"`, `"a\ud83d\ude00b"`, `"\ud800\udc00"`, `"\udbff\udfff"`, `"é"`, `"😀"`, "\"\x7f\"", "\"\u2028\u2029\"", `"\\u0041"`, `"\\n"`,
			`"\u0022"`, `"\u005c"`, `"\\\""`, "\"\ufeff\"", "\"\u0080\"", `"[,]{:}"`, `"//"`, `"\u006E"`, `"𝄞"`, `"\uE000"`, "\"\U0010ffff\"",
		},
		"array": {
			"[]", "[ ]", "[\t\n\r ]", "[1]", "[1,2]", "[ 1 , 2 ]", `["a","b"]`, "[[]]", "[[],[]]", "[{}]", "[[[[]]]]", "[null]", `[1,"a",null,true,{},[]]`, "[1\n,2]", "[0]", "[-1]", `[""]`,
		},
		"object": {
			"{}", "{ }", "{\r\n}", `{"a":1}`, `{"a" : 1 }`, `{"a":1,"b":2}`, `{"":0}`, `{"a":{}}`, `{"a":{"a":{"a":1}}}`, `{"a":1,"A":2}`, `{"\u0061":1,"b":2}`, `{"a\u0000b":1}`,
			`{"a":[]}`, `{"a":[{"a":1},{"a":1}]}`, `{"a":{"b":1},"b":1}`, `{"é":1,"e\u0301":2}`,
		},
	}
}

// What RFC 8259 forbids, and what this package forbids beyond it.
func invalidValues() map[string][]string {
	return map[string][]string{
		"literal": {"True", "TRUE", "tru", "nul", "nulll", "fals", "truefalse", "true1", "undefined", "NaN", "Infinity", "-Infinity", "a", "'a'", "t", "n", "\x00", "-"},
		"number": {
			"01", "-01", "00", "012", "-00", "+1", "1.", ".1", "-.1", "-1.", "1.e1", "1e", "1e+", "1e-", "1E", "1e1.5", "1e1e1", "1.2.3", "--1", "++1", "- 1", "0x1", "0X1F", "0b1", "0o7",
			"1_000", "1 000", "1a", "0e", "0.e1", "1.5.", "2.e3", "2.e+3", "0.1.2", "1e 1", "1e++1", "1e+-1", "１", "-a", "1f", "-Infinity", "-NaN", "1\x00", "0..1", "9.e+", "1-1", "1+1",
		},
		"string": {
			`"`, `"a`, `a"`, `'a'`, `"\"`, `"\`, `"\x41"`, `"\a"`, `"\v"`, `"\0"`, `"\'"`, `"\U00000041"`, `"\u"`, `"\u1"`, `"\u12"`, `"\u123"`, `"\u123g"`, `"\u 123"`, `"\u+123"`, `"\u-123"`, `"\u0x12"`, `"\u1_23"`,
			`"\u12`, "\"\n\"", "\"\t\"", "\"\r\"", "\"\x00\"", "\"\x1f\"", "\"\b\"", "\"a\nb\"", `"a"b"`, `""a`, `"\é"`, "\"\\\n\"", "`a`", "“a”", `"\u{41}"`, "\"\\\x00\"",
		},
		"lone surrogate": {
			`"\ud800"`, `"\udbff"`, `"\udc00"`, `"\udfff"`, `"\ud800a"`, `"\ud800\n"`, `"\ud800\u0041"`, `"\ud800\ud800"`, `"\udc00\ud800"`, `"\udc00\udc00"`, `"\ud800\\udc00"`, `"\ud800\u"`, `"\ud800\`, `"\ud800\u12"`,
			`"\ud83d\ude00\ud83d"`, `"\uD800\uFFFF"`, `{"\ud800":1}`,
		},
		"not UTF-8": {
			"\"\xff\"", "\"\x80\"", "\"\xc0\xaf\"", "\"\xc3\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"", "\"\xed\xb0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"", "\"a\xffb\"", "\xff", "{\"\xff\":1}", "\"\\\xff\"", "\"\\u\xff\"",
		},
		"array": {
			"[", "]", "[1", "[1,", "[1,]", "[,]", "[,1]", "[,,]", "[1,,2]", "[1 2]", "[1;2]", "[1:2]", `["a""b"]`, `["a" "b"]`, `["a",,"b"]`, `["a"`, `["a",`, "[[]", "[]]", "[1}", "[{]", "[\"a]", "[1,\n", "(1)", "[a]", "[-]", "[1]2", "[}", "[\x00]", "[\v]", "[\f]", "[\u00a0]",
			"[1,true", `["a":1]`, "[/**/]", "[ ,]", "[1,]]", "[][]",
		},
		"object": {
			"{", "}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, "{,}", `{,"a":1}`, `{"a":1,,"b":2}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{"a"::1}`, `{"a":}`, `{:1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{true:1}`, `{"a"=1}`, `{"a",1}`, `{"a"}`, `{["a"]:1}`, `{{}:1}`,
			`{"a":1]`, `{"a":1}}`, `{"a":1,"b"}`, `{"a":1/**/}`, "{\"a\":1//\n}", `{"a":1#}`, `{"a\n":1`, "{\"a\n\":1}", `{"a":a}`, `{"a":1:2}`, `{ ,"a":1}`, `{"":}`, `{"a":"b"`, `{"a":{}`, "{\x00}", `{"a":1\u002c"b":2}`,
		},
		"duplicate": {
			`{"a":1,"a":1}`, `{"a":1,"b":2,"a":3}`, `{"a":1,"\u0061":1}`, `{"\u0061":1,"\u0061":1}`, `{"":1,"":1}`, `{"a":{"b":1,"b":1}}`, `{"a":[{"b":1,"b":1}]}`, `{"a":null,"a":null}`, `{"é":1,"\u00e9":1}`,
			`{"😀":1,"\ud83d\ude00":1}`, `{"a\/b":1,"a/b":1}`, `{"a":1,"b":{"c":{"d":1,"d":{}}}}`,
		},
	}
}

func surround(value string) []string {
	return []string{
		`{"v":` + value + `}`, " {\t\"v\" :\r\n" + value + " } \n", `{"u":0,"v":` + value + `,"w":[]}`, `{"v":[` + value + `]}`, `{"v":[0,` + value + `,0]}`, `{"v":{"w":` + value + `}}`, `{"v":[[{"w":[` + value + `]}]]}`,
	}
}

func TestParseAcceptsValidValues(t *testing.T) {
	t.Parallel()
	for kind, values := range validValues() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, value := range values {
				for i, text := range surround(value) {
					require.True(t, json.Valid([]byte(text)), "the table: %q", text)
					object, err := strictjson.Parse([]byte(text), wide)
					require.NoError(t, err, "%q", text)
					require.True(t, object.Has("v"))
					if i < 3 {
						assert.Equal(t, value, string(object["v"]), "a value is kept as it was written")
					}
				}
			}
		})
	}
}

func TestParseRefusesInvalidValues(t *testing.T) {
	t.Parallel()
	for kind, values := range invalidValues() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, value := range values {
				for _, text := range surround(value) {
					object, err := strictjson.Parse([]byte(text), wide)
					require.ErrorIs(t, err, strictjson.ErrSyntax, "%q", text)
					require.Nil(t, object)
				}
			}
		})
	}
}

// JWT-33 and JWT-34: one object, and nothing but space around it.
func TestParseRefusesWhatIsNotOneObject(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "\n", "\x00", "null", "true", "0", "1", `"x"`, "[]", "[{}]", "{}{}", "{} {}", "{},", "{}}", "{}]", "{}x", "{} x", "{}\x00", "{}//", "{}/**/", "{}null", "\x00{}", ",{}", "x{}", "//\n{}", "/**/{}", "#\n{}",
		"\ufeff{}", "{}\ufeff", "\ufeff", "\v{}", "\f{}", "\u00a0{}", "{}\u00a0", "\u2028{}", "{}\v", "\xef\xbb{}", "\xff\xfe{\x00}\x00", "{\x00}\x00", "\x00{\x00}",
		"{", "}", "{\"a\":1}{\"a\":1}", "]}", "({})", `"{}"`, `{"a":1} {"b":2}`, ")]}',\n{}",
	} {
		object, err := strictjson.Parse([]byte(text), wide)
		require.ErrorIs(t, err, strictjson.ErrSyntax, "%q", text)
		require.Nil(t, object)
	}
	for _, text := range []string{"{}", " {}", "{} ", "\t\r\n {} \t\r\n", "{ }"} {
		object, err := strictjson.Parse([]byte(text), wide)
		require.NoError(t, err, "%q", text)
		assert.Empty(t, object)
		assert.NotNil(t, object)
	}
}

// The error tells the place, and repeats nothing of the text.
func TestParseErrorsHoldNothingOfTheText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"hunter2":1,"hunter2":2}`, `{"a":hunter2}`, `hunter2`, `{"a":"hunter2`, `{"hunter2"}`, `{"a":"\hunter2"}`} {
		_, err := strictjson.Parse([]byte(text), wide)
		require.ErrorIs(t, err, strictjson.ErrSyntax)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.True(t, strings.HasPrefix(err.Error(), "strictjson: "))
	}
}

// What is kept cannot reach into its neighbours.
func TestParseKeepsValuesApart(t *testing.T) {
	t.Parallel()
	object, err := strictjson.Parse([]byte(`{"a":1,"b":2}`), wide)
	require.NoError(t, err)
	_ = append(object["a"], "9999"...)
	assert.Equal(t, "2", string(object["b"]))
}
