package house

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/token"
	"path"
	"strings"
)

// shortestDoc is how many lines a package comment has at least.
const shortestDoc = 3

// PackageDocs finds packages without exactly one package comment of a few
// lines in its proper file: doc.go; main.go of a command; module.go of the
// root; in internal packages also the file named after the package. What users can import must show code in it.
type PackageDocs struct{}

// Check implements [Rule].
func (PackageDocs) Check(m *Module) []string {
	var found []string
	for _, p := range m.Packages {
		if problem := packageDoc(p); problem != "" {
			found = append(found, p.Path+" "+problem)
		}
	}
	return found
}

func packageDoc(p Package) string {
	var doc, file string
	code, count := false, 0
	for _, f := range p.Files {
		code = code || !f.Test
		if f.Test || f.Syntax.Doc == nil {
			continue
		}
		doc, file, count = f.Syntax.Doc.Text(), path.Base(f.Path), count+1
	}
	switch {
	case !code:
		return ""
	case count != 1:
		return fmt.Sprintf("has %d package comments, not one", count)
	case !Match(file, docFiles(p)...):
		return "has its package comment in " + file + ", not in " + docFiles(p)[0]
	case strings.Count(doc, "\n") < shortestDoc:
		return fmt.Sprintf("has a package comment of less than %d lines", shortestDoc)
	case !p.internal() && p.Name != "main" && !hasCode(doc):
		return "shows no code in its package comment"
	}
	return ""
}

func docFiles(p Package) []string {
	switch {
	case p.Path == ".":
		return []string{"module.go", "doc.go"}
	case p.Name == "main":
		return []string{"main.go", "doc.go"}
	case p.internal():
		return []string{"doc.go", p.Name + ".go"}
	default:
		return []string{"doc.go"}
	}
}

func (p Package) internal() bool {
	return p.Path == "internal" || strings.HasPrefix(p.Path, "internal/") || strings.Contains(p.Path, "/internal/")
}

func hasCode(doc string) bool {
	var parser comment.Parser
	for _, block := range parser.Parse(doc).Content {
		if _, ok := block.(*comment.Code); ok {
			return true
		}
	}
	return false
}

// ExportedDocs finds exported names without a comment that starts with the
// name: functions, types, methods of exported types, constants and variables
// (one comment may serve a group), and the fields of types named Config or …Config.
type ExportedDocs struct{}

// Check implements [Rule].
func (ExportedDocs) Check(m *Module) []string {
	var found []string
	m.eachFile([]string{"..."}, nil, func(_ Package, f File) {
		if f.Test {
			return
		}
		report := func(pos token.Pos, name string) {
			found = append(found, fmt.Sprintf("%s: %s has no comment that starts with its name", f.at(pos), name))
		}
		for _, decl := range f.Syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				checkFunc(d, report)
			case *ast.GenDecl:
				checkGroup(d, report)
			}
		}
	})
	return found
}

func checkFunc(d *ast.FuncDecl, report func(token.Pos, string)) {
	name := d.Name.Name
	if d.Recv != nil && len(d.Recv.List) == 1 {
		receiver := receiverName(d.Recv.List[0].Type)
		if !ast.IsExported(receiver) {
			return
		}
		name = receiver + "." + name
	}
	if d.Name.IsExported() && !startsWith(d.Doc, d.Name.Name) {
		report(d.Pos(), name)
	}
}

func receiverName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.IndexExpr:
		return receiverName(e.X)
	case *ast.IndexListExpr:
		return receiverName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func checkGroup(d *ast.GenDecl, report func(token.Pos, string)) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !startsWith(s.Doc, s.Name.Name) && (d.Lparen.IsValid() || !startsWith(d.Doc, s.Name.Name)) {
				report(s.Pos(), s.Name.Name)
			}
			checkFields(s, report)
		case *ast.ValueSpec:
			checkValue(d, s, report)
		}
	}
}

// checkValue accepts the comment of a group for each of its names that has none of its own.
func checkValue(d *ast.GenDecl, s *ast.ValueSpec, report func(token.Pos, string)) {
	name := s.Names[0].Name
	if !ast.IsExported(name) {
		return
	}
	switch {
	case s.Doc != nil && startsWith(s.Doc, name):
	case s.Doc == nil && d.Lparen.IsValid() && d.Doc != nil:
	case s.Doc == nil && startsWith(d.Doc, name):
	default:
		report(s.Pos(), name)
	}
}

func checkFields(s *ast.TypeSpec, report func(token.Pos, string)) {
	fields, ok := s.Type.(*ast.StructType)
	if !ok || !s.Name.IsExported() || !strings.HasSuffix(s.Name.Name, "Config") {
		return
	}
	for _, field := range fields.Fields.List {
		if len(field.Names) > 0 && field.Names[0].IsExported() && !startsWith(field.Doc, field.Names[0].Name) {
			report(field.Pos(), s.Name.Name+"."+field.Names[0].Name)
		}
	}
}

// startsWith reports whether the comment's first word is the name.
func startsWith(doc *ast.CommentGroup, name string) bool {
	rest, ok := strings.CutPrefix(doc.Text(), name)
	return ok && rest != "" && !isIdent(rune(rest[0]))
}

func isIdent(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
