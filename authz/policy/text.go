package policy

import (
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// quote writes a text in Cedar, so that nothing in it can end it.
func quote(s string) string { return string(types.String(s).MarshalCedar()) }

// unquote reads a text that the scanner has found.
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return strings.Trim(s, `"`)
	}
	var p cedar.Policy
	if err := p.UnmarshalCedar([]byte("@x(" + s + ")permit(principal,action,resource);")); err != nil {
		return ""
	}
	return string(p.Annotations()["x"])
}

// expression writes a node in Cedar.
func expression(n ast.IsNode) string {
	whole := ast.Permit().When(ast.NewNode(n))
	written := string(cedar.NewPolicyFromAST((*publicast.Policy)(whole)).MarshalCedar())
	_, body, _ := strings.Cut(written, "when {")
	body = strings.TrimSpace(body)
	return strings.TrimSpace(strings.TrimSuffix(body, "};"))
}

// sayings is what a policy says, however it is written.
func sayings(p *ast.Policy) string {
	return string(cedar.NewPolicyFromAST((*publicast.Policy)(p)).MarshalCedar())
}

// withoutValues cuts the values out of an error of Cedar's evaluation: they may be secrets.
func withoutValues(message string) string {
	what, _, _ := strings.Cut(message, " while attempting")
	return what
}
