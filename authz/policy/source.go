package policy

import (
	"path"
	"strings"
)

// Format is the language of a [Source].
type Format uint8

// The formats. The zero value is Cedar.
const (
	Cedar Format = iota
	YAML
)

// Source is a text of policies or, in [Vocabulary].Schema, of declarations.
type Source struct {
	// Name is where the text comes from, as faults and reasons show it before line and
	// column: a file's path, "auth.rbac.policies.inline[0]", "store: editors".
	Name string
	// Text is at most [Limits].SourceBytes long.
	Text []byte
	// Format is the language of Text. Schemas are always Cedar's.
	Format Format
}

// FormatOf returns the format that the ending of a file's name stands for, and
// whether it is one of .cedar, .yaml and .yml.
func FormatOf(name string) (Format, bool) {
	switch strings.ToLower(path.Ext(name)) {
	case ".cedar":
		return Cedar, true
	case ".yaml", ".yml":
		return YAML, true
	}
	return Cedar, false
}
