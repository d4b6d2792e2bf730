package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// NoCall names functions of other packages, such as time.Sleep, that must not
// be called. Naming one without calling it, as in a field that is set to
// time.Now, is no breach.
type NoCall struct {
	In, Except []string
	// Funcs are the functions, each as "import/path.Name".
	Funcs []string
	// Tests looks at the tests' files alone, instead of all the others.
	Tests bool
	// Bubbles excuses calls inside the function given to synctest.Test, where time is not real.
	Bubbles bool
	// Files are paths of files that may call, each with the reason.
	Files map[string]string
}

// Check implements [Rule].
func (n NoCall) Check(m *Module) []string {
	var found []string
	m.eachFile(n.In, n.Except, func(_ Package, f File) {
		if _, excused := n.Files[f.Path]; f.Test != n.Tests || excused {
			return
		}
		inspectCalls(f, func(call *ast.CallExpr, name string, bubble bool) {
			for _, banned := range n.Funcs {
				if name == banned && (!bubble || !n.Bubbles) {
					found = append(found, fmt.Sprintf("%s calls %s", f.at(call.Pos()), name))
				}
			}
		})
	})
	return found
}

// NoInit refuses init functions outside tests.
type NoInit struct {
	In, Except []string
}

// Check implements [Rule].
func (n NoInit) Check(m *Module) []string {
	var found []string
	m.eachFile(n.In, n.Except, func(_ Package, f File) {
		for _, decl := range f.Syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && !f.Test && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, fmt.Sprintf("%s has an init function", f.at(fn.Pos())))
			}
		}
	})
	return found
}

// inspectCalls calls visit for each call of another package's function, with
// its name as "import/path.Name" and whether it stands in a synctest bubble.
func inspectCalls(f File, visit func(call *ast.CallExpr, name string, bubble bool)) {
	imports := importNames(f)
	var bubbleEnd token.Pos
	ast.Inspect(f.Syntax, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := calledName(call, imports)
		if name == "testing/synctest.Test" && call.End() > bubbleEnd {
			bubbleEnd = call.End()
		}
		if name != "" {
			visit(call, name, call.Pos() < bubbleEnd)
		}
		return true
	})
}

// calledName returns "import/path.Name" of a called function, or nothing for
// calls of methods and of the file's own functions. A name that was imported with a dot counts.
func calledName(call *ast.CallExpr, imports map[string]string) string {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.SelectorExpr:
		if pkg, ok := fun.X.(*ast.Ident); ok && imports[pkg.Name] != "" {
			return imports[pkg.Name] + "." + fun.Sel.Name
		}
	case *ast.Ident:
		if dotted := imports["."]; dotted != "" && ast.IsExported(fun.Name) {
			return dotted + "." + fun.Name
		}
	}
	return ""
}

// importNames maps the names that a file gives its imports to their paths.
func importNames(f File) map[string]string {
	names := make(map[string]string, len(f.Syntax.Imports))
	for _, spec := range f.Syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(imported)
		if major, ok := strings.CutPrefix(name, "v"); ok && isNumber(major) {
			name = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// at returns "path:line" of a position.
func (f File) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", f.Path, f.Fset.Position(pos).Line)
}
