// Package house holds the rules that keep this repository in order, so that
// they are tests and not memory: who may import whom, what may not be called,
// what must be documented and what a text file must not contain.
//
//	module, err := house.Load(ctx, ".")
//	for _, finding := range (house.Deny{
//		In:      []string{"authn"},
//		Imports: []string{"github.com/labstack/echo/..."},
//	}).Check(module) {
//		t.Error(finding)
//	}
//
// The rules themselves, each with its reason, are in deps_test.go and
// docs_test.go at the root. Only tests import this package.
//
// Packages of this module are named by their path below the module, the root
// being ".". A pattern is such a name, or one with "/..." for it and all below
// it, or a [path.Match] pattern. "..." alone is everything.
package house
