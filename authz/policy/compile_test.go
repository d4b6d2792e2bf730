package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

const edit = `permit(principal, action == Action::"articles.edit", resource) `

// TestFaults has what is refused when policies are loaded, with its place and its remedy. POL-01, V8.2.1.
func TestFaults(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Roles = []string{"editor", "viewer"}
	for _, tc := range []struct{ name, text, expected string }{
		{"action", `permit(principal, action == Action::"articles.edt", resource);`, "p:1:37: unknown action articles.edt; did you mean articles.edit?"},
		{"action in a list", `permit(principal, action in [Action::"articles.edit", Action::"articles.raed"], resource);`, "p:1:63: unknown action articles.raed; did you mean articles.read?"},
		{"action in a condition", edit + `when { action == Action::"nothing.at.all" };`, "p:1:89: unknown action nothing.at.all"},
		{"type in the scope", `permit(principal, action == Action::"articles.edit", resource is Artcle);`, "p:1:66: unknown type Artcle; did you mean Article?"},
		{"type in a condition", edit + `when { resource is Artcle || context.mfaAge < 3 };`, "p:1:83: unknown type Artcle; did you mean Article?"},
		{"role in the scope", `permit(principal in Role::"editr", action == Action::"articles.edit", resource);`, "p:1:27: unknown role editr; did you mean editor?"},
		{"role in a condition", edit + `unless { principal in [Role::"editor", Role::"vewer"] };`, "p:1:109: unknown role vewer; did you mean viewer?"},
		{"attribute of the resource", edit + `when { resource.ownr == principal };`, "p:1:80: unknown attribute ownr of resource; did you mean owner?"},
		{"attribute of the principal", edit + `when { principal.nam == "x" };`, "p:1:81: unknown attribute nam of principal"},
		{"attribute of the context", edit + "\nwhen { context.mfaAg < 3 };", "p:2:16: unknown attribute mfaAg of context; did you mean mfaAge?"},
		{"attribute after has, which the validator lets pass", edit + `when { principal has leve || context.mfaAge < 3 };`, "p:1:85: unknown attribute leve of principal; did you mean level?"},
		{"attribute of another type", `permit(principal, action == Action::"posts.read", resource is Post) when { resource has tags || context.mfaAge < 3 };`, "p:1:89: unknown attribute tags of resource"},
		{"attribute of what is no resource", edit + `when { resource.owner.tenant == "x" };`, "p:1:86: requests do not carry the attributes of this User, only those of the principal and of the resource; declare one of the resource instead"},
		{"has of what is no resource", edit + `when { resource.owner has level || resource.level > 1 };`, "p:1:90: requests do not carry the attributes of this User, only those of the principal and of the resource; declare one of the resource instead"},
		{"optional attribute", edit + `when { principal.level > 3 };`, "p:1:81: attribute level is optional; ask for it first: ... has level && ..."},
		{"types", edit + `when { resource.status == 1 };`, "p:1:71: the types Long and String are not compatible"},
		{"no condition", edit + `when { resource.status };`, "p:1:71: unexpected type: expected Bool but saw String"},
		{"second condition", edit + "when { resource.level > 1 }\nunless { resource.status > 1 };", "p:2:10: unexpected type: expected Long but saw String"},
		{"no address", edit + `when { context.ip == ip("1.2.3") };`, "p:1:71: error during extension function argument validation: failed to parse as IP address: `\"1.2.3\"`"},
		{"false", edit + `when { false };`, "p:1:71: this is never true, so the policy can never apply; remove it or put it right"},
		{"always excepted", edit + "when { resource.level > 1 }\nunless { true || resource.level > 2 };", "p:2:10: this is never true, so the policy can never apply; remove it or put it right"},
		{"false by type", edit + `when { resource is Post };`, "p:1:71: this is never true, so the policy can never apply; remove it or put it right"},
		{"two values", edit + `when { resource.status == "a" && resource.status == "b" };`, `p:1:69: the policy can never apply: resource.status is to be both "a" and "b"`},
		{"no range", edit + "when { resource.level > 5 }\nunless { resource.level >= 3 };", "p:2:8: the policy can never apply: no number resource.level is in all of the ranges asked for"},
		{"yes and no", edit + `when { principal in Role::"editor" && !(principal in Role::"editor") };`, `p:1:69: the policy can never apply: principal in Role::"editor" is to be true and false`},
		{"a value and not it", edit + `when { resource.level == 3 && 3 != resource.level };`, "p:1:69: the policy can never apply: resource.level is to be 3 and not to be it"},
		{"type without the action", `permit(principal, action == Action::"articles.edit", resource is Folder);`, "p:1:1: the policy can never apply: no action is declared for both its principal and its resource"},
		{"principal that is none", `permit(principal == Role::"editor", action == Action::"articles.edit", resource);`, "p:1:1: the policy can never apply: no action is declared for both its principal and its resource"},
		{"resource of no type", `permit(principal, action == Action::"reports.read", resource) when { !(resource in Folder::"x") };`, "p:1:1: the policy can never apply: it depends on the resource, and no type of resources is declared for its actions"},
		{"no actions", `permit(principal, action in [], resource);`, "p:1:1: the policy can never apply: its action scope stands for no action"},
		{"same ID", "@id(\"x\") " + edit + ";\n@id(\"x\") forbid(principal, action, resource);", "p:2:10: policy x: the @id is taken by the policy at p:1:10; give each its own"},
		{"same text", edit + ";\n@note(\"again\") permit ( principal,action==Action::\"articles.edit\",resource );", "p:2:16: the policy at p:1:1 says the same; remove one"},
		{"no word", `permt(principal, action, resource);`, "p:1:1: a policy begins with permit or forbid, not permt; did you mean permit?"},
		{"scope", `permit(principle, action, resource);`, "p:1:8: expected principal, found principle; did you mean principal?"},
		{"one =", edit + `when { resource.level = 3 };`, "p:1:86: Cedar has no sign '='; write =="},
		{"no value", edit + `when { contxt.ip == resource.status };`, "p:1:71: expected a value, found contxt; a condition is made of principal, action, resource, context, texts in \", numbers, true, false and Type::\"id\""},
		{"function", edit + `when { foo(3) };`, "p:1:71: `foo` is not a function"},
		{"no end", `permit(principal, action, resource)`, "p:1:35: the policy has no end; write ; after it"},
		{"text without an end", edit + `when { resource.status == "a };`, `p:1:90: the text has no end; write a " there`},
		{"brackets", edit + `when { (resource.level > 3 ]  };`, "p:1:91: this ] stands where a ) is due"},
		{"NUL", "permit(\x00);", "p:1:8: the text has a NUL byte; remove it"},
		{"no UTF-8", "permit(\n \xff);", "p:2:2: the text is not UTF-8"},
		{"is in of an expression", edit + `when { (if resource.level > 3 then principal else principal) is User in Role::"editor" };`, "p:1:128: is ... in stands after a name or an attribute alone; compare parts of the condition one by one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(tc.text)})
			require.Nil(t, set)
			require.EqualError(t, err, tc.expected)
			require.Len(t, policy.Faults(err), 1)
		})
	}
}

