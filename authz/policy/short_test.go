package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

func compileShort(text string) (*policy.Set, error) {
	return policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.yaml", Text: []byte(text), Format: policy.YAML})
}

func TestShortForm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, expected string }{
		{"everything", `policies:
  - id: editors-edit-own
    description: An editor edits "own" articles
    allow: [articles.edit, articles.read]
    roles: [editor, chief]
    resource: Article
    when: resource.owner == principal && context.mfaAge < 300
    unless: {resource.status: locked}
`, `@id("editors-edit-own")
@description("An editor edits \"own\" articles")
permit (
  principal,
  action in [Action::"articles.edit", Action::"articles.read"],
  resource is Article
)
when { principal in [Role::"editor", Role::"chief"] }
when {
resource.owner == principal && context.mfaAge < 300
}
unless {
resource.status == "locked"
};`},
		{"one of each", `policies: [{id: a, deny: reports.read, roles: guest}]`, `@id("a")
forbid (
  principal in Role::"guest",
  action == Action::"reports.read",
  resource
);`},
		{"comparisons", `policies:
  - id: a
    allow: articles.edit
    when:
      resource.status: [draft, 'in "review"']
      resource.level: 3
      resource.owner: principal
      principal.department: resource.department
      principal.kind: "user"
      context.route: "resource.status"
`, `@id("a")
permit (
  principal,
  action == Action::"articles.edit",
  resource
)
when {
["draft", "in \"review\""].contains(resource.status) &&
resource.level == 3 &&
resource.owner == principal &&
principal has department && resource has department && principal.department == resource.department &&
principal.kind == "user" &&
context.route == "resource.status"
};`},
		{"names that would be Cedar", "policies:\n  - {id: 'a\") permit(principal, action, resource); @x(\"', allow: articles.edit, roles: ['r\"'], description: \"\\n\\\"\"}", `@id("a\") permit(principal, action, resource); @x(\"")
@description("\n\"")
permit (
  principal in Role::"r\"",
  action == Action::"articles.edit",
  resource
);`},
		{"comment at the end", "policies:\n  - id: a\n    allow: articles.edit\n    when: \"resource.level > 3 // }; permit(principal, action, resource);\"", `@id("a")
permit (
  principal,
  action == Action::"articles.edit",
  resource
)
when {
resource.level > 3 // }; permit(principal, action, resource);
};`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, err := compileShort(tc.text)
			require.NoError(t, err)
			require.Len(t, set.Policies(), 1)
			require.Equal(t, tc.expected, set.Policies()[0].Cedar)
			compile(t, string(set.Cedar()))
		})
	}
}

