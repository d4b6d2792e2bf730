package policy

import (
	"iter"

	"github.com/authmodule/authmodule/internal/nearest"
)

// suggest returns "; did you mean x?" with the name nearest to got, or nothing when none is near.
func suggest(got string, names iter.Seq[string]) string {
	best := nearest.Name(got, names)
	if best == "" {
		return ""
	}
	return "; did you mean " + clip(best) + "?"
}
