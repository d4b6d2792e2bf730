package authztest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/authz/policy"
)

// What a table may be at most.
const (
	longestTable  = 1 << 20
	mostQuestions = 10_000
	mostFaults    = 100
	deepest       = 8
)

// readFiles reads the tables that match the patterns, each once, by name.
func readFiles(patterns []string) ([]*table, error) {
	names, errs := expand(patterns)
	var tables []*table
	for _, name := range names {
		data, err := readFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		read, err := readTable(filepath.ToSlash(name), data)
		tables, errs = append(tables, read), append(errs, err)
	}
	return tables, errors.Join(errs...)
}

func expand(patterns []string) (names []string, errs []error) {
	if len(patterns) == 0 {
		errs = append(errs, errors.New("no table is named; name some, such as testdata/*.authz.yaml"))
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err == nil && len(found) == 0 {
			err = os.ErrNotExist
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", pattern, err))
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), errs
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, longestTable+1)) // what is longer is refused as a table
	return data, errors.Join(err, file.Close())
}

// readTable returns the table, or everything that is wrong with it as a [policy.Fault] each. It never returns both.
func readTable(name string, data []byte) (*table, error) {
	r := reader{table: &table{name: name, principals: map[string]*principal{}, resources: map[string]*resource{}}}
	if root := r.root(data); root != nil {
		r.sections(root)
	}
	if len(r.faults) == 0 {
		r.unused()
	}
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return r.table, nil
}

// reader collects what is wrong, and goes on where it can.
type reader struct {
	table  *table
	faults []error
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.fault(n.Line, n.Column, fmt.Sprintf(format, args...))
}

func (r *reader) fault(line, column int, problem string) {
	switch {
	case len(r.faults) < mostFaults:
		r.faults = append(r.faults, &policy.Fault{Source: r.table.name, Line: line, Column: column, Problem: problem})
	case len(r.faults) == mostFaults:
		r.faults = append(r.faults, &policy.Fault{Source: r.table.name, Problem: "there are more faults than are shown"})
	}
}

// root returns the map that a table is, or nil after a fault.
func (r *reader) root(data []byte) *yaml.Node {
	if len(data) > longestTable {
		r.fault(0, 0, fmt.Sprintf("the table is longer than %d bytes; make several of it", longestTable))
		return nil
	}
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) && len(doc.Content) > 0 {
		r.fault(more.Line, more.Column, "a table is one document; make a file of each")
		return nil
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		r.fault(1, 1, "a table is a map: principals, resources, environment, cases, matrix")
		return nil
	}
	root := doc.Content[0]
	if n := foreign(root, 0); n != nil {
		r.wrong(n, "write the value itself; anchors, aliases, merges, tags of your own and deep nesting are not read here")
		return nil
	}
	return root
}

func (r *reader) syntax(err error) {
	problem, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := regexp.MustCompile(`line (\d+): `).FindStringSubmatch(problem); m != nil {
		line, _ = strconv.Atoi(m[1])
		problem = strings.Replace(problem, m[0], "", 1)
	}
	r.fault(line, 1, problem)
}

// foreign returns the first node that is more than a scalar, list or map a few levels deep.
func foreign(n *yaml.Node, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || depth > deepest || !strings.HasPrefix(n.ShortTag(), "!!") || n.ShortTag() == "!!merge" {
		return n
	}
	for _, child := range n.Content {
		if found := foreign(child, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// unused finds what is there for nothing, in the order in which it stands.
func (r *reader) unused() {
	var found []mark
	for _, p := range r.table.principals {
		found = append(found, p.mark)
	}
	for _, x := range r.table.resources {
		found = append(found, x.mark)
	}
	found = slices.DeleteFunc(found, func(m mark) bool { return m.used })
	slices.SortFunc(found, func(a, b mark) int { return cmp.Or(a.line-b.line, a.column-b.column) })
	for _, m := range found {
		r.fault(m.line, m.column, "no case uses the "+m.what+" "+show(m.name)+"; remove it or write a case")
	}
	if len(r.table.questions) == 0 {
		r.fault(1, 1, "the table has no cases")
	}
}