// TestAllFaultsAtOnce shows that one fault hides no other, in any source.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := policy.Compile(articles(), policy.Limits{},
		policy.Source{Name: "a", Text: []byte("permit(principal, actoin, resource);\n" + edit + ";\n" + edit + "when { resource.x == 1 };")},
		policy.Source{Name: "b", Text: []byte("permit(principal, action == Action::\"x.y\", resource);")})
	var places []string
	for _, f := range policy.Faults(err) {
		places = append(places, f.Source+":"+string(rune('0'+f.Line)))
	}
	require.Equal(t, []string{"a:1", "a:3", "b:1"}, places)
}

// TestFaultsAreFew keeps a hostile text from making an endless error.
func TestFaultsAreFew(t *testing.T) {
	t.Parallel()
	_, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "a", Text: []byte(strings.Repeat("x;\n", 5000))})
	require.Len(t, policy.Faults(err), 101)
	require.ErrorContains(t, err, "there are more faults than are shown")
}

func TestVocabularyFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		v        policy.Vocabulary
		expected string
	}{
		{"type", policy.Vocabulary{Resources: map[string]policy.ResourceType{"A": {Attributes: map[string]string{"x": "Strng"}}}}, "resource A: the attribute x: unknown type Strng; did you mean String?"},
		{"attribute of a principal", policy.Vocabulary{Attributes: map[string]string{"x": "Set<Nothing>"}}, "the attribute of principals x: unknown type Nothing"},
		{"built in", policy.Vocabulary{Attributes: map[string]string{"tenant": "String"}}, "the attribute of principals tenant is built in, or declared twice"},
		{"built in context", policy.Vocabulary{Context: map[string]string{"ip": "String"}}, "the attribute of requests ip is built in, or declared twice"},
		{"built in type", policy.Vocabulary{Resources: map[string]policy.ResourceType{"Role": {}}}, "resource Role: the type is declared twice, or built in"},
		{"name", policy.Vocabulary{Resources: map[string]policy.ResourceType{"a b": {}}}, "resource a b: a type is named by A-Z a-z 0-9 and _, and does not begin with a digit"},
		{"parent", policy.Vocabulary{Resources: map[string]policy.ResourceType{"Folder": {}, "A": {Parents: []string{"Foldr"}}}}, "resource A: unknown parent Foldr; did you mean Folder?"},
		{"action", policy.Vocabulary{Resources: map[string]policy.ResourceType{"A": {Actions: []string{"edit"}}}}, "resource A: action edit is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them"},
		{"permission", policy.Vocabulary{Permissions: []string{"a.*"}}, "permission a.* is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them"},
		{"schema", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte("entity A {\n x: };")}}}, "s:2:5: expected identifier, got \"}\""},
		{"schema twice", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte("entity A;")}, {Name: "t", Text: []byte("entity A;")}}}, "t: entity A is declared twice, or built in"},
		{"built in entity", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte("entity None;")}}}, "s: entity None is declared twice, or built in"},
		{"principal", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`entity A; action "a.b" appliesTo { principal: A, resource: A };`)}}}, "action a.b: its principal is User"},
		{"action in a schema", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`entity A; action "view" appliesTo { principal: User, resource: A };`)}}}, "action view is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them"},
		{"namespace", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`namespace N { action "a.b"; }`)}}}, "s: actions stand in no namespace; move those of N out of it"},
		{"tags", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`entity A tags String;`)}}}, "s: entity A: requests carry no tags; declare an attribute"},
		{"nesting", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte("entity A { x: " + strings.Repeat("Set< /*>*/", 1_000_000/10))}}}, "s:1:248: brackets stand inside each other more than 24 deep"},
		{"unresolved", policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`entity A in B;`)}}}, "the declarations do not fit together: entity \"A\": undefined entity type \"B\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Compile(tc.v, policy.Limits{})
			require.EqualError(t, err, tc.expected)
		})
	}
}

