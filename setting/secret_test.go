package setting_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/setting"
)

const hidden = setting.Secret("hunter2-ünd-\x00more")

type holder struct {
	Name string
	Key  setting.Secret
	Ptr  *setting.Secret `yaml:",omitempty"`
	Any  any
}

// holders are the ways in which a program holds a secret in what it prints.
func holders() map[string]any {
	secret := hidden
	pointer := &secret
	whole := holder{Name: "n", Key: secret, Ptr: pointer, Any: secret}
	return map[string]any{
		"value": secret, "pointer": pointer, "struct": whole, "pointer to struct": &whole, "slice": []setting.Secret{secret}, "array": [1]setting.Secret{secret},
		"map value": map[string]setting.Secret{"k": secret}, "map key": map[setting.Secret]int{secret: 1}, "slice of any": []any{secret, pointer}, "map of any": map[string]any{"k": secret, "s": whole},
		"slice of structs": []holder{whole}, "nested": struct{ Inner struct{ H []holder } }{struct{ H []holder }{[]holder{whole}}}, "embedded": struct{ setting.Secret }{secret},
	}
}

// assertHidden looks for the secret in the forms in which printing could show it.
func assertHidden(t testing.TB, printed string) {
	t.Helper()
	raw := []byte(hidden.Reveal())
	decimal := strings.Trim(fmt.Sprint(raw), "[]")
	for _, form := range []string{
		string(raw), "hunter2", fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), fmt.Sprintf("% x", raw), decimal, fmt.Sprintf("%+q", string(raw)), fmt.Sprintf("%U", []rune(string(raw))),
		"aHVudGVyMi", // in base64
	} {
		assert.NotContains(t, printed, form)
	}
}

func TestSecretThroughEveryVerbFlagAndWidth(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range "vsqxXdboOcUtTeEfFgG" {
				if name == "pointer" && verb != 'v' && verb != 's' {
					continue // an address, which is no secret
				}
				for _, flags := range []string{"", "+", "#", "-", " ", "0", "+#", "# ", "10", "-40", "3", ".3", "40.3", "+.1", "#.2", "010"} {
					assertHidden(t, fmt.Sprintf("%"+flags+string(verb), value))
				}
			}
			assertHidden(t, fmt.Sprint(value))
			assertHidden(t, fmt.Sprintln(value))
			for _, wrong := range []string{"%[1]*d", "%!", "%z", "%", "no verb", "%v %v", "%[5]v"} {
				assertHidden(t, fmt.Sprintf(wrong, value))
			}
			assertHidden(t, fmt.Errorf("wrapped: %v", value).Error())
		})
	}
}

func TestSecretShowsThatItIsSet(t *testing.T) {
	t.Parallel()
	for verb, expected := range map[string][2]string{
		"%v": {"[redacted]", ""}, "%s": {"[redacted]", ""}, "%q": {`"[redacted]"`, `""`}, "%#v": {`"[redacted]"`, `""`}, "%x": {"[redacted]", ""}, "%20s": {"[redacted]", ""}, "%d": {"[redacted]", ""},
	} {
		assert.Equal(t, expected[0], fmt.Sprintf(verb, hidden), verb)
		assert.Equal(t, expected[1], fmt.Sprintf(verb, setting.Secret("")), verb)
	}
	assert.Equal(t, "{Key:[redacted]}", fmt.Sprintf("%+v", struct{ Key setting.Secret }{"k"}))
}

func TestSecretThroughEncoders(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(value)
			require.NoError(t, err)
			if name != "map key" { // the one place of which JSON asks no method
				assertHidden(t, string(text))
			}
			text, err = yaml.Marshal(value)
			require.NoError(t, err)
			assertHidden(t, string(text))
		})
	}
	text, err := json.Marshal(holder{Key: hidden})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Name":"","Key":"[redacted]","Ptr":null,"Any":null}`, string(text))
	text, err = json.Marshal(holder{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"Name":"","Key":"","Ptr":null,"Any":null}`, string(text))
	text, err = hidden.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, setting.Redacted, string(text))
	text, err = xml.Marshal(struct {
		XMLName struct{}       `xml:"cfg"`
		Key     setting.Secret `xml:"key,attr"`
		List    []setting.Secret
	}{Key: hidden, List: []setting.Secret{hidden}})
	require.NoError(t, err)
	assert.Equal(t, `<cfg key="[redacted]"><List>[redacted]</List></cfg>`, string(text))
}

func TestSecretThroughLogs(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			handlers := []slog.Handler{slog.NewTextHandler(&out, nil)}
			if name != "map key" {
				handlers = append(handlers, slog.NewJSONHandler(&out, nil))
			}
			for _, handler := range handlers {
				logger := slog.New(handler)
				logger.Info("m", "k", value, slog.Group("g", "k", value))
				logger.With("k", value).WithGroup("g").Info("m", "k", value)
				logger.Info(fmt.Sprint(value), "error", fmt.Errorf("e: %v", value))
			}
			log.New(&out, "", 0).Print(value)
			log.New(&out, "", 0).Printf("%v %+v", value, value)
			assertHidden(t, out.String())
		})
	}
}

func TestSecretRevealsItsBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", " a ", "a\n", "\x00\xff", setting.Redacted, "ü"} {
		assert.Equal(t, text, setting.Secret(text).Reveal())
		var secret setting.Secret
		require.NoError(t, secret.UnmarshalText([]byte(text)))
		assert.Equal(t, text, secret.Reveal())
	}
	var read holder
	require.NoError(t, json.Unmarshal([]byte(`{"Key":" a\u0000b "}`), &read))
	assert.Equal(t, " a\x00b ", read.Key.Reveal())
	require.NoError(t, yaml.Unmarshal([]byte("key: 0123"), &read))
	assert.Equal(t, "0123", read.Key.Reveal(), "a scalar is taken as it is written")
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b     setting.Secret
		expected bool
	}{
		{"", "", true}, {"a", "a", true}, {hidden, hidden, true}, {"a", "b", false}, {"a", "", false}, {"", "a", false}, {"a", "a ", false}, {"a", "A", false}, {"a\x00", "a", false}, {"é", "e\u0301", false},
	} {
		assert.Equal(t, tc.expected, tc.a.Equal(tc.b), "%q %q", tc.a.Reveal(), tc.b.Reveal())
	}
}

// The interfaces by which other packages ask for text.
func TestSecretInterfaces(t *testing.T) {
	t.Parallel()
	for _, port := range []reflect.Type{
		reflect.TypeFor[fmt.Formatter](), reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[fmt.GoStringer](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[slog.LogValuer](), reflect.TypeFor[yaml.Marshaler](),
	} {
		assert.True(t, reflect.TypeFor[setting.Secret]().Implements(port), port)
	}
}
