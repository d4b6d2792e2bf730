package house

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the module in dir: the packages that "go list ./..." names, and
// the graph of all that they link on this system.
func Load(ctx context.Context, dir string) (*Module, error) {
	listed, err := list(ctx, dir)
	if err != nil {
		return nil, err
	}
	m := &Module{Dir: dir, Graph: make(map[string][]string, len(listed))}
	for _, l := range listed {
		m.Graph[l.ImportPath] = l.Imports
		if !l.DepOnly && l.Module != nil {
			m.Path = l.Module.Path
		}
	}
	for _, l := range listed {
		if l.DepOnly {
			continue
		}
		p, err := m.read(dir, l)
		if err != nil {
			return nil, err
		}
		m.Packages = append(m.Packages, p)
	}
	slices.SortFunc(m.Packages, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
	return m, nil
}

// listing is what "go list" tells of a package.
type listing struct {
	ImportPath, Name, Dir string
	DepOnly               bool
	Module                *struct{ Path string }
	Imports               []string

	GoFiles, CgoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
}

const listFields = "-json=ImportPath,Name,Dir,DepOnly,Module,Imports,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles"

func list(ctx context.Context, dir string) ([]listing, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", listFields, "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("house: go list: %w: %s", err, stderr.Bytes())
	}
	var listed []listing
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listing
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return listed, nil
		} else if err != nil {
			return nil, fmt.Errorf("house: go list: %w", err)
		}
		listed = append(listed, l)
	}
}

// read parses the files of one listed package.
func (m *Module) read(dir string, l listing) (Package, error) {
	below, ok := m.below(l.ImportPath)
	if !ok {
		return Package{}, fmt.Errorf("house: %s is not in module %s", l.ImportPath, m.Path)
	}
	p := Package{Path: below, Name: l.Name}
	names := slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles, l.TestGoFiles, l.XTestGoFiles)
	slices.Sort(names)
	for _, name := range names {
		rel := path.Join(below, name)
		source, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(rel)))
		if err != nil {
			return Package{}, fmt.Errorf("house: %w", err)
		}
		f, err := Parse(rel, source)
		if err != nil {
			return Package{}, fmt.Errorf("house: %w", err)
		}
		p.Files = append(p.Files, f)
	}
	return p, nil
}
