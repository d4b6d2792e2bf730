package layer_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/layer"
	"github.com/authmodule/authmodule/setting"
)

type config struct {
	Secret setting.Secret   `yaml:"secret"`
	Name   string           `yaml:"name"`
	Token  token            `yaml:"token"`
	Nets   []string         `yaml:"nets"`
	Old    []setting.Secret `yaml:"old"`
	On     setting.Toggle   `yaml:"on"`
	Loose  bool             `yaml:"loose"`
	Roles  map[string]role  `yaml:"roles"`
	Skip   func()           `yaml:"-"`
}

type token struct {
	Key     setting.Secret  `yaml:"secret_key"`
	Hours   setting.Hours   `yaml:"hours"`
	Minutes setting.Minutes `yaml:"minutes"`
}

type role struct {
	Title string   `yaml:"title"`
	May   []string `yaml:"may"`
}

// write stores files of the given names and contents and returns their full names.
func write(t *testing.T, nameAndText ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i := 0; i < len(nameAndText); i += 2 {
		file := filepath.Join(dir, nameAndText[i])
		require.NoError(t, os.WriteFile(file, []byte(nameAndText[i+1]), 0o600))
		files = append(files, file)
	}
	return files
}

// load reads the texts as files a.yaml, b.yaml, … with the variables X=one, PORT=5, NOTHING="".
func load(t *testing.T, prefix string, texts ...string) (config, error) {
	t.Helper()
	var named []string
	for i, text := range texts {
		named = append(named, string(rune('a'+i))+".yaml", text)
	}
	files := write(t, named...)
	var cfg config
	err := layer.Load(&cfg, layer.Options{
		Root: "auth", Prefix: prefix, Files: files,
		Exclusive: [][2]string{{"token.hours", "token.minutes"}},
		Lookup: func(name string) (string, bool) {
			value, ok := map[string]string{"X": "one", "PORT": "5", "NOTHING": "", "NULL": "null", "INJECT": "a\n  name: b"}[name]
			return value, ok
		},
	})
	if err != nil {
		dir := filepath.Dir(append(files, "")[0]) + string(filepath.Separator)
		err = errors.New(strings.ReplaceAll(err.Error(), dir, ""))
	}
	return cfg, err
}

func TestLoadValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     []string
		expected config
	}{
		{"nothing", nil, config{}},
		{"empty file", []string{""}, config{}},
		{"comment only", []string{"# nothing here\n"}, config{}},
		{"empty document", []string{"---\n"}, config{}},
		{"root without value", []string{"auth:\n"}, config{}},
		{"other keys belong to the application", []string{"server: &s {port: 1}\ncopy: *s\nserver: 2\n"}, config{}},
		{"every form", []string{"auth:\n  secret: s\n  name: n\n  token: {minutes: 5}\n  nets: [a, b]\n  on: false\n  loose: true\n  roles: {r: {title: t, may: [x.y]}}\n"},
			config{Secret: "s", Name: "n", Token: token{Minutes: 5}, Nets: []string{"a", "b"}, On: setting.Off, Loose: true,
				Roles: map[string]role{"r": {Title: "t", May: []string{"x.y"}}}}},
		{"mappings merge", []string{"auth: {token: {secret_key: k, minutes: 5}}", "auth: {token: {minutes: 6}}"}, config{Token: token{Key: "k", Minutes: 6}}},
		{"lists are replaced", []string{"auth: {nets: [a, b]}", "auth: {nets: [c]}"}, config{Nets: []string{"c"}}},
		{"a list is emptied", []string{"auth: {nets: [a, b]}", "auth: {nets: []}"}, config{Nets: []string{}}},
		{"tables merge by name", []string{"auth: {roles: {r: {title: t, may: [a.b]}, s: {title: u}}}", "auth: {roles: {r: {may: [c.d]}}}"},
			config{Roles: map[string]role{"r": {Title: "t", May: []string{"c.d"}}, "s": {Title: "u"}}}},
		{"a name alone is an empty entry", []string{"auth: {roles: {r: }}"}, config{Roles: map[string]role{"r": {}}}},
		{"null is not set", []string{"auth: {name: n, token: {minutes: 5}}", "auth: {name: ~, token: null, nets: }"}, config{Name: "n", Token: token{Minutes: 5}}},
		{"list of secrets", []string{"auth: {old: [s, \"0x10\"]}"}, config{Old: []setting.Secret{"s", "0x10"}}},
		{"text as written", []string{"auth: {secret: 0x10, name: 007}"}, config{Secret: "0x10", Name: "007"}},
		{"explicit string", []string{"auth: {name: !!str 5}"}, config{Name: "5"}},
		{"quoted number", []string{"auth: {token: {minutes: \"5\"}}"}, config{Token: token{Minutes: 5}}},
		{"expansion", []string{`auth: {name: "${X}-${NONE:-two}-${NOTHING:-three}", nets: ["${X}", "$${X}"]}`}, config{Name: "one-two-three", Nets: []string{"one", "${X}"}}},
		{"expanded number", []string{"auth:\n  token:\n    minutes: ${PORT}\n"}, config{Token: token{Minutes: 5}}},
		{"expanded to nothing", []string{"auth:\n  name: ${NONE:-}\n  token:\n    minutes: ${NULL}\n"}, config{}},
		{"quoted null is text", []string{`auth: {name: "${NULL}"}`}, config{Name: "null"}},
		{"a variable injects no key", []string{"auth:\n  secret: ${INJECT}\n"}, config{Secret: "a\n  name: b"}},
		{"a later layer sets what is missing", []string{"auth: {name: \"${NONE}\"}", "auth: {name: n}"}, config{Name: "n"}},
		{"later of two exclusive keys", []string{"auth: {token: {hours: 2}}", "auth: {token: {minutes: 5}}", "auth: {name: n}"}, config{Name: "n", Token: token{Minutes: 5}}},
		{"a cleared key is not missing", []string{"auth: {token: {hours: \"${NONE}\"}}", "auth: {token: {minutes: 5}}"}, config{Token: token{Minutes: 5}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, "", tc.have...)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, cfg)
		})
	}
}

func TestLoadProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, have, expected string
	}{
		{"unknown key", "auth:\n  token:\n    secrt_key: x\n", "a.yaml: line 3: unknown key auth.token.secrt_key; did you mean secret_key?"},
		{"unknown key, none near", "auth: {colour: x}", "a.yaml: line 1: unknown key auth.colour"},
		{"unknown keys, all", "auth:\n  nme: 1\n  onn: 2\n", "a.yaml: line 2: unknown key auth.nme; did you mean name?\na.yaml: line 3: unknown key auth.onn; did you mean on?"},
		{"unknown key in a table", "auth:\n  roles:\n    r:\n      maay: []\n", "a.yaml: line 4: unknown key auth.roles.r.maay; did you mean may?"},
		{"double key", "auth:\n  name: a\n  name: b\n", "a.yaml: line 3: key auth.name stands on line 2 already"},
		{"double root", "auth:\n  name: a\nauth:\n  loose: true\n", "a.yaml: line 3: key auth stands on line 1 already"},
		{"double name in a table", "auth:\n  roles:\n    r: {}\n    r: {}\n", "a.yaml: line 4: key auth.roles.r stands on line 3 already"},
		{"not whole", "auth:\n  token:\n    minutes: canary\n", "a.yaml: line 3: auth.token.minutes must be a whole number from 0 to 1000000"},
		{"negative", "auth: {token: {minutes: -5}}", "a.yaml: line 1: auth.token.minutes must be a whole number from 0 to 1000000"},
		{"not a toggle", "auth: {on: yes}", "a.yaml: line 1: auth.on must be true or false"},
		{"not a bool", "auth: {loose: canary}", "a.yaml: line 1: auth.loose must be true or false"},
		{"list for a secret", "auth: {secret: [canary]}", "a.yaml: line 1: auth.secret must be a single value"},
		{"mapping for a number", "auth: {token: {minutes: {canary: 1}}}", "a.yaml: line 1: auth.token.minutes must be a single value"},
		{"value for a section", "auth: {token: canary}", "a.yaml: line 1: auth.token must be a mapping of keys to values"},
		{"missing space after a colon", "auth:\n  token:\n    secret_key:canary\n", "a.yaml: line 3: auth.token must be a mapping of keys to values"},
		{"missing space in a flow mapping", "auth: {token: {secret_key:canary}}", "a.yaml: line 1: a key below auth.token is not a plain word; is the space after a colon missing?"},
		{"value for a list", "auth: {nets: canary}", "a.yaml: line 1: auth.nets must be a list, such as [a, b]"},
		{"list in a list", "auth: {nets: [[canary]]}", "a.yaml: line 1: auth.nets must be a list of single values"},
		{"null in a list", "auth: {nets: [a, ~]}", "a.yaml: line 1: auth.nets must be a list of single values"},
		{"list at the root", "auth: [canary]", "a.yaml: line 1: auth must be a mapping of keys to values"},
		{"not a mapping", "- canary\n", "a.yaml: line 1: must be a mapping with the key auth"},
		{"variable that is not set", "auth:\n  token:\n    secret_key: ${NONE}\n", "a.yaml: line 3: auth.token.secret_key: ${NONE} is not set; export it, or write ${NONE:-default}"},
		{"variable that is empty", "auth: {name: \"${NOTHING}\"}", "a.yaml: line 1: auth.name: ${NOTHING} is not set; export it, or write ${NOTHING:-default}"},
		{"malformed reference", "auth: {name: \"${canary\"}", "a.yaml: line 1: auth.name holds a ${ that begins no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters ${ themselves"},
		{"nested reference", "auth: {name: \"${A:-${canary}}\"}", "a.yaml: line 1: auth.name holds a ${ that begins no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters ${ themselves"},
		{"malformed reference in a list", "auth: {nets: [\"${canary\"]}", "a.yaml: line 1: auth.nets holds a ${ that begins no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters ${ themselves"},
		{"two keys for one value", "auth:\n  token:\n    hours: 1\n    minutes: 5\n", "a.yaml: lines 3 and 4: auth.token.hours and auth.token.minutes set the same value; keep one of them"},
		{"second document", "auth: {}\n---\nauth: {}\n", "a.yaml: line 2: a second document begins; one file holds one document"},
		{"alias", "x: &x {}\nauth: {token: *x}\n", "a.yaml: line 2: auth.token: anchors (&name) and aliases (*name) are not supported; quote a value that begins with & or *"},
		{"alias for the root", "x: &x {}\nauth: *x\n", "a.yaml: line 2: auth: anchors (&name) and aliases (*name) are not supported; quote a value that begins with & or *"},
		{"unknown alias", "auth:\n  secret: *canary\n", "a.yaml: line 2: anchors (&name) and aliases (*name) are not supported; quote a value that begins with & or *"},
		{"anchor", "auth:\n  secret: &canary\n", "a.yaml: line 2: auth.secret: anchors (&name) and aliases (*name) are not supported; quote a value that begins with & or *"},
		{"merge key", "x: &x {}\nauth:\n  <<: *x\n", "a.yaml: line 3: auth: merge keys (<<) are not supported"},
		{"tag", "auth: {secret: !canary x}", "a.yaml: line 1: auth.secret: tags (!name) are not supported; quote a value that begins with !"},
		{"binary", "auth: {secret: !!binary aGVsbG8=}", "a.yaml: line 1: auth.secret: tags (!name) are not supported; quote a value that begins with !"},
		{"key that is a mapping", "auth: {{canary: 1}: 2}", "a.yaml: line 1: a key below auth is not a plain word; is the space after a colon missing?"},
		{"syntax", "auth: [canary\n", "a.yaml: line 1: did not find expected ',' or ']'"},
		{"tab", "auth:\n\tname: canary\n", "a.yaml: line 2: found character that cannot start any token; indent with spaces, not with tabs"},
		{"too large", "# " + strings.Repeat("x", 1<<20), "a.yaml: is larger than 1 MiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, "", tc.have)
			require.EqualError(t, err, tc.expected)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestLoadReportsEveryFile(t *testing.T) {
	t.Parallel()
	_, err := load(t, "", "auth: {nme: 1}", "[", "auth: {on: 3}")
	require.Error(t, err)
	assert.Equal(t, 3, strings.Count(err.Error(), "\n")+1, err.Error())
}

func TestLoadMissingFile(t *testing.T) {
	t.Parallel()
	err := layer.Load(&config{}, layer.Options{Root: "auth", Files: []string{"absent.yaml"}})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "absent.yaml: cannot be read: no such file or directory")
}

func TestLoadRefusesWhatItCannotFill(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     any
		expected string
	}{
		{"value", config{}, "layer: layer_test.config is not a pointer to a struct"},
		{"nil", (*config)(nil), "layer: *layer_test.config is not a pointer to a struct"},
		{"no tag", &struct{ A string }{}, "layer: auth: field A has no yaml tag"},
		{"type", &struct {
			A float64 `yaml:"a"`
		}{}, "layer: auth.a has the unsupported type float64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, layer.Load(tc.have, layer.Options{Root: "auth"}), tc.expected)
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	keys, err := layer.Keys(&config{Name: "n", Nets: []string{"a", "b"}, Old: []setting.Secret{"canary", "x"}, Secret: "canary", Token: token{Minutes: 5}}, "auth", "P")
	require.NoError(t, err)
	assert.Equal(t, []layer.Key{
		{"auth.secret", "P__SECRET", "[redacted]"},
		{"auth.name", "P__NAME", "n"},
		{"auth.token.secret_key", "P__TOKEN__SECRET_KEY", ""},
		{"auth.token.hours", "P__TOKEN__HOURS", "0"},
		{"auth.token.minutes", "P__TOKEN__MINUTES", "5"},
		{"auth.nets", "P__NETS", "a, b"},
		{"auth.old", "P__OLD", "[redacted], [redacted]"},
		{"auth.on", "P__ON", "true"},
		{"auth.loose", "P__LOOSE", "false"},
		{"auth.roles.<name>.title", "", ""},
		{"auth.roles.<name>.may", "", ""},
	}, keys)
}

// A table may stand in the entries of another one.
func TestTableInATable(t *testing.T) {
	t.Parallel()
	type site struct {
		Name  string          `yaml:"name"`
		Roles map[string]role `yaml:"roles"`
	}
	type nested struct {
		Sites map[string]site `yaml:"sites"`
	}
	keys, err := layer.Keys(&nested{}, "auth", "P")
	require.NoError(t, err)
	assert.Equal(t, []layer.Key{
		{"auth.sites.<name>.name", "", ""}, {"auth.sites.<name>.roles.<name>.title", "", ""}, {"auth.sites.<name>.roles.<name>.may", "", ""},
	}, keys)

	var cfg nested
	files := write(t, "a.yaml", "auth: {sites: {x: {name: n, roles: {r: {may: [a]}, s: {}}}}}", "b.yaml", "auth: {sites: {x: {roles: {r: {title: t}}}, y: {}}}")
	require.NoError(t, layer.Load(&cfg, layer.Options{Root: "auth", Prefix: "P", Files: files}))
	assert.Equal(t, nested{map[string]site{"x": {"n", map[string]role{"r": {"t", []string{"a"}}, "s": {}}}, "y": {}}}, cfg)
	err = layer.Load(&cfg, layer.Options{Root: "auth", Prefix: "P", Files: write(t, "c.yaml", "auth:\n  sites: {x: {roles: {r: {tilte: t}}}}")})
	require.ErrorContains(t, err, "unknown key auth.sites.x.roles.r.tilte")
}

func TestWithOverlays(t *testing.T) {
	t.Parallel()
	files := write(t, "a.yaml", "", "a.prod.yaml", "", "b.yml", "", "b.prod.yaml", "", "c.yaml", "", "d.yaml", "", "d.prod.yaml", "", "d.prod.yml", "")
	a, b, c, d := files[0], files[2], files[4], files[5]

	all, err := layer.WithOverlays([]string{a, b, c}, "prod")
	require.NoError(t, err)
	assert.Equal(t, []string{a, files[1], b, files[3], c}, all)

	_, err = layer.WithOverlays([]string{d}, "prod")
	require.EqualError(t, err, files[6]+" and "+files[7]+" both exist; keep one of them")
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "auth: {}", "auth: {nets: [a], roles: {r: {may: [x]}}}", "a: &a [*a]", "auth: {<<: 1}", "auth: {name: ${X:-y}}", "? [\n: -"} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "a.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(file, data, 0o600))
		var first, second config
		o := layer.Options{Root: "auth", Files: []string{file}}
		if layer.Load(&first, o) != nil {
			return
		}
		require.NoError(t, layer.Load(&second, o))
		require.Equal(t, first, second)
	})
}