func TestShortFormFaults(t *testing.T) {
	t.Parallel()
	const head = "policies:\n  - id: a\n    allow: articles.edit\n    "
	for _, tc := range []struct{ name, text, expected string }{
		{"key", "policies:\n  - id: a\n    alow: x", "p.yaml:3:5: policy a: unknown key alow; did you mean allow?"},
		{"root key", "policy:\n  - id: a", "p.yaml:1:1: unknown key policy"},
		{"no list", "policies:\n  id: a", `p.yaml:2:3: policies is a list; begin each policy with "- id:"`},
		{"no map", "policies:\n  - a", "p.yaml:2:5: a policy is a map: id, allow or deny, roles, resource, when, unless"},
		{"no ID", "policies:\n  - allow: articles.edit", "p.yaml:2:5: the policy has no id; give it one"},
		{"no effect", "policies:\n  - id: a", "p.yaml:2:5: policy a: the policy says neither allow nor deny; name the actions after one of them"},
		{"both effects", head + "deny: articles.edit", "p.yaml:4:11: policy a: a policy says either allow or deny; make two of it"},
		{"twice", head + "roles: a\n    roles: b", "p.yaml:5:5: policy a: roles is there twice"},
		{"no names", head + "roles: []", "p.yaml:4:12: policy a: roles names nothing; leave it out or name some"},
		{"pattern", "policies:\n  - id: a\n    allow: [articles.*]", "p.yaml:3:13: policy a: a policy names its actions; patterns such as articles.* are for roles"},
		{"alias", head + "roles: &r [a]", "p.yaml:4:12: policy a: write the value itself; aliases, anchors, tags of your own and deep nesting are not read here"},
		{"type", head + "resource: Artcle", "p.yaml:4:15: policy a: unknown type Artcle; did you mean Article?"},
		{"type with more", head + "resource: 'Article) when { true };'", `p.yaml:4:15: policy a: resource is the name of a type, not Article) when { true };`},
		{"action", "policies:\n  - id: a\n    allow:\n      - articles.edit\n      - articles.raed", "p.yaml:5:9: policy a: unknown action articles.raed; did you mean articles.read?"},
		{"attribute", head + "when: resource.levl > 3", "p.yaml:4:20: policy a: unknown attribute levl of resource; did you mean level?"},
		{"attribute in quotes", head + "when: \"resource.levl > 3\"", "p.yaml:4:21: policy a: unknown attribute levl of resource; did you mean level?"},
		{"attribute in a block", head + "when: |\n      context.mfaAge > 3 &&\n        resource.levl > 3", "p.yaml:6:18: policy a: unknown attribute levl of resource; did you mean level?"},
		{"attribute in a folded block", head + "when: >\n      context.mfaAge > 3 &&\n      resource.levl > 3", "p.yaml:4:11: policy a: unknown attribute levl of resource; did you mean level?"},
		{"attribute in a map", head + "when: {resource.levl: 3}", "p.yaml:4:12: policy a: unknown attribute levl of resource; did you mean level?"},
		{"types in a map", head + "when: {resource.level: x}", "p.yaml:4:12: policy a: the types Long and String are not compatible"},
		{"fraction", head + "when: {resource.level: 3.5}", "p.yaml:4:28: policy a: an attribute is compared with a text, a whole number, true, false, another attribute, or a list of them"},
		{"no attribute", head + "when: {level: 3}", "p.yaml:4:12: policy a: expected an attribute such as resource.status, each once; write other conditions as text"},
		{"empty condition", head + "when: ''", "p.yaml:4:11: policy a: the condition is empty; leave it out"},
		{"list as a condition", head + "when: [a]", "p.yaml:4:11: policy a: a condition is a Cedar expression, or a map of attributes and their values"},
		{"another policy", head + "when: 'true }; permit(principal, action, resource) when { true'", "p.yaml:4:17: policy a: this } closes nothing; remove it"},
		{"another condition", head + "when: 'true } when { true'", "p.yaml:4:17: policy a: this } closes nothing; remove it"},
		{"a semicolon", head + "when: 'true; true'", "p.yaml:4:16: policy a: a condition has no ;"},
		{"an annotation", head + "when: '@x(\"y\") true'", "p.yaml:4:12: policy a: a condition has no @"},
		{"too many words", head + "when: '" + strings.Repeat("! ", 3000) + "true'", "p.yaml:4:4013: policy a: the condition has more than 2000 words and signs, or brackets more than 24 deep"},
		{"a comment without an end", head + "when: 'true /*'", "p.yaml:4:17: policy a: the comment has no end; write */"},
		{"two expressions", head + "when: true false", "p.yaml:4:16: policy a: expected }, found false"},
		{"YAML", "policies: [", "p.yaml:1:1: did not find expected node content"},
		{"two documents", "policies: []\n---\npolicies: []", "p.yaml:2:1: a source has one document; remove the line ---"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := compileShort(tc.text)
			require.EqualError(t, err, tc.expected)
		})
	}
}

func TestShortFormOfNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "policies:\n", "policies: []"} {
		set, err := compileShort(text)
		require.NoError(t, err, text)
		require.Empty(t, set.Policies())
	}
}

// A truth value that YAML does not read as one is not false: a deny would say the opposite of what was written.
func TestShortTruthValues(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Resources["Doc"] = policy.ResourceType{Attributes: map[string]string{"locked": "Bool"}, Actions: []string{"docs.edit"}}
	for value, sound := range map[string]bool{"true": true, "!!bool False": true, "!!bool yes": false, "!!bool 1": false, "!!bool on": false, `!!bool ""`: false} {
		text := "policies:\n- id: a\n  deny: docs.edit\n  when: {resource.locked: " + value + "}\n"
		_, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p.yaml", Text: []byte(text), Format: policy.YAML})
		if sound {
			require.NoError(t, err, value)
			continue
		}
		require.ErrorContains(t, err, "p.yaml:4:27: policy a: a truth value is written true or false", value)
	}
}
