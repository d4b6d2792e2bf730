package policy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

// answer is that of a condition: it holds, does not, or cannot be told.
type answer uint8

const (
	no answer = iota
	yes
	failed
)

func sure(b bool) answer {
	if b {
		return yes
	}
	return no
}

// formula is a condition with its meaning, written without Cedar.
type formula struct {
	text     string
	resource bool
	ask      func(*policy.Request) answer
}

// said is a policy with its meaning.
type said struct {
	text     string
	permit   bool
	actions  []string // nil is all
	who      func(*policy.Request) bool
	typ      string
	what     func(*policy.Request) bool
	about    bool // its scope is about the resource
	formulas []formula
	negated  []bool
}

type chance struct{ *rand.Rand }

func (c chance) of(list ...string) string { return list[c.IntN(len(list))] }

var actionTypes = map[string]string{
	"articles.edit": "Article", "articles.read": "Article", "articles.delete": "Article",
	"posts.read": "Post", "posts.edit": "Post", "reports.read": "", "users.list": "",
}

func attribute[T any](a policy.Attributes, name string, then func(T) answer) answer {
	v, ok := a[name].(T)
	if !ok {
		return failed
	}
	return then(v)
}

func within(parents []policy.Entity, id string) bool {
	return slices.ContainsFunc(parents, func(p policy.Entity) bool { return p.Type == "Folder" && p.ID == id || within(p.Parents, id) })
}

// atom is a condition that is not made of others.
func (c chance) atom() formula {
	n, word := c.IntN(6), c.of("news", "sport", "law")
	role, user, folder := c.of("editor", "manager", "guest"), c.of("u1", "u2"), c.of("f1", "f2", "top")
	all := []formula{
		{"resource.owner == principal", true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "owner", func(s string) answer { return sure(s == r.Principal.ID) })
		}},
		{fmt.Sprintf("resource.status == %q", word), true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "status", func(s string) answer { return sure(s == word) })
		}},
		{fmt.Sprintf("resource.level > %d", n), true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "level", func(l int) answer { return sure(l > n) })
		}},
		{"resource.level * 4611686018427387904 >= 0", true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "level", func(l int) answer {
				if l > 1 {
					return failed // it overflows
				}
				return yes
			})
		}},
		{fmt.Sprintf("resource has department && resource.department == %q", word), true, func(r *policy.Request) answer {
			return sure(r.Resource.Attributes["department"] == word)
		}},
		{fmt.Sprintf("resource.tags.contains(%q)", word), true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "tags", func(t []string) answer { return sure(slices.Contains(t, word)) })
		}},
		{fmt.Sprintf("resource in Folder::%q", folder), true, func(r *policy.Request) answer { return sure(within(r.Resource.Parents, folder)) }},
		{fmt.Sprintf("resource.status like \"%s*\"", word[:2]), true, func(r *policy.Request) answer {
			return attribute(r.Resource.Attributes, "status", func(s string) answer { return sure(strings.HasPrefix(s, word[:2])) })
		}},
		{fmt.Sprintf("principal has department && principal.department == %q", word), false, func(r *policy.Request) answer {
			return sure(r.Principal.Attributes["department"] == word)
		}},
		{fmt.Sprintf("principal has level && principal.level < %d", n), false, func(r *policy.Request) answer {
			l, ok := r.Principal.Attributes["level"].(int)
			return sure(ok && l < n)
		}},
		{fmt.Sprintf("context.mfaAge < %d", n*60), false, func(r *policy.Request) answer {
			return sure(r.Context.MFAAge != nil && *r.Context.MFAAge < time.Duration(n)*time.Minute)
		}},
		{fmt.Sprintf("principal in Role::%q", role), false, func(r *policy.Request) answer { return sure(slices.Contains(r.Principal.Roles, role)) }},
		{fmt.Sprintf("principal == User::%q", user), false, func(r *policy.Request) answer { return sure(r.Principal.ID == user) }},
		{fmt.Sprintf("principal.methods.contains(%q)", "otp"), false, func(r *policy.Request) answer { return sure(slices.Contains(r.Principal.Methods, "otp")) }},
		{"context.ip.isInRange(ip(\"10.0.0.0/8\"))", false, func(r *policy.Request) answer {
			if !r.Context.IP.IsValid() {
				return failed
			}
			return sure(netip.MustParsePrefix("10.0.0.0/8").Contains(r.Context.IP))
		}},
	}
	f := all[c.IntN(len(all))]
	f.text = "(" + f.text + ")"
	return f
}

