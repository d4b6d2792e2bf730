package strictjson_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/strictjson"
)

func parseValue(t testing.TB, value string) strictjson.Object {
	t.Helper()
	object, err := strictjson.Parse([]byte(`{"v": `+value+` ,"other":"o"}`), wide)
	require.NoError(t, err)
	return object
}

func TestString(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]string{
		`""`: "", `"a"`: "a", `"\u0041\n\"\\\/"`: "A\n\"\\/", `"\ud83d\ude00"`: "😀", `"x\ud83d\ude00y"`: "x😀y", `"é"`: "é", `"\u00e9é"`: "éé", `"\u0000"`: "\x00", `"\uffff"`: "\uffff", `"a\\u0041"`: `a\u0041`,
	} {
		text, err := parseValue(t, have).String("v")
		require.NoError(t, err, have)
		assert.Equal(t, expected, text)
	}
	for _, have := range []string{"1", "null", "true", "[]", `["a"]`, "{}", `{"a":"b"}`, "-1"} {
		text, err := parseValue(t, have).String("v")
		require.ErrorIs(t, err, strictjson.ErrType, have)
		assert.Empty(t, text)
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string][]string{
		"[]": {}, "[ ]": {}, "[\n\t]": {}, `["a"]`: {"a"}, `[ "a" ]`: {"a"}, `["a","b"]`: {"a", "b"}, "[\"a\"\n,\t\"b\" ]": {"a", "b"}, `["",""]`: {"", ""}, `[","]`: {","}, `["]"]`: {"]"}, `["\"","\u0041"]`: {`"`, "A"}, `["a","a"]`: {"a", "a"},
	} {
		list, err := parseValue(t, have).Strings("v")
		require.NoError(t, err, have)
		assert.Equal(t, expected, list)
	}
	for _, have := range []string{"1", "null", "true", `"a"`, `"[]"`, "{}", `{"0":"a"}`, "[1]", "[null]", "[true]", "[[]]", "[{}]", `["a",1]`, `[1,"a"]`, `["a",null]`, `["a",["b"]]`, `["a",{}]`, `[["a"],"b"]`} {
		list, err := parseValue(t, have).Strings("v")
		require.ErrorIs(t, err, strictjson.ErrType, have)
		assert.Nil(t, list)
	}
	for _, have := range []string{`["a""b"]`, `["a",,"b"]`, `[,]`, `[,"a"]`, `["a",]`, `["a" "b"]`, `["a":"b"]`, `["a"`, `["a",`, "["} {
		_, err := strictjson.Parse([]byte(`{"v":`+have+`}`), wide)
		require.ErrorIs(t, err, strictjson.ErrSyntax, "commas are judged when the object is parsed: %s", have)
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	object := parseValue(t, `{ "a" : {"b":["c"]}, "d": 1 }`)
	inner, err := object.Object("v")
	require.NoError(t, err)
	assert.Len(t, inner, 2)
	inner, err = inner.Object("a")
	require.NoError(t, err)
	list, err := inner.Strings("b")
	require.NoError(t, err)
	assert.Equal(t, []string{"c"}, list)
	empty, err := parseValue(t, "{}").Object("v")
	require.NoError(t, err)
	assert.NotNil(t, empty)
	assert.Empty(t, empty)
	for _, have := range []string{"1", "null", "true", `"{}"`, "[]", "[{}]"} {
		inner, err := parseValue(t, have).Object("v")
		require.ErrorIs(t, err, strictjson.ErrType, have)
		assert.Nil(t, inner)
	}
	_, err = object.Object("other one")
	require.ErrorIs(t, err, strictjson.ErrMissing)
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]int{"[]": 0, "[ ]": 0, "[{}]": 1, "[ {} , {\"a\":1}\n]": 2, `[{"a":[{}]},{"b":{"c":{}}},{}]`: 3} {
		list, err := parseValue(t, have).Objects("v")
		require.NoError(t, err, have)
		assert.Len(t, list, expected, have)
	}
	list, err := parseValue(t, `[{"a":"x"},{"a":"y"}]`).Objects("v")
	require.NoError(t, err)
	text, err := list[1].String("a")
	require.NoError(t, err)
	assert.Equal(t, "y", text)
	for _, have := range []string{"1", "null", "true", `"[]"`, "{}", "[1]", "[null]", "[[]]", `["a"]`, "[{},1]", "[1,{}]", "[{},[]]"} {
		list, err := parseValue(t, have).Objects("v")
		require.ErrorIs(t, err, strictjson.ErrType, have)
		assert.Nil(t, list)
	}
	_, err = parseValue(t, "1").Objects("missing")
	require.ErrorIs(t, err, strictjson.ErrMissing)
}

