package authztest

import (
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// table is one file that was read. Everything that its questions name is there.
type table struct {
	name       string
	principals map[string]*principal
	resources  map[string]*resource
	// environment is that of all questions which say nothing else.
	environment policy.Context
	questions   []*question
}

// mark is where something stands, and whether anything uses it.
type mark struct {
	// what is principal or resource.
	what, name   string
	line, column int
	used         bool
}

type principal struct {
	mark
	is         authn.Principal
	attributes authz.Attributes
	// mfaAge is nil for nobody with a second factor.
	mfaAge *time.Duration
}

type resource struct {
	mark
	is authz.Resource
}

// question is one principal, action and resource, with the answer that is expected.
type question struct {
	line, column int
	// name is that of the subtest.
	name        string
	principal   *principal
	action      string
	resource    *resource // nil for none
	environment policy.Context
	expected
}

type expected struct {
	allow bool
	// reason, policy and role are empty where it does not matter.
	reason, policy, role string
}

// subject is who asks what, in words.
func (q *question) subject() string {
	text := q.principal.name + " " + q.action
	if q.resource != nil {
		text += " " + q.resource.name
	}
	return text
}

// about is the resource of the question, the zero value for none.
func (q *question) about() authz.Resource {
	if q.resource == nil {
		return authz.Resource{}
	}
	return q.resource.is
}