// formula is a condition of a few atoms.
func (c chance) formula(depth int) formula {
	if depth == 0 || c.IntN(2) == 0 {
		return c.atom()
	}
	a, b := c.formula(depth-1), c.formula(depth-1)
	either := a.resource || b.resource
	switch c.IntN(4) {
	case 0:
		return formula{"(" + a.text + " && " + b.text + ")", either, func(r *policy.Request) answer {
			if first := a.ask(r); first != yes {
				return first
			}
			return b.ask(r)
		}}
	case 1:
		return formula{"(" + a.text + " || " + b.text + ")", either, func(r *policy.Request) answer {
			if first := a.ask(r); first != no {
				return first
			}
			return b.ask(r)
		}}
	case 2:
		return formula{"!" + a.text, a.resource, func(r *policy.Request) answer {
			return [...]answer{no: yes, yes: no, failed: failed}[a.ask(r)]
		}}
	}
	other := c.atom()
	return formula{"(if " + a.text + " then " + b.text + " else " + other.text + ")", either || other.resource, func(r *policy.Request) answer {
		switch a.ask(r) {
		case yes:
			return b.ask(r)
		case no:
			return other.ask(r)
		}
		return failed
	}}
}

func (c chance) policy() said {
	s := said{permit: c.IntN(3) > 0, who: func(*policy.Request) bool { return true }, what: func(*policy.Request) bool { return true }}
	effect, who, action, what := "forbid", "principal", "action", "resource"
	if s.permit {
		effect = "permit"
	}
	role, user := c.of("editor", "manager", "guest"), c.of("u1", "u2", "u3")
	hasRole := func(r *policy.Request) bool { return slices.Contains(r.Principal.Roles, role) }
	switch c.IntN(6) {
	case 0, 1:
		who, s.who = fmt.Sprintf("principal in Role::%q", role), hasRole
	case 2:
		who, s.who = fmt.Sprintf("principal == User::%q", user), func(r *policy.Request) bool { return r.Principal.ID == user }
	case 3:
		who, s.who = fmt.Sprintf("principal is User in Role::%q", role), hasRole
	}
	switch one, two := c.of("articles.edit", "articles.read", "posts.read", "reports.read"), c.of("articles.delete", "posts.edit", "users.list"); c.IntN(6) {
	case 0, 1, 2:
		action, s.actions = fmt.Sprintf("action == Action::%q", one), []string{one}
	case 3:
		action, s.actions = fmt.Sprintf("action in [Action::%q, Action::%q]", one, two), []string{one, two}
	case 4:
		action, s.actions = `action in Action::"posts.all"`, []string{"posts.read", "posts.edit"}
	}
	typ, id, folder := c.of("Article", "Post"), c.of("a1", "a2"), c.of("f1", "f2", "top")
	in := func(r *policy.Request) bool { return within(r.Resource.Parents, folder) }
	isType := func(r *policy.Request) bool { return r.Resource.Type == typ }
	s.about = true
	switch c.IntN(6) {
	case 0, 1:
		what, s.what, s.typ = "resource is "+typ, isType, typ
	case 2:
		what, s.what, s.typ = fmt.Sprintf("resource == %s::%q", typ, id), func(r *policy.Request) bool { return isType(r) && r.Resource.ID == id }, typ
	case 3:
		what, s.what = fmt.Sprintf("resource in Folder::%q", folder), in
	case 4:
		what, s.what, s.typ = fmt.Sprintf("resource is %s in Folder::%q", typ, folder), func(r *policy.Request) bool { return isType(r) && in(r) }, typ
	default:
		s.about = false
	}
	s.text = fmt.Sprintf("%s(%s, %s, %s)", effect, who, action, what)
	for range c.IntN(4) {
		f, not := c.formula(2), c.IntN(3) == 0
		s.formulas, s.negated = append(s.formulas, f), append(s.negated, not)
		s.text += map[bool]string{false: "\nwhen { ", true: "\nunless { "}[not] + f.text + " }"
	}
	s.text += ";"
	return s
}