func TestBool(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]bool{"true": true, "false": false} {
		v, err := parseValue(t, have).Bool("v")
		require.NoError(t, err, have)
		assert.Equal(t, expected, v, have)
	}
	for _, have := range []string{`"true"`, "1", "0", "null", "[true]", "{}"} {
		v, err := parseValue(t, have).Bool("v")
		assert.ErrorIs(t, err, strictjson.ErrType, have)
		assert.False(t, v, have)
	}
	_, err := parseValue(t, "true").Bool("absent")
	assert.ErrorIs(t, err, strictjson.ErrMissing)
}

func TestInteger(t *testing.T) {
	t.Parallel()
	for have, expected := range map[string]int64{
		"0": 0, "1": 1, "1767323045": 1767323045, "999999999999999": 999999999999999, "100000000000000": 100000000000000,
	} {
		n, err := parseValue(t, have).Integer("v")
		require.NoError(t, err, have)
		assert.Equal(t, expected, n)
	}
	for _, have := range []string{
		"-0", "-1", "1.0", "0.0", "1.5", "1e0", "1E3", "1e15", "1e-1", "10e-1", "1e999", "1000000000000000", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"null", "true", `"1"`, `""`, "[]", "[1]", "{}",
	} {
		n, err := parseValue(t, have).Integer("v")
		require.ErrorIs(t, err, strictjson.ErrType, have)
		assert.Zero(t, n)
	}
}

func TestMissingMembers(t *testing.T) {
	t.Parallel()
	object := parseValue(t, "1")
	for _, name := range []string{"", "V", "w", "v ", "othe", "other "} {
		_, errText := object.String(name)
		_, errList := object.Strings(name)
		_, errInteger := object.Integer(name)
		for _, err := range []error{errText, errList, errInteger} {
			require.ErrorIs(t, err, strictjson.ErrMissing, name)
		}
		assert.False(t, object.Has(name))
	}
	assert.True(t, object.Has("v"))
	object, err := strictjson.Parse([]byte(`{"":"x","a":null,"\u0062":1}`), wide)
	require.NoError(t, err)
	assert.True(t, object.Has("") && object.Has("a") && object.Has("b"), "an empty name is a name, null is a value, an escape is its character")
}

// JWT-31 and JWT-32: names that a reader which ignores case would mix up.
func TestFolded(t *testing.T) {
	t.Parallel()
	names := []string{"iss", "sub", "kid", "exp"}
	for have, expected := range map[string]string{
		`{"ISS":1}`: "iss", `{"Sub":1}`: "sub", `{"exP":1}`: "exp", `{"i\u017f\u017f":1}`: "iss", `{"\u017fub":1}`: "sub", `{"\u212aid":1}`: "kid", `{"ſub":1}`: "sub", `{"exp":1,"EXP":2}`: "exp",
		`{}`: "", `{"iss":1,"sub":2,"kid":3,"exp":4}`: "", `{"issuer":1,"s":2,"":3}`: "", `{"\u0456ss":1}`: "", `{"x":{"ISS":1}}`: "", `{"İSS":1}`: "", `{"iss ":1}`: "",
	} {
		object, err := strictjson.Parse([]byte(have), wide)
		require.NoError(t, err)
		name, folded := object.Folded(names)
		assert.Equal(t, expected, name, have)
		assert.Equal(t, expected != "", folded, have)
	}
}
