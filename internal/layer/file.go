package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileSize bounds a file, in bytes.
const maxFileSize = 1 << 20

// file reads one file as one layer.
func (l *loader) file(name string) {
	top, err := readFile(name)
	if err != nil {
		l.add(fmt.Errorf("%s: %w", name, err))
		return
	}
	if top == nil {
		l.absent(name, "")
		return
	}
	r := &reading{loader: l, file: name, lines: map[string]int{}}
	r.top(top)
	l.settle(
		func(key string) bool { return r.lines[key] != 0 },
		func(a, b string) error {
			return fmt.Errorf("%s: lines %d and %d: %s and %s set the same value; keep one of them", name, r.lines[a], r.lines[b], a, b)
		})
}

// readFile returns the top node of the only document in a file, or nil when it holds nothing.
func readFile(name string) (*yaml.Node, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(data) > maxFileSize {
		return nil, errors.New("is larger than 1 MiB")
	}
	return parse(data)
}

func unreadable(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

func parse(data []byte) (*yaml.Node, error) {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err, data)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("line %d: a second document begins; one file holds one document", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err, data)
	}
	return doc.Content[0], nil
}

// syntaxError rewrites what the YAML parser says, because it quotes from the file.
func syntaxError(err error, data []byte) error {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(reason); m != nil {
		line := 1
		if before, _, ok := bytes.Cut(data, []byte("*"+m[1])); ok {
			line += bytes.Count(before, []byte("\n"))
		}
		return fmt.Errorf("line %d: %s", line, noAlias)
	}
	if strings.ContainsAny(reason, "`\"") {
		return errors.New("is not well-formed YAML")
	}
	if strings.HasSuffix(reason, "cannot start any token") && tabbed.Match(data) {
		reason += "; indent with spaces, not with tabs"
	}
	if !strings.HasPrefix(reason, "line ") {
		reason = "line 1: " + reason
	}
	return errors.New(reason)
}

// tabbed finds a line that is indented with a tab, which YAML does not allow.
var tabbed = regexp.MustCompile(`(?m)^ *\t`)

const noAlias = "anchors (&name) and aliases (*name) are not supported; quote a value that begins with & or *"
