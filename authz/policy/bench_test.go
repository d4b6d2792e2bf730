package policy_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

// benchPolicies are ten about one action, as an application has them.
const benchPolicies = `
@id("own") permit(principal in Role::"editor", action == Action::"articles.edit", resource is Article) when { resource.owner == principal };
@id("department") permit(principal in Role::"manager", action == Action::"articles.edit", resource is Article)
when { principal has department && resource has department && principal.department == resource.department };
@id("locked") forbid(principal, action == Action::"articles.edit", resource is Article) when { resource.status == "locked" };
@id("network") forbid(principal, action, resource) unless { context.ip.isInRange(ip("10.0.0.0/8")) };
@id("mfa") forbid(principal, action == Action::"articles.delete", resource) when { context.mfaAge > 300 };
`

// unrelated are n policies about other actions.
func unrelated(n int) (actions []string, text string) {
	var b strings.Builder
	for i := range n {
		action := fmt.Sprintf("things%d.use", i)
		actions = append(actions, action)
		fmt.Fprintf(&b, "permit(principal in Role::\"r%d\", action == Action::%q, resource) when { principal has level && principal.level > %d };\n", i, action, i)
	}
	return actions, b.String()
}

func benchSet(tb testing.TB, more int) *policy.Set {
	v := articles()
	actions, text := unrelated(more)
	v.Permissions = append(v.Permissions, actions...)
	s, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p.cedar", Text: []byte(benchPolicies + text)})
	require.NoError(tb, err)
	return s
}

func benchRequest() *policy.Request {
	age := time.Minute
	return &policy.Request{
		Principal: policy.Principal{
			ID: "u1", Kind: "user", Roles: []string{"editor", "viewer"}, Methods: []string{"pwd", "otp"},
			AuthTime: time.Unix(1_700_000_000, 0), Attributes: policy.Attributes{"department": "news", "level": 4},
		},
		Action: "articles.edit",
		Resource: policy.Resource{Type: "Article", ID: "a1", Attributes: policy.Attributes{
			"owner": "u1", "status": "draft", "tags": []string{"a", "b"}, "department": "news", "level": 2,
		}, Parents: []policy.Entity{{Type: "Folder", ID: "f1"}}},
		Context: policy.Context{IP: netip.MustParseAddr("10.1.2.3"), Method: "POST", Route: "/articles/:id", Time: time.Unix(1_700_000_100, 0), MFAAge: &age},
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, more := range []int{0, 1000} {
		set, request := benchSet(b, more), benchRequest()
		b.Run(fmt.Sprintf("unrelated=%d", more), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := set.Evaluate(context.Background(), request); v.Effect != policy.Permit {
					b.Fatal(v)
				}
			}
		})
	}
}

// BenchmarkBareCedar is cedar-go alone with the same policies, and entities that are built for each request.
func BenchmarkBareCedar(b *testing.B) {
	for _, more := range []int{0, 1000} {
		_, text := unrelated(more)
		set, err := cedar.NewPolicySetFromBytes("p.cedar", []byte(benchPolicies+text))
		require.NoError(b, err)
		request := benchRequest()
		b.Run(fmt.Sprintf("unrelated=%d", more), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				entities, question := bareRequest(request)
				if decision, _ := cedar.Authorize(set, entities, question); decision != cedar.Allow {
					b.Fatal("denied")
				}
			}
		})
	}
}

// bareRequest builds what cedar-go needs of a request, all of it.
func bareRequest(r *policy.Request) (cedar.EntityMap, cedar.Request) {
	principal := cedar.NewEntityUID("User", cedar.String(r.Principal.ID))
	resource := cedar.NewEntityUID(cedar.EntityType(r.Resource.Type), cedar.String(r.Resource.ID))
	var roles, parents []cedar.EntityUID
	for _, role := range r.Principal.Roles {
		roles = append(roles, cedar.NewEntityUID("Role", cedar.String(role)))
	}
	for _, p := range r.Resource.Parents {
		parents = append(parents, cedar.NewEntityUID(cedar.EntityType(p.Type), cedar.String(p.ID)))
	}
	strings := func(all []string) cedar.Set {
		var values []cedar.Value
		for _, s := range all {
			values = append(values, cedar.String(s))
		}
		return cedar.NewSet(values...)
	}
	person := cedar.RecordMap{
		"id": cedar.String(r.Principal.ID), "tenant": cedar.String(r.Principal.Tenant), "kind": cedar.String(r.Principal.Kind),
		"scopes": strings(r.Principal.Scopes), "methods": strings(r.Principal.Methods), "authTime": cedar.NewDatetime(r.Principal.AuthTime),
	}
	about := cedar.RecordMap{}
	for name, v := range r.Principal.Attributes {
		person[cedar.String(name)] = bareValue(name, v)
	}
	for name, v := range r.Resource.Attributes {
		about[cedar.String(name)] = bareValue(name, v)
	}
	age := cedar.Long(policy.NeverMFA)
	if r.Context.MFAAge != nil {
		age = cedar.Long(*r.Context.MFAAge / time.Second)
	}
	context := cedar.RecordMap{
		"method": cedar.String(r.Context.Method), "route": cedar.String(r.Context.Route), "tenant": cedar.String(r.Context.Tenant),
		"time": cedar.NewDatetime(r.Context.Time), "mfaAge": age,
	}
	if ip := r.Context.IP; ip.IsValid() {
		context["ip"] = cedar.IPAddr(netip.PrefixFrom(ip, ip.BitLen()))
	}
	return cedar.EntityMap{
			principal: {UID: principal, Parents: cedar.NewEntityUIDSet(roles...), Attributes: cedar.NewRecord(person)},
			resource:  {UID: resource, Parents: cedar.NewEntityUIDSet(parents...), Attributes: cedar.NewRecord(about)},
		}, cedar.Request{
			Principal: principal, Action: cedar.NewEntityUID("Action", cedar.String(r.Action)), Resource: resource, Context: cedar.NewRecord(context),
		}
}

func bareValue(name string, v any) cedar.Value {
	switch v := v.(type) {
	case int:
		return cedar.Long(v)
	case bool:
		return cedar.Boolean(v)
	case []string:
		var values []cedar.Value
		for _, s := range v {
			values = append(values, cedar.String(s))
		}
		return cedar.NewSet(values...)
	case string:
		if name == "owner" {
			return cedar.NewEntityUID("User", cedar.String(v))
		}
		return cedar.String(v)
	}
	return nil
}

// BenchmarkCompile loads policies with as many actions.
func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		v := articles()
		actions, text := unrelated(n)
		v.Permissions = append(v.Permissions, actions...)
		b.Run(fmt.Sprintf("policies=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := policy.Compile(v, policy.Limits{SourceBytes: 1 << 24}, policy.Source{Name: "p", Text: []byte(text)})
				require.NoError(b, err)
			}
		})
	}
}
