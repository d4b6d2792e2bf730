package layer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/setting"
)

// These tests set variables, so none of them runs in parallel.

func TestVariables(t *testing.T) {
	for _, tc := range []struct {
		name     string
		have     map[string]string
		expected config
	}{
		{"every form", map[string]string{"P__SECRET": " s,s ", "P__NAME": "n", "P__TOKEN__MINUTES": "5", "P__NETS": "a, b ,,c", "P__OLD": "s1, s2", "P__ON": "false", "P__LOOSE": "true"},
			config{Secret: " s,s ", Name: "n", Token: token{Minutes: 5}, Nets: []string{"a", "b", "c"}, Old: []setting.Secret{"s1", "s2"}, On: setting.Off, Loose: true}},
		{"empty is not set", map[string]string{"P__NAME": "", "P__TOKEN__MINUTES": "", "P__ON": "", "P__TYPO": ""}, config{Name: "file", Token: token{Hours: 2}}},
		{"over the file", map[string]string{"P__NAME": "n"}, config{Name: "n", Token: token{Hours: 2}}},
		{"exclusive with the file's key", map[string]string{"P__TOKEN__MINUTES": "5"}, config{Name: "file", Token: token{Minutes: 5}}},
		{"no unprefixed name", map[string]string{"SECRET_KEY": "foreign", "TOKEN__SECRET_KEY": "foreign", "NAME": "foreign", "P_NAME": "foreign"}, config{Name: "file", Token: token{Hours: 2}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, value := range tc.have {
				t.Setenv(name, value)
			}
			cfg, err := load(t, "P", "auth: {name: file, token: {hours: 2}}")
			require.NoError(t, err)
			if tc.name == "every form" {
				tc.expected.Token.Hours = 0
			}
			assert.Equal(t, tc.expected, cfg)
		})
	}
}

func TestVariableSetsWhatAFileLacks(t *testing.T) {
	t.Setenv("P__NAME", "n")
	cfg, err := load(t, "P", "auth: {name: \"${NONE}\"}")
	require.NoError(t, err)
	assert.Equal(t, "n", cfg.Name)
}

func TestVariableProblems(t *testing.T) {
	for _, tc := range []struct {
		name     string
		have     map[string]string
		expected string
	}{
		{"not whole", map[string]string{"P__TOKEN__MINUTES": "canary"}, "P__TOKEN__MINUTES must be a whole number from 0 to 1000000"},
		{"not a toggle", map[string]string{"P__ON": "1"}, "P__ON must be true or false"},
		{"not a bool", map[string]string{"P__LOOSE": "1"}, "P__LOOSE must be true or false"},
		{"unknown", map[string]string{"P__TOKEN__SECRET_KY": "canary"}, "unknown variable P__TOKEN__SECRET_KY; did you mean P__TOKEN__SECRET_KEY?"},
		{"unknown, none near", map[string]string{"P__COLOUR_OF_THE_DOOR": "canary"}, "unknown variable P__COLOUR_OF_THE_DOOR"},
		{"a section", map[string]string{"P__TOKEN": "canary"}, "unknown variable P__TOKEN"},
		{"a table", map[string]string{"P__ROLES": "canary"}, "unknown variable P__ROLES: auth.roles is set in files only"},
		{"below a table", map[string]string{"P__ROLES__ADMIN__MAY": "canary"}, "unknown variable P__ROLES__ADMIN__MAY: auth.roles is set in files only"},
		{"two for one value", map[string]string{"P__TOKEN__MINUTES": "5", "P__TOKEN__HOURS": "1"}, "P__TOKEN__HOURS and P__TOKEN__MINUTES set the same value; keep one of them"},
		{"all", map[string]string{"P__B": "1", "P__A": "2", "P__ON": "3"}, "P__ON must be true or false\nunknown variable P__A\nunknown variable P__B"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, value := range tc.have {
				t.Setenv(name, value)
			}
			_, err := load(t, "P")
			require.EqualError(t, err, tc.expected)
		})
	}
}