// TestSchema merges Cedar's schema language with Go values.
func TestSchema(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Schema = append(v.Schema, policy.Source{Name: "more.cedarschema", Text: []byte(`
		type Where = { country: String, city?: String };
		entity User { where: Where };
		namespace Shop { entity Order { buyer: User, total: decimal }; }
		action "orders.pay" appliesTo { principal: User, resource: Shop::Order, context: { device: String } };
	`)})
	set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(`
		permit(principal, action == Action::"orders.pay", resource is Shop::Order)
		when { resource.buyer == principal && resource.total.lessThan(decimal("100.0")) }
		when { principal has where && principal.where.country == "NZ" }
		unless { context has device && context.device == "kiosk" };`)})
	require.NoError(t, err)
	r := article("u1", "u1")
	r.Action = "orders.pay"
	r.Principal.Attributes["where"] = map[string]any{"country": "NZ"}
	r.Resource = policy.Resource{Type: "Shop::Order", ID: "o1", Attributes: policy.Attributes{"buyer": policy.Entity{Type: "User", ID: "u1"}, "total": "99.5"}}
	verdict := set.Evaluate(t.Context(), r)
	require.NoError(t, verdict.Err)
	require.Equal(t, policy.Permit, verdict.Effect)
	r.Context.Attributes = policy.Attributes{"device": "kiosk"}
	require.Equal(t, policy.None, set.Evaluate(t.Context(), r).Effect)
	require.Contains(t, string(set.Schema()), "entity User in Role")
}

// TestExport shows that what is exported is read back. V8.1.1, V8.1.3, V8.1.4.
func TestExport(t *testing.T) {
	t.Parallel()
	set := compile(t, "@id(\"one\")\n@note(\"a b\")\n"+edit+"when { resource.owner == principal };\nforbid(principal, action, resource) unless { context.mfaAge < 60 };")
	again := compile(t, string(set.Cedar()))
	require.Len(t, again.Policies(), 2)
	require.Equal(t, set.Policies()[0].Cedar, again.Policies()[0].Cedar)
	require.Equal(t, "one", again.Policies()[0].ID)
	written, err := set.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(written), `"one":{"annotations":{"id":"one","note":"a b"},"effect":"permit"`)
	info := set.Policies()[0]
	require.Equal(t, []string{"articles.edit"}, info.Actions)
	require.True(t, info.NeedsResource)
	require.Equal(t, "p.cedar:3:1", info.At())
	require.Nil(t, set.Policies()[1].Actions)
	info.Annotations["note"] = "changed"
	require.Equal(t, "a b", set.Policies()[0].Annotations["note"])
}

func TestFormatOf(t *testing.T) {
	t.Parallel()
	for name, expected := range map[string]policy.Format{"a/b.cedar": policy.Cedar, "x.YAML": policy.YAML, "x.yml": policy.YAML} {
		got, ok := policy.FormatOf(name)
		require.True(t, ok)
		require.Equal(t, expected, got, name)
	}
	_, ok := policy.FormatOf("x.json")
	require.False(t, ok)
}
