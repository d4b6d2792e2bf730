package policy_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/authmodule/authmodule/authz/policy"
)

// seeds are texts of which parts are taken to make others.
func seeds(f *testing.F) {
	for _, text := range []string{
		ownArticles, benchPolicies, edit + ";", "", "permit", "/*", `"`, "@id(\"x\")", edit + "when { principal has a.b.c };",
		edit + `when { if true then [1, {a: "b"}].contains({a: -1}) else "x" like "a\*b*" };`, edit + "when { resource.owner.tenant == principal.tenant };",
		edit + `unless { context.time.durationSince(principal.authTime) > duration("1h") };`, "permit(principal,action,resource)when{((((1))))};;",
		"policies:\n  - id: a\n    allow: articles.edit\n    when: resource.level > 3\n", "policies: [{id: a, deny: articles.edit, unless: {resource.status: [a, b]}}]",
	} {
		f.Add(text)
	}
}

// ask evaluates whatever was compiled. It must answer, within the price.
func ask(t *testing.T, set *policy.Set) {
	r := article("u1", "u1", "editor")
	for _, info := range set.Policies() {
		if info.Cost > 8000 || info.Line < 1 || info.Column < 1 {
			t.Fatalf("policy %+v", info)
		}
	}
	for _, action := range []string{"articles.edit", "posts.edit", "reports.read"} {
		r.Action = action
		for _, typ := range []string{"Article", "Post", ""} {
			if r.Resource.Type = typ; typ == "" {
				r.Resource = policy.Resource{}
			}
			v := set.Evaluate(context.Background(), r)
			if (v.Effect == policy.Error) != (v.Err != nil) {
				t.Fatalf("%+v", v)
			}
			set.Explain(context.Background(), r)
		}
		r.Resource = article("u1", "u1").Resource
	}
}

// FuzzCompile: no text makes a panic, faults lie inside the text, and what compiles is exported as what compiles again.
func FuzzCompile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p", Text: []byte(text)})
		for _, fault := range policy.Faults(err) {
			if fault.Line > len(text)+1 || fault.Problem == "" {
				t.Fatalf("fault %+v", fault)
			}
		}
		if err != nil {
			return
		}
		ask(t, set)
		if _, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p", Text: set.Cedar()}); err != nil {
			t.Fatalf("%v\n%s", err, set.Cedar())
		}
	})
}

// FuzzCompileYAML: no text makes a panic, and each item makes one policy at most, with its own ID.
func FuzzCompileYAML(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p", Text: []byte(text), Format: policy.YAML})
		if err != nil {
			return
		}
		ask(t, set)
		compile(t, string(set.Cedar()))
	})
}

// FuzzShortNames: no name in the short form becomes Cedar. What is compiled is one policy with these names, whatever they are.
func FuzzShortNames(f *testing.F) {
	f.Add("a", "editor", "x", "draft")
	f.Add(`") permit(principal, action, resource); @x("`, `r"`, "\n\\\"", `\"*`)
	f.Fuzz(func(t *testing.T, id, role, description, status string) {
		text, err := json.Marshal(map[string]any{"policies": []any{map[string]any{ // JSON is YAML, nearly
			"id": id, "allow": "articles.edit", "roles": []string{role}, "description": description, "when": map[string]any{"resource.status": []string{status}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		set, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p", Text: text, Format: policy.YAML})
		if err != nil {
			return
		}
		if all := set.Policies(); len(all) != 1 || all[0].Effect != policy.Permit || len(all[0].Actions) != 1 || !all[0].NeedsResource {
			t.Fatalf("%+v", all)
		}
		r := article("u1", "u1", "another "+role)
		r.Resource.Attributes["status"] = status
		if v := set.Evaluate(context.Background(), r); v.Effect != policy.None {
			t.Fatalf("%+v", v)
		}
	})
}

// FuzzValues: no value makes a panic, and none that does not fit is taken.
func FuzzValues(f *testing.F) {
	f.Add("status", []byte(`"x"`))
	f.Add("tags", []byte(`["x", 1, {"a": []}]`))
	f.Add("owner", []byte(`{"type": "User", "id": "u1"}`))
	f.Add("level", []byte(`1e300`))
	set := compile(f, `permit(principal, action == Action::"articles.edit", resource) when {
		resource.status == "x" && resource.tags.contains("x") && resource.level > 3 && resource.owner == principal };`)
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		var v any
		if json.Unmarshal(value, &v) != nil {
			return
		}
		r := article("u1", "u1")
		r.Resource.Attributes = policy.Attributes{"status": "x", "tags": []string{"x"}, "level": 4, "owner": "u1"}
		r.Resource.Attributes[name] = v
		got := set.Evaluate(context.Background(), r)
		if (got.Effect == policy.Error) != (got.Err != nil) {
			t.Fatalf("%+v", got)
		}
		if _, text := v.(string); name == "status" && !text && got.Effect != policy.Error {
			t.Fatalf("%v is a status", v)
		}
	})
}
