package authz

import (
	"errors"
	"fmt"
	"strings"
)

// refusal begins a permission of a role that takes away what others give.
const refusal = "!"

// grant is one permission of a role, which gives what its pattern matches, or takes it away.
type grant struct {
	pattern Pattern
	shape   shape
	tag     uint32
}

// parseGrant reads a pattern with or without a ! before it.
func parseGrant(s string) (grant, error) {
	text, denied := strings.CutPrefix(s, refusal)
	p, err := ParsePattern(text)
	if err != nil {
		return grant{}, err
	}
	g := grant{pattern: p, shape: shapeOf(p, denied)}
	var hashes segmentHashes
	hashes.hash(text)
	g.tag = g.shape.tag(&hashes)
	return g, nil
}

// String returns the grant as it was written.
func (g *grant) String() string {
	if g.shape.denied {
		return refusal + g.pattern.String()
	}
	return g.pattern.String()
}

// maxShapes bounds how many look-ups a decision may take.
const maxShapes = 128

// checkShapes refuses roles whose wildcards stand in too many different places.
func (s roleSet) checkShapes() error {
	shapes, last := map[shape]struct{}{}, shape{}
	for _, d := range s {
		for i := range d.grants {
			if next := d.grants[i].shape; next != last { // neighbours are alike mostly
				shapes[next], last = struct{}{}, next
			}
		}
	}
	if len(shapes) > maxShapes {
		return fmt.Errorf("%w: there are %d, and at most %d can be looked up; write patterns with * and ** in fewer different places", ErrTooManyForms, len(shapes), maxShapes)
	}
	return nil
}

// ErrTooManyForms: the patterns of all roles have wildcards in too many different places.
var ErrTooManyForms = errors.New("authz: too many forms of patterns")
