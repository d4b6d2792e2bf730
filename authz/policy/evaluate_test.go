package policy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

const ownArticles = `
@id("own") permit(principal in Role::"editor", action == Action::"articles.edit", resource is Article) when { resource.owner == principal };
@id("locked") forbid(principal, action == Action::"articles.edit", resource is Article) when { resource.status == "locked" };
@id("stale") forbid(principal, action == Action::"articles.delete", resource) unless { context.mfaAge < 300 };
`

// TestEvaluate has what is asked of every decision. V8.2.1, V8.2.2, POL-01.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	set := compile(t, ownArticles)
	for _, tc := range []struct {
		name     string
		change   func(*policy.Request)
		expected policy.Effect
		err      string
	}{
		{"own article", func(*policy.Request) {}, policy.Permit, ""},
		{"other's article", func(r *policy.Request) { r.Principal.ID = "u2" }, policy.None, ""},
		{"other role", func(r *policy.Request) { r.Principal.Roles = []string{"viewer"} }, policy.None, ""},
		{"role among many", func(r *policy.Request) {
			for i := range 100 {
				r.Principal.Roles = append([]string{fmt.Sprint("r", i)}, r.Principal.Roles...)
			}
		}, policy.Permit, ""},
		{"forbidden", func(r *policy.Request) { r.Resource.Attributes["status"] = "locked" }, policy.Forbid, ""},
		{"other action", func(r *policy.Request) { r.Action = "articles.read" }, policy.None, ""},
		{"action of the mfa rule", func(r *policy.Request) { r.Action = "articles.delete" }, policy.None, ""},
		{"no second factor", func(r *policy.Request) { r.Action, r.Context.MFAAge = "articles.delete", nil }, policy.Forbid, ""},
		{"action declared nowhere", func(r *policy.Request) { r.Action, r.Resource.Type = "some.thing", "Else" }, policy.None, ""},
		{"no owner", func(r *policy.Request) { delete(r.Resource.Attributes, "owner") }, policy.Error, "policy: resource.owner is missing"},
		{"nil owner", func(r *policy.Request) { r.Resource.Attributes["owner"] = nil }, policy.Error, "policy: resource.owner is missing"},
		{"empty owner", func(r *policy.Request) { r.Resource.Attributes["owner"] = "" }, policy.Error, "policy: resource.owner is the ID of a User, which has 1 to 1024 bytes"},
		{"owner of another type", func(r *policy.Request) { r.Resource.Attributes["owner"] = policy.Entity{Type: "Group", ID: "u1"} }, policy.Error, "policy: resource.owner is a Group, and declared as User"},
		{"owner that is a number", func(r *policy.Request) { r.Resource.Attributes["owner"] = 7 }, policy.Error, "policy: resource.owner is a int, and declared as User"},
		{"attribute that no policy reads", func(r *policy.Request) { r.Resource.Attributes["tags"] = make(chan int) }, policy.Permit, ""},
		{"no principal", func(r *policy.Request) { r.Principal.ID = "" }, policy.Error, "policy: the request has no principal"},
		{"no action", func(r *policy.Request) { r.Action = "articles" }, policy.Error, "policy: action articles is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them"},
		{"resource of another type", func(r *policy.Request) { r.Resource.Type = "Post" }, policy.Error, "policy: resource type Post is not declared for action articles.edit"},
		{"resource without a type", func(r *policy.Request) { r.Resource.Type = "" }, policy.Error, "policy: the resource has no type"},
		{"resource without an ID", func(r *policy.Request) { r.Resource.ID = "" }, policy.Error, "policy: the resource has no ID"},
		{"resource not named, and a forbid depends on it", func(r *policy.Request) { r.Resource = policy.Resource{} }, policy.Error, "policy: locked depends on the resource, and the request names none"},
		{"resource not named, and no forbid depends on it", func(r *policy.Request) { r.Resource, r.Action = policy.Resource{}, "articles.delete" }, policy.None, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := article("u1", "u1", "editor")
			tc.change(r)
			v := set.Evaluate(t.Context(), r)
			require.Equal(t, tc.expected.String(), v.Effect.String(), v.Err)
			if tc.err == "" {
				require.NoError(t, v.Err)
			} else {
				require.EqualError(t, v.Err, tc.err)
			}
		})
	}
}

