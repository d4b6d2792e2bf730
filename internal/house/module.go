package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is what the rules look at: the packages of one module with their
// files, and who imports whom among everything that they link.
type Module struct {
	// Path is the module's import path.
	Path string
	// Dir is the module's folder; empty for a [Fake].
	Dir string
	// Packages are the module's own packages by ascending path.
	Packages []Package
	// Graph has the direct imports of each package that is linked, without those of tests.
	Graph map[string][]string
}

// Package is one package of the module.
type Package struct {
	// Path is the path below the module, "." for the root.
	Path string
	// Name is the name in its package clauses.
	Name string
	// Files are its files and those of its tests, whatever they are built for.
	Files []File
}

// File is one parsed Go file.
type File struct {
	// Path is the file's path below the module.
	Path string
	// Test says that only tests are built with it.
	Test bool
	// Imports are the import paths.
	Imports []string
	// Source is the text.
	Source []byte
	// Syntax is the parsed text, comments included; its positions are in Fset.
	Syntax *ast.File
	Fset   *token.FileSet
}

// Fake returns a module made of sources: its keys are file paths below the
// module. A path that begins with a host name, such as
// example.com/other/other.go, is a file of another module and only adds to the graph.
func Fake(modulePath string, sources map[string]string) (*Module, error) {
	m := &Module{Path: modulePath, Graph: map[string][]string{}}
	byPath := map[string]*Package{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		f, err := Parse(name, []byte(sources[name]))
		if err != nil {
			return nil, err
		}
		dir := path.Dir(name)
		if strings.Contains(strings.Split(dir, "/")[0], ".") && dir != "." {
			m.Graph[dir] = append(m.Graph[dir], f.Imports...)
			continue
		}
		if byPath[dir] == nil {
			byPath[dir] = &Package{Path: dir, Name: strings.TrimSuffix(f.Syntax.Name.Name, "_test")}
		}
		byPath[dir].Files = append(byPath[dir].Files, f)
		if !f.Test {
			m.Graph[m.importPath(dir)] = append(m.Graph[m.importPath(dir)], f.Imports...)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(byPath)) {
		m.Packages = append(m.Packages, *byPath[dir])
	}
	return m, nil
}

// Parse parses one Go file; name is its path below the module.
func Parse(name string, source []byte) (File, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, source, parser.ParseComments)
	if err != nil {
		return File{}, err
	}
	f := File{Path: name, Test: strings.HasSuffix(name, "_test.go"), Source: source, Syntax: syntax, Fset: fset}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return File{}, err
		}
		f.Imports = append(f.Imports, imported)
	}
	return f, nil
}

// Match reports whether name matches one of the patterns; the package
// comment says what a pattern is.
func Match(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "..." {
			return true
		}
		if base, ok := strings.CutSuffix(pattern, "/..."); ok {
			return name == base || strings.HasPrefix(name, base+"/")
		}
		matched, err := path.Match(pattern, name)
		return err == nil && matched
	})
}

// importPath turns a path below the module into an import path.
func (m *Module) importPath(below string) string {
	if below == "." {
		return m.Path
	}
	return m.Path + "/" + below
}

// below turns an import path of this module into a path below it.
func (m *Module) below(importPath string) (string, bool) {
	if importPath == m.Path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.Path+"/")
}