func (s said) depends() bool {
	return s.about || slices.ContainsFunc(s.formulas, func(f formula) bool { return f.resource })
}

// ask is what one policy says. Without a resource, what depends on it is left out.
func (s said) ask(r *policy.Request) answer {
	none := r.Resource.Type == ""
	if s.actions != nil && !slices.Contains(s.actions, r.Action) || !s.who(r) || !none && !s.what(r) {
		return no
	}
	for i, f := range s.formulas {
		if none && f.resource {
			continue
		}
		switch holds := f.ask(r); {
		case holds == failed:
			return failed
		case (holds == yes) == s.negated[i]:
			return no
		}
	}
	return yes
}

// decide is what all say, one by one, without any index.
func decide(all []said, r *policy.Request) policy.Effect {
	about := func(s said) bool {
		typ := actionTypes[r.Action]
		if s.actions != nil && s.permit && (s.depends() && typ == "" || s.typ != "" && s.typ != typ) {
			return false // it can never apply to this action
		}
		return s.actions == nil || slices.Contains(s.actions, r.Action)
	}
	if r.Resource.Type != "" && actionTypes[r.Action] != r.Resource.Type {
		if slices.ContainsFunc(all, about) {
			return policy.Error
		}
		return policy.None
	}
	effect := policy.None
	for _, s := range all {
		if r.Resource.Type == "" && s.permit && s.depends() {
			continue
		}
		switch s.ask(r) {
		case failed:
			return policy.Error
		case yes:
			switch {
			case !s.permit && r.Resource.Type == "" && s.depends() && effect != policy.Forbid:
				effect = policy.Error
			case !s.permit && (r.Resource.Type != "" || !s.depends()):
				effect = policy.Forbid
			case s.permit && effect == policy.None:
				effect = policy.Permit
			}
		}
	}
	return effect
}

func (c chance) request() (r *policy.Request, whole bool) {
	r = article(c.of("u1", "u2", "u3"), c.of("u1", "u2", "u3"))
	for _, role := range []string{"editor", "manager", "guest", "other"} {
		if c.IntN(3) == 0 {
			r.Principal.Roles = append(r.Principal.Roles, role)
		}
	}
	r.Action = c.of("articles.edit", "articles.edit", "articles.read", "articles.delete", "posts.read", "posts.edit", "reports.read", "users.list")
	r.Resource.Type, r.Resource.ID = actionTypes[r.Action], c.of("a1", "a2", "a3")
	r.Resource.Parents = [][]policy.Entity{
		nil, {{Type: "Folder", ID: "f1"}}, {{Type: "Folder", ID: "f2", Parents: []policy.Entity{{Type: "Folder", ID: "top"}}}, {Type: "Folder", ID: "f1"}},
	}[c.IntN(3)]
	a := policy.Attributes{
		"owner": c.of("u1", "u2"), "level": c.IntN(6), "status": c.of("news", "sport", "law", "neutral"), "tags": [][]string{{}, {"news"}, {"law", "sport"}}[c.IntN(3)],
	}
	if r.Resource.Type == "Article" && c.IntN(2) == 0 {
		a["department"] = c.of("news", "sport", "law")
	}
	r.Resource.Attributes = a
	r.Principal.Attributes = policy.Attributes{}
	if c.IntN(2) == 0 {
		r.Principal.Attributes["department"] = c.of("news", "sport", "law")
	}
	if c.IntN(2) == 0 {
		r.Principal.Attributes["level"] = c.IntN(6)
	}
	if c.IntN(2) == 0 {
		r.Context.IP = netip.MustParseAddr("192.0.2.1")
	}
	age := time.Duration(c.IntN(6)) * time.Minute
	if r.Context.MFAAge = &age; c.IntN(4) == 0 {
		r.Context.MFAAge = nil
	}
	whole = true
	switch c.IntN(12) {
	case 0:
		delete(a, c.of("owner", "level", "status", "tags"))
		whole = false
	case 1:
		a[c.of("owner", "level", "status")] = []byte("what")
		whole = false
	case 2:
		r.Context.IP = netip.Addr{}
		whole = false
	case 3, 4:
		r.Resource.Type = ""
	case 5:
		delete(a, "department")
		r.Resource.Type = c.of("Article", "Post", "Folder")
	}
	if r.Resource.Type == "" {
		r.Resource = policy.Resource{}
	}
	return r, whole
}