// TestFailedEvaluationDenies: Cedar would leave the forbid out, and permit. POL-01.
func TestFailedEvaluationDenies(t *testing.T) {
	t.Parallel()
	set := compile(t, `
@id("any") permit(principal, action == Action::"articles.edit", resource);
@id("sum") forbid(principal, action == Action::"articles.edit", resource is Article) when { resource.level + 9223372036854775807 > 0 };`)
	r := article("u1", "u1")
	r.Resource.Attributes["level"] = 1
	v := set.Evaluate(t.Context(), r)
	require.Equal(t, policy.Error, v.Effect)
	require.Equal(t, []policy.Reason{{Policy: "sum", At: "p.cedar:3:12"}}, v.Reasons)
	require.ErrorContains(t, v.Err, "policy: sum at p.cedar:3:12: integer overflow")
	r.Resource.Attributes["level"] = -1
	v = set.Evaluate(t.Context(), r)
	require.Equal(t, policy.Forbid, v.Effect)
}

func TestZeroVerdictDenies(t *testing.T) {
	t.Parallel()
	require.Equal(t, policy.Error, policy.Verdict{}.Effect)
	require.Equal(t, "error none permit forbid forbid", fmt.Sprint(policy.Error, policy.None, policy.Permit, policy.Forbid, policy.Effect(9)))
}

func TestReasons(t *testing.T) {
	t.Parallel()
	set := compile(t, ownArticles+`@id("all") permit(principal in Role::"editor", action, resource);`)
	v := set.Evaluate(t.Context(), article("u1", "u1", "editor"))
	require.ElementsMatch(t, []policy.Reason{{Policy: "own", At: "p.cedar:2:12"}, {Policy: "all", At: "p.cedar:5:12"}}, v.Reasons)
}

func TestTouchesAndNeedsResource(t *testing.T) {
	t.Parallel()
	set := compile(t, ownArticles)
	for action, expected := range map[string][2]bool{
		"articles.edit": {true, true}, "articles.delete": {true, false}, "articles.read": {false, false}, "some.thing": {false, false},
	} {
		require.Equal(t, expected, [2]bool{set.Touches(action), set.NeedsResource(action)}, action)
	}
	everything := compile(t, `forbid(principal, action, resource is Article) when { resource.status == "x" };`)
	require.True(t, everything.Touches("some.thing"))
	require.True(t, everything.NeedsResource("some.thing"))
}

// TestForbidWithoutResource decides by what does not depend on the resource, if that is enough.
func TestForbidWithoutResource(t *testing.T) {
	t.Parallel()
	set := compile(t, `@id("f") forbid(principal in Role::"guest", action == Action::"articles.edit", resource is Article)
		when { context.mfaAge > 60 } when { resource.status == "locked" };
		permit(principal, action == Action::"articles.edit", resource);
		permit(principal, action == Action::"articles.edit", resource is Article) when { resource.owner == principal };`)
	r := article("u1", "u1", "guest")
	r.Resource = policy.Resource{}
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect, "the second factor is fresh")
	r.Context.MFAAge = nil
	require.Equal(t, policy.Error, set.Evaluate(t.Context(), r).Effect)
	r.Principal.Roles = nil
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect)
}

// TestPrincipalAsResource: a user may be what is acted on, and then has attributes of its own.
func TestPrincipalAsResource(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Resources["User"] = policy.ResourceType{Actions: []string{"users.edit"}, Attributes: map[string]string{"manager": "User"}}
	set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(`
		permit(principal, action == Action::"users.edit", resource) when { principal == resource };
		permit(principal, action == Action::"users.edit", resource) when { resource has manager && resource.manager == principal };`)})
	require.NoError(t, err)
	r := article("u1", "u1")
	r.Action, r.Resource = "users.edit", policy.Resource{Type: "User", ID: "u1"}
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect)
	r.Resource.ID = "u2"
	require.Equal(t, policy.None, set.Evaluate(t.Context(), r).Effect)
	r.Resource.Attributes = policy.Attributes{"manager": "u1"}
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect)
}

