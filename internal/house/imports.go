package house

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rule looks for breaches. A rule about packages that do not exist finds nothing.
type Rule interface {
	// Check returns one line for each breach, naming file or package.
	Check(m *Module) []string
}

// Allow names the packages of this module that those in In may import; any
// other package of this module is a breach. Tests are not looked at.
type Allow struct {
	In, Except []string
	// Own are patterns of packages of this module; none means no package at all.
	Own []string
}

// Check implements [Rule].
func (a Allow) Check(m *Module) []string {
	var found []string
	m.eachFile(a.In, a.Except, func(_ Package, f File) {
		for _, imported := range f.Imports {
			if own, ok := m.below(imported); ok && !f.Test && !Match(own, a.Own...) {
				found = append(found, fmt.Sprintf("%s imports %s", f.Path, own))
			}
		}
	})
	return found
}

// Deny names import paths that no file in In may import. Tests are not looked at.
type Deny struct {
	In, Except []string
	// ExceptFiles are names of files, such as module.go, that may.
	ExceptFiles []string
	// Imports are patterns of import paths.
	Imports []string
}

// Check implements [Rule].
func (d Deny) Check(m *Module) []string {
	var found []string
	m.eachFile(d.In, d.Except, func(_ Package, f File) {
		if f.Test || slices.Contains(d.ExceptFiles, path.Base(f.Path)) {
			return
		}
		for _, imported := range f.Imports {
			if Match(imported, d.Imports...) {
				found = append(found, fmt.Sprintf("%s imports %s", f.Path, imported))
			}
		}
	})
	return found
}

// Unlinked names import paths that must not be linked into the packages in
// In, through however many others.
type Unlinked struct {
	In, Except []string
	// Imports are patterns of import paths; a package in In that is one of them itself is no breach.
	Imports []string
	// Via are import paths whose own imports are excused.
	Via []string
}

// Check implements [Rule].
func (u Unlinked) Check(m *Module) []string {
	var found []string
	for _, p := range m.Packages {
		if !Match(p.Path, u.In...) || Match(p.Path, u.Except...) {
			continue
		}
		if chain := m.chain(m.importPath(p.Path), u.Imports, u.Via); chain != nil {
			found = append(found, fmt.Sprintf("%s links %s (%s)", p.Path, chain[len(chain)-1], strings.Join(chain, " -> ")))
		}
	}
	return found
}

// chain returns the shortest way from an import path to one that matches.
func (m *Module) chain(from string, patterns, via []string) []string {
	parent := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && Match(at, patterns...) {
			var chain []string
			for ; at != ""; at = parent[at] {
				chain = append(chain, at)
			}
			slices.Reverse(chain)
			return chain
		}
		for _, next := range m.Graph[at] {
			if _, seen := parent[next]; !seen && !Match(at, via...) {
				parent[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// eachFile calls f for each file of the packages chosen.
func (m *Module) eachFile(in, except []string, f func(Package, File)) {
	for _, p := range m.Packages {
		if !Match(p.Path, in...) || Match(p.Path, except...) {
			continue
		}
		for _, file := range p.Files {
			f(p, file)
		}
	}
}
