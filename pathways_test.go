package authmodule_test

import (
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/transport"
)

// pathways are the sections of docs/pathways.md, each with the first cells of its rows.
func pathways(t *testing.T) map[string][]string {
	t.Helper()
	quoted, sections := regexp.MustCompile("`([^`]+)`"), map[string][]string{}
	var section string
	for line := range strings.Lines(document(t, "docs/pathways.md")) {
		if title, is := strings.CutPrefix(line, "## "); is {
			section = strings.TrimSpace(title)
		}
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
				sections[section] = append(sections[section], name[1])
			}
		}
	}
	return sections
}

// V6.1.3: every route that can answer with a session or a token is among the pathways, with its strength; and every other one that is open to
// everybody is listed as such. A new route cannot be forgotten.
func TestV613LoginPathwaysAreDocumented(t *testing.T) {
	t.Parallel()
	var gate *transport.Gate
	fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.AdminEmail, c.HTTP.Health = true, "root@example.com", true
		c.Account.MagicLink, c.Account.LoginCode, c.HTTP.Impersonation = true, true, true
	}, authmodule.UseNotifier(func() account.Notifier { return &mailbox{} }), fx.Populate(&gate))
	documented := pathways(t)
	opens, open := documented["What opens or renews a session"], documented["What is open and lets nobody in"]
	granting := pathsThat(t, "tokenReply", "granted", "RenewCookie")
	assert.Subset(t, slices.Sorted(maps.Keys(granting)), []string{"/login", "/login/continue", "/login/mfa", "/refresh"}, "the test sees what it looks for")
	var all []string
	for _, e := range gate.Endpoints() {
		name := e.Method + " " + gate.Prefix() + e.Path
		if e.Absolute {
			name = e.Method + " " + e.Path
		}
		all = append(all, name)
		switch {
		case granting[e.Path]:
			assert.Contains(t, opens, name, "docs/pathways.md: it can open a session")
		case e.Need == transport.NeedNothing && !slices.Contains(opens, name):
			assert.Contains(t, open, name, "docs/pathways.md: it is open to everybody")
		}
	}
	assert.Subset(t, all, append(opens, open...), "docs/pathways.md has routes that are not there")
}

// V6.1.3: so is every method by which a request is authenticated.
func TestV613MethodsAreDocumented(t *testing.T) {
	t.Parallel()
	var names []string
	eachNode(t, "transport", func(n ast.Node) {
		if literal, is := n.(*ast.CompositeLit); is && nameOfExpr(literal.Type) == "method" && len(literal.Elts) > 0 {
			if name, is := stringOf(literal.Elts[0]); is {
				names = append(names, name)
			}
		}
	})
	assert.ElementsMatch(t, names, pathways(t)["What authenticates a request"])
}

// pathsThat are the paths of routes whose handlers call one of the functions, themselves or by what they call.
func pathsThat(t *testing.T, call ...string) map[string]bool {
	t.Helper()
	calls := map[string][]string{}
	handlers := map[string][]string{}
	eachNode(t, "transport", func(n ast.Node) {
		switch n := n.(type) {
		case *ast.FuncDecl:
			calls[n.Name.Name] = append(calls[n.Name.Name], identifiers(n.Body)...)
		case *ast.CompositeLit:
			if path, handle := routeOf(n); path != "" {
				handlers[path] = append(handlers[path], identifiers(handle)...)
			}
		}
	})
	grants := map[string]bool{}
	for _, name := range call {
		grants[name] = true
	}
	for grown := true; grown; {
		grown = false
		for name, called := range calls {
			if !grants[name] && name != "own" && !strings.HasSuffix(name, "Endpoints") && slices.ContainsFunc(called, func(c string) bool { return grants[c] }) {
				grants[name], grown = true, true
			}
		}
	}
	paths := map[string]bool{}
	for path, called := range handlers {
		if slices.ContainsFunc(called, func(c string) bool { return grants[c] }) {
			paths[path] = true
		}
	}
	return paths
}

// routeOf returns the path and the handler of a literal of an endpoint.
func routeOf(literal *ast.CompositeLit) (path string, handle ast.Node) {
	for _, e := range literal.Elts {
		pair, is := e.(*ast.KeyValueExpr)
		if !is {
			continue
		}
		switch nameOfExpr(pair.Key) {
		case "Path":
			path, _ = stringOf(pair.Value)
		case "Handle":
			handle = pair.Value
		}
	}
	if handle == nil {
		return "", nil
	}
	return path, handle
}

func identifiers(n ast.Node) (names []string) {
	if body, is := n.(*ast.BlockStmt); n == nil || is && body == nil {
		return nil
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if id, is := n.(*ast.Ident); is {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

func nameOfExpr(e ast.Expr) string {
	if id, is := e.(*ast.Ident); is {
		return id.Name
	}
	return ""
}

func stringOf(e ast.Expr) (string, bool) {
	literal, is := e.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

// eachNode calls f for every node of a package.
func eachNode(t *testing.T, pkg string, f func(ast.Node)) {
	t.Helper()
	m, err := loadModule()
	require.NoError(t, err)
	for _, p := range m.Packages {
		for _, file := range p.Files {
			if p.Path == pkg && !file.Test {
				ast.Inspect(file.Syntax, func(n ast.Node) bool {
					if n != nil {
						f(n)
					}
					return true
				})
			}
		}
	}
}