// TestContextFactors: what is not known about a request denies where a policy asks for it. V8.2.4.
func TestContextFactors(t *testing.T) {
	t.Parallel()
	for condition, change := range map[string]func(*policy.Context){
		`context.ip.isInRange(ip("10.0.0.0/8"))`:         func(c *policy.Context) { c.IP = netip.Addr{} },
		`context.method == "POST"`:                       func(c *policy.Context) { c.Method = "" },
		`context.route == "/articles/:id"`:               func(c *policy.Context) { c.Route = "" },
		`context.time > datetime("2020-01-01")`:          func(c *policy.Context) { c.Time = time.Time{} },
		`principal.tenant == context.tenant`:             nil,
		`principal.kind == "user"`:                       nil,
		`principal.id == "u1"`:                           nil,
		`principal.methods.contains("otp")`:              nil,
		`principal.scopes.isEmpty()`:                     nil,
		`principal.authTime < context.time`:              func(c *policy.Context) { c.Time = time.Time{} },
		`context.mfaAge == 60`:                           nil,
		`context has ip && context.ip == ip("10.1.2.3")`: func(c *policy.Context) { c.IP = netip.Addr{} },
	} {
		set := compile(t, `permit(principal, action, resource) when { `+condition+` };`)
		r := article("u1", "u1")
		v := set.Evaluate(t.Context(), r)
		require.NoError(t, v.Err)
		require.Equal(t, policy.Permit, v.Effect, condition)
		if change != nil {
			change(&r.Context)
			v = set.Evaluate(t.Context(), r)
			require.ErrorContains(t, v.Err, "is missing", condition)
		}
	}
}

func TestMappedAddress(t *testing.T) {
	t.Parallel()
	set := compile(t, `permit(principal, action, resource) when { context.ip.isInRange(ip("10.0.0.0/8")) };`)
	r := article("u1", "u1")
	r.Context.IP = netip.MustParseAddr("::ffff:10.1.2.3")
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect)
}

func TestNegativeAgeIsNone(t *testing.T) {
	t.Parallel()
	set := compile(t, `permit(principal, action, resource) when { context.mfaAge == 0 };`)
	r := article("u1", "u1")
	age := -time.Hour
	r.Context.MFAAge = &age
	require.Equal(t, policy.Permit, set.Evaluate(t.Context(), r).Effect)
}

func TestDoneContextDenies(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v := compile(t, ownArticles).Evaluate(ctx, article("u1", "u1", "editor"))
	require.Equal(t, policy.Error, v.Effect)
	require.ErrorIs(t, v.Err, context.Canceled)
}

func TestEmptySetDecidesNothing(t *testing.T) {
	t.Parallel()
	set, err := policy.Compile(policy.Vocabulary{}, policy.Limits{})
	require.NoError(t, err)
	require.False(t, set.Touches("articles.edit"))
	v := set.Evaluate(t.Context(), article("u1", "u1"))
	require.Equal(t, policy.Verdict{Effect: policy.None}, v)
}

// TestConcurrency has many goroutines ask one set. The race detector watches.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	set := compile(t, ownArticles)
	r := article("u1", "u1", "editor")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if v := set.Evaluate(context.Background(), r); v.Effect != policy.Permit {
					t.Error(v)
				}
				set.Explain(context.Background(), r)
			}
		})
	}
	all.Wait()
}

// TestUnrelatedPoliciesAreNotAsked: the cost of a decision does not depend on policies for other actions and types.
func TestUnrelatedPoliciesAreNotAsked(t *testing.T) {
	t.Parallel()
	_, text := unrelated(1000)
	few, many := benchSet(t, 0), benchSet(t, 1000)
	require.Equal(t, 1000, strings.Count(text, ";\n"))
	require.Len(t, many.Explain(t.Context(), benchRequest()).Policies, len(few.Explain(t.Context(), benchRequest()).Policies))
}

