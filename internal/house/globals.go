package house

import (
	"fmt"
	"go/ast"
	"go/token"
)

// NoVarying refuses assignments to package variables and to their elements
// and fields, outside tests. What methods and other packages do to
// a variable it does not see.
type NoVarying struct {
	In, Except []string
}

// Check implements [Rule].
func (n NoVarying) Check(m *Module) []string {
	var found []string
	for _, p := range m.Packages {
		if !Match(p.Path, n.In...) || Match(p.Path, n.Except...) {
			continue
		}
		globals := packageVars(p)
		for _, f := range p.Files {
			if f.Test {
				continue
			}
			assigned(f, func(id *ast.Ident) {
				if spec, ok := globals[id.Name]; ok && (id.Obj == nil || id.Obj.Decl == spec) {
					found = append(found, fmt.Sprintf("%s changes %s", f.at(id.Pos()), id.Name))
				}
			})
		}
	}
	return found
}

// packageVars returns the declarations of a package's variables by name.
func packageVars(p Package) map[string]*ast.ValueSpec {
	vars := map[string]*ast.ValueSpec{}
	for _, f := range p.Files {
		for _, decl := range f.Syntax.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR || f.Test {
				continue
			}
			for _, spec := range group.Specs {
				if value, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range value.Names {
						if name.Name != "_" {
							vars[name.Name] = value
						}
					}
				}
			}
		}
	}
	return vars
}

// assigned calls visit for the variable at the root of each assignment, each step and each address taken.
func assigned(f File, visit func(*ast.Ident)) {
	at := func(expr ast.Expr) {
		if id := root(expr); id != nil {
			visit(id)
		}
	}
	ast.Inspect(f.Syntax, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if n.Tok != token.DEFINE {
					at(left)
				}
			}
		case *ast.IncDecStmt:
			at(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				at(n.X)
			}
		}
		return true
	})
}

func root(expr ast.Expr) *ast.Ident {
	switch e := expr.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	}
	return nil
}
