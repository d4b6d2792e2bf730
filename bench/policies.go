package bench

import (
	"errors"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	bareCedar       = "bare cedar-go"
	casbinABAC      = "casbin v3, ABAC"
	opaMaps         = "OPA"
	opaParsed       = "OPA, input made beforehand"
	celPlain        = "CEL"
	celBounded      = "CEL, with cost limit and interrupts"
	oursAmong       = ours + ", 1,000 more policies"
	bareAmong       = bareCedar + ", 1,000 more policies"
	unrelatedNumber = 1000
)

// policiesCase is goal P12.
func policiesCase() pair.Case {
	return pair.Case{
		Name: "policy decision",
		What: "An editor may edit the articles of the own department unless they are locked: whether one of 64 may is decided, without HTTP, from the same two things, of three and four attributes, which are turned into what each library asks for in each operation. Ours is Authorize with its roles, limits, and errors that deny; casbin has a role and a matcher, on fields as they are. More policies are about other actions.",
		Open: func() (*pair.Bench, error) {
			var sides []pair.Side
			var errs []error
			for _, s := range []struct {
				name string
				open func() (editDecider, error)
			}{
				{ours, func() (editDecider, error) { return cedarService(0) }},
				{bareCedar, func() (editDecider, error) { return cedarAlone(0) }},
				{oursAmong, func() (editDecider, error) { return cedarService(unrelatedNumber) }},
				{bareAmong, func() (editDecider, error) { return cedarAlone(unrelatedNumber) }},
				{casbinABAC, casbinEdits}, {opaMaps, opaEdits}, {opaParsed, opaEditsParsed}, {celPlain, celEdits}, {celBounded, celEditsBounded},
			} {
				decide, err := s.open()
				sides, errs = append(sides, editSide(s.name, decide)), append(errs, err)
			}
			return &pair.Bench{Sides: sides, Claims: policiesClaims()}, errors.Join(errs...)
		},
	}
}

func policiesClaims() []pair.Claim {
	ratio := func(over, under string) func(pair.Round) float64 { return pair.Ratio(pair.CPU(), over, under) }
	return []pair.Claim{
		{Goal: "P12", Text: ours + " ÷ " + bareCedar, Figure: ratio(ours, bareCedar), Bound: pair.AtMost(1.3)},
		{Goal: "P12", Text: oursAmong + " ÷ without", Figure: ratio(oursAmong, ours), Bound: pair.AtMost(1.5)},
		{Text: bareAmong + " ÷ without", Figure: ratio(bareAmong, bareCedar)},
		{Goal: "P12", Text: casbinABAC + " ÷ " + ours, Figure: ratio(casbinABAC, ours), Bound: pair.AtLeast(3.5)},
		{Goal: "P12", Text: opaMaps + " ÷ " + ours, Figure: ratio(opaMaps, ours), Bound: pair.AtLeast(15)},
		{Text: opaParsed + " ÷ " + ours, Figure: ratio(opaParsed, ours)},
		{Text: celPlain + " ÷ " + ours, Figure: ratio(celPlain, ours)},
		{Text: celBounded + " ÷ " + ours, Figure: ratio(celBounded, ours)},
	}
}

// author and article are what an application knows, of which the rule looks at a part.
type author struct {
	ID, Department, Title string
	Level                 int
	Roles                 []string
}

type article struct {
	ID, Department, Status, Owner string
	Words                         int
}

// edit is one question.
type edit struct {
	who     *author
	what    *article
	allowed bool
}

// editDecider says whether the author may edit the article.
type editDecider func(*edit) (bool, error)

const (
	editAction = "articles.edit"
	editorRole = "editor"
	locked     = "locked"
	edits      = 64
)

// goodEdits are questions of as many authors that are answered with yes.
func goodEdits() []*edit {
	list := make([]*edit, edits)
	for i := range list {
		department := fmt.Sprintf("department%d", i%8)
		list[i] = &edit{
			who:     &author{ID: fmt.Sprintf("author%d", i), Department: department, Title: "redactor", Level: i % 5, Roles: []string{editorRole}},
			what:    &article{ID: fmt.Sprintf("article%d", i), Department: department, Status: "draft", Owner: "author7", Words: 1200},
			allowed: true,
		}
	}
	return list
}

// badEdits are answered with no, each for another reason.
func badEdits() []*edit {
	good := goodEdits()[0]
	reader, elsewhere := *good.who, *good.what
	reader.ID, reader.Roles = "visitor", []string{"reader"}
	elsewhere.Department = "elsewhere"
	closed := *good.what
	closed.Status = locked
	return []*edit{{who: &reader, what: good.what}, {who: good.who, what: &elsewhere}, {who: good.who, what: &closed}}
}

// authors are all that questions are about.
func authors() map[string]*author {
	all := map[string]*author{}
	for _, e := range append(goodEdits(), badEdits()...) {
		all[e.who.ID] = e.who
	}
	return all
}

// editSide asks the good questions; it is checked with all of them.
func editSide(name string, decide editDecider) pair.Side {
	ask := func(e *edit) error { return expect(e.allowed)(decide(e)) }
	return pair.Side{Name: name, Do: each(goodEdits(), ask), Check: func() error {
		var errs []error
		for _, e := range append(goodEdits(), badEdits()...) {
			errs = append(errs, ask(e))
		}
		return errors.Join(errs...)
	}}
}

// cedarPolicies are the rule, and n more about other actions.
func cedarPolicies(n int) string {
	var b strings.Builder
	b.WriteString(`permit(principal in Role::"editor", action == Action::"articles.edit", resource is Article)
when { principal has department && principal.department == resource.department };
forbid(principal, action == Action::"articles.edit", resource is Article) when { resource.status == "locked" };
`)
	for i := range n {
		fmt.Fprintf(&b, "permit(principal in Role::\"editor\", action == Action::%q, resource is Article) when { resource.status == \"status%d\" };\n", unrelatedAction(i), i)
	}
	return b.String()
}

func unrelatedAction(i int) string { return fmt.Sprintf("articles.task%d", i) }
