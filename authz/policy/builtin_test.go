package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authz/policy"
)

// A resource of the type that stands for none gets by no policy (POL-01).
func TestResourceOfTypeNoneIsDenied(t *testing.T) {
	t.Parallel()
	s := compile(t, `forbid(principal, action, resource);`)
	for _, action := range []string{"reports.read", "unknown.thing", "articles.edit"} {
		got := s.Evaluate(t.Context(), &policy.Request{
			Principal: policy.Principal{ID: "u1"}, Action: action, Resource: policy.Resource{Type: "None", ID: "x"},
		})
		assert.Equal(t, policy.Error, got.Effect, action)
	}
}