// TestReference has two references answer random requests: one that knows no Cedar and no index, and cedar-go itself over all
// policies, of which each error counts as a denial.
func TestReference(t *testing.T) {
	t.Parallel()
	sets, asked := 400, 250
	if testing.Short() {
		sets = 40
	}
	c := chance{rand.New(rand.NewPCG(20261126, 5))}
	pool := c.pool(t, 600)
	count := map[policy.Effect]int{}
	for n := range sets {
		var all []said
		var text strings.Builder
		for _, i := range c.Perm(len(pool))[:1+c.IntN(12)] {
			all = append(all, pool[i])
			text.WriteString(pool[i].text + "\n")
		}
		set := compile(t, text.String())
		bare, err := cedar.NewPolicySetFromBytes("p.cedar", []byte(text.String()))
		require.NoError(t, err)
		for range asked {
			r, whole := c.request()
			got := set.Evaluate(context.Background(), r)
			want := decide(all, r)
			count[want]++
			if whole || want == policy.Error {
				require.Equal(t, want, got.Effect, "set %d: %v\n%s\n%+v", n, got.Err, text.String(), r)
			} else { // what is missing denies, even where a policy would not have got to it
				require.Contains(t, []policy.Effect{want, policy.Error}, got.Effect, "set %d: %v\n%s\n%+v", n, got.Err, text.String(), r)
			}
			if whole && r.Resource.Type != "" && actionTypes[r.Action] == r.Resource.Type {
				require.Equal(t, bareAnswer(bare, r), got.Effect, "cedar: %v\n%s\n%+v", got.Err, text.String(), r)
			}
			require.Equal(t, got.Effect == policy.Error, got.Err != nil)
		}
	}
	for _, e := range []policy.Effect{policy.Error, policy.None, policy.Permit, policy.Forbid} {
		assert.Greater(t, count[e], sets*asked/50, "too few of %s to mean something", e)
	}
}

// pool makes policies that compile, each with its own text.
func (c chance) pool(t *testing.T, n int) []said {
	seen := map[string]bool{}
	var pool []said
	for tried := 0; len(pool) < n; tried++ {
		require.Less(t, tried, 50*n)
		s := c.policy()
		_, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.cedar", Text: []byte(s.text)})
		if err == nil && !seen[s.text] {
			seen[s.text] = true
			pool = append(pool, s)
		}
	}
	return pool
}

func bareAnswer(set *cedar.PolicySet, r *policy.Request) policy.Effect {
	entities, question := bareRequest(r)
	var add func(parents []policy.Entity)
	add = func(parents []policy.Entity) {
		for _, p := range parents {
			uid := cedar.NewEntityUID(cedar.EntityType(p.Type), cedar.String(p.ID))
			var up []cedar.EntityUID
			for _, q := range p.Parents {
				up = append(up, cedar.NewEntityUID(cedar.EntityType(q.Type), cedar.String(q.ID)))
			}
			entities[uid] = cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(up...)}
			add(p.Parents)
		}
	}
	add(r.Resource.Parents)
	if strings.HasPrefix(r.Action, "posts.") {
		entities[question.Action] = cedar.Entity{UID: question.Action, Parents: cedar.NewEntityUIDSet(cedar.NewEntityUID("Action", "posts.all"))}
	}
	decision, diagnostic := cedar.Authorize(set, entities, question)
	switch {
	case len(diagnostic.Errors) > 0:
		return policy.Error
	case decision == cedar.Allow:
		return policy.Permit
	case len(diagnostic.Reasons) > 0:
		return policy.Forbid
	}
	return policy.None
}