// TestWhatIsReadInAnyForm reads attributes and roles that no variable leads to.
func TestWhatIsReadInAnyForm(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Resources["Memo"] = policy.ResourceType{
		Attributes: map[string]string{"readers": "Set<Role>", "level": "Long", "folder": "Folder"}, Parents: []string{"Folder"}, Actions: []string{"memos.read"},
	}
	memo := func() *policy.Request {
		r := article("u1", "u1", "editor", "viewer")
		r.Action = "memos.read"
		r.Resource = policy.Resource{
			Type: "Memo", ID: "m1", Attributes: policy.Attributes{"readers": []string{"chief", "viewer"}, "level": 3, "folder": "f1"},
			Parents: []policy.Entity{{Type: "Folder", ID: "f1", Parents: []policy.Entity{{Type: "Folder", ID: "top"}}}},
		}
		return r
	}
	for condition, change := range map[string]func(*policy.Request){
		`principal in resource.readers`:                                             func(r *policy.Request) { r.Principal.Roles = []string{"editor"} },
		`(if context.mfaAge > 3 then resource else Memo::"m1").level == 3`:          func(r *policy.Request) { r.Resource.Attributes["level"] = 4 },
		`Memo::"m1".level == 3`:                                                     func(r *policy.Request) { r.Resource.Attributes["level"] = 4 },
		`User::"u1".methods.contains("otp")`:                                        func(r *policy.Request) { r.Principal.Methods = nil },
		`User::"u1" in Role::"viewer"`:                                              func(r *policy.Request) { r.Principal.Roles = nil },
		`resource.folder in Folder::"top"`:                                          func(r *policy.Request) { r.Resource.Attributes["folder"] = "f9" },
		`resource in [Folder::"top", Folder::"x"]`:                                  func(r *policy.Request) { r.Resource.Parents = nil },
		`[principal, User::"u9"].contains(User::"u1") && principal is User`:         func(r *policy.Request) { r.Principal.ID = "u2" },
		`{kind: principal.kind, level: resource.level} == {kind: "user", level: 3}`: func(r *policy.Request) { r.Principal.Kind = "service" },
	} {
		set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(
			`permit(principal, action == Action::"memos.read", resource) when { ` + condition + ` };`)})
		require.NoError(t, err, condition)
		r := memo()
		got := set.Evaluate(t.Context(), r)
		require.NoError(t, got.Err, condition)
		require.Equal(t, policy.Permit, got.Effect, condition)
		change(r)
		require.NotEqual(t, policy.Permit, set.Evaluate(t.Context(), r).Effect, condition)
	}
}

func TestVerdictAnd(t *testing.T) {
	t.Parallel()
	failure := errors.New("failed")
	of := func(e policy.Effect, name string) policy.Verdict {
		v := policy.Verdict{Effect: e, Reasons: []policy.Reason{{Policy: name}}}
		if e == policy.Error {
			v.Err = failure
		}
		return v
	}
	order := []policy.Effect{policy.None, policy.Permit, policy.Forbid, policy.Error}
	for i, less := range order {
		for _, more := range order[i:] {
			a, b := of(less, "a"), of(more, "b")
			for _, got := range []policy.Verdict{a.And(b), b.And(a)} {
				require.Equal(t, more, got.Effect)
				require.Equal(t, more == policy.Error, errors.Is(got.Err, failure))
				require.Len(t, got.Reasons, map[bool]int{true: 2, false: 1}[less == more])
			}
		}
	}
}

// TestCompilerForTenants compiles sets of several tenants at a time.
func TestCompilerForTenants(t *testing.T) {
	t.Parallel()
	c, err := policy.NewCompiler(articles(), policy.Limits{})
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			set, err := c.Compile(policy.Source{Name: fmt.Sprint("tenant", i), Text: []byte(ownArticles)})
			if err != nil || set.Evaluate(context.Background(), article("u1", "u1", "editor")).Effect != policy.Permit {
				t.Error(err)
			}
			if _, err := c.Compile(policy.Source{Name: "wrong", Text: []byte("permit(principal, action, resource) when { context.nothing };")}); err == nil {
				t.Error("a fault is missing")
			}
		})
	}
	all.Wait()
}
