package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// FuzzParse: what is accepted, encoding/json accepts and reads alike. What is
// refused has a reason: encoding/json refuses it too, or it is one of the texts
// that this package refuses beyond it.
func FuzzParse(f *testing.F) {
	for _, table := range []map[string][]string{validValues(), invalidValues()} {
		for _, values := range table {
			for _, value := range values {
				f.Add([]byte(`{"v":` + value + `}`))
			}
		}
	}
	f.Add([]byte("{}"))
	f.Add([]byte("\ufeff{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := strictjson.Limits{Bytes: 4 << 10, Depth: 8, Members: 16}
		object, err := strictjson.Parse(data, limits)
		if err != nil {
			require.Nil(t, object)
			require.False(t, acceptable(data, limits), "refused: %v", err)
			return
		}
		require.True(t, acceptable(data, limits))
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(data, &members))
		require.Len(t, object, len(members))
		for name, value := range members {
			require.Equal(t, string(value), string(object[name]))
		}
		sameScalars(t, object)
		encoded, err := json.Marshal(object)
		require.NoError(t, err)
		again, err := strictjson.Parse(encoded, strictjson.Limits{Bytes: 64 << 10, Depth: 8, Members: 16})
		require.NoError(t, err)
		require.Len(t, again, len(object))
	})
}

// sameScalars compares what the getters read with what encoding/json reads.
func sameScalars(t *testing.T, object strictjson.Object) {
	t.Helper()
	for name, raw := range object {
		if text, err := object.String(name); err == nil {
			var expected string
			require.NoError(t, json.Unmarshal(raw, &expected))
			require.Equal(t, expected, text)
		}
		if list, err := object.Strings(name); err == nil {
			var expected []string
			require.NoError(t, json.Unmarshal(raw, &expected))
			require.Equal(t, expected, list)
		}
		if inner, err := object.Object(name); err == nil {
			sameMembers(t, raw, inner)
		}
		if list, err := object.Objects(name); err == nil {
			var expected []json.RawMessage
			require.NoError(t, json.Unmarshal(raw, &expected))
			require.Len(t, list, len(expected))
			for i := range list {
				sameMembers(t, expected[i], list[i])
			}
		}
		if n, err := object.Integer(name); err == nil {
			var expected int64
			require.NoError(t, json.Unmarshal(raw, &expected))
			require.Equal(t, expected, n)
		}
	}
}

func sameMembers(t *testing.T, raw json.RawMessage, object strictjson.Object) {
	t.Helper()
	var expected map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &expected))
	require.Len(t, object, len(expected))
	for name, value := range expected {
		require.Equal(t, string(value), string(object[name]))
	}
}

// surrogate finds escapes of surrogates; whether they are paired, FuzzParse leaves to the tables.
var surrogate = regexp.MustCompile(`\\u[dD][89abcdefABCDEF]`)

// acceptable is the rule of this package, told with encoding/json.
func acceptable(data []byte, limits strictjson.Limits) bool {
	trimmed := bytes.Trim(data, " \t\r\n")
	if len(data) > limits.Bytes || !utf8.Valid(data) || !json.Valid(data) || trimmed[0] != '{' {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := walk(dec, &limits); err != nil {
		return false
	}
	if surrogate.Match(data) {
		_, err := strictjson.Parse(data, limits)
		return err == nil
	}
	_, err := dec.Token()
	return errors.Is(err, io.EOF)
}

var errWalk = errors.New("duplicate, too deep or too many")

func walk(dec *json.Decoder, limits *strictjson.Limits) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if limits.Depth--; limits.Depth < 0 {
		return errWalk
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			if limits.Members--; limits.Members < 0 || seen[name.(string)] {
				return errWalk
			}
			seen[name.(string)] = true
		}
		if err := walk(dec, limits); err != nil {
			return err
		}
	}
	limits.Depth++
	_, err = dec.Token()
	return err
}
