package layer

import (
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errReference = errors.New("holds a ${ that begins no variable; write ${NAME}, ${NAME:-default}, or $${ for the characters ${ themselves")

// reference is a variable at the start of a text, with the default after its name.
var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^{}]*))?\}`)

// expand replaces ${NAME} and ${NAME:-default} in s, and $${ by ${. A variable that is empty counts as not set. It
// returns the names that are not set and have no default. What a variable holds is not expanded again.
func expand(s string, lookup func(string) (string, bool)) (string, []string, error) {
	var b strings.Builder
	var unset []string
	for s != "" {
		switch {
		case strings.HasPrefix(s, "$${"):
			b.WriteString("${")
			s = s[3:]
		case strings.HasPrefix(s, "${"):
			m := reference.FindStringSubmatch(s)
			if m == nil {
				return "", nil, errReference
			}
			s = s[len(m[0]):]
			value, _ := lookup(m[1])
			if value == "" {
				value = m[3]
				if m[2] == "" {
					unset = append(unset, m[1])
				}
			}
			b.WriteString(value)
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String(), unset, nil
}

// expanded returns a scalar's text after expansion, and an error for each variable that it lacks.
func (r *reading) expanded(n *yaml.Node, key string) (string, []error, error) {
	value, names, err := expand(n.Value, r.Lookup)
	var unset []error
	for _, name := range names {
		unset = append(unset, r.errorf(n, "%s: ${%s} is not set; export it, or write ${%s:-default}", key, name, name))
	}
	return value, unset, err
}
