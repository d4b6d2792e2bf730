package authz

import (
	"hash/maphash"
	"math/bits"
	"strings"
)

// seed differs from process to process, so that nobody can choose names of one tag.
var seed = maphash.MakeSeed()

// key is a role's name with its tag in a [table].
type key struct {
	text string
	tag  uint32
}

func newKey(text string) key { return key{text: text, tag: uint32(maphash.String(seed, text))} }

// The hashes of what stands in a pattern besides names; no name can have one of these texts.
var (
	starHash    = maphash.String(seed, star)
	restHash    = maphash.String(seed, rest)
	refusalHash = maphash.String(seed, refusal)
)

// segmentHashes are those of a permission's segments, each hashed once.
type segmentHashes [maxSegments]uint64

// hash sets them to those of the text, which has no more segments than there is room for.
func (h *segmentHashes) hash(text string) {
	for n := 0; ; n++ {
		end := segmentEnd(text)
		h[n] = maphash.String(seed, text[:end])
		if end == len(text) {
			return
		}
		text = text[end+1:]
	}
}

// mix adds a segment to the hash of those before it; their order matters.
func mix(h, segment uint64) uint64 {
	const odd = 0x9E3779B97F4A7C15
	return (bits.RotateLeft64(h, 7) ^ segment) * odd
}

// tagOf folds a hash into a tag of a [table].
func tagOf(h uint64) uint32 { return uint32(h>>32) ^ uint32(h) }

// shape is where a grant has its stars. All grants of one shape are looked up
// at once: by the hash of the permission with stars in these places.
type shape struct {
	// stars has a bit for each segment that is a star.
	stars uint16
	// segments are those before a final **, or all of them.
	segments uint8
	rest     bool
	denied   bool
}

func shapeOf(p Pattern, denied bool) shape {
	s := shape{denied: denied, segments: p.segments}
	if !p.starred {
		return s
	}
	s.segments = 0
	for segment := range strings.SplitSeq(p.text, ".") {
		switch segment {
		case rest:
			s.rest = true
			return s
		case star:
			s.stars |= 1 << s.segments
		}
		s.segments++
	}
	return s
}

// fits reports whether a grant of this shape can match a permission of n segments.
func (s shape) fits(n int) bool {
	return int(s.segments) == n && !s.rest || int(s.segments) < n && s.rest
}

// exactness orders shapes: those that say more come first.
func (s shape) exactness() int {
	n := 2*int(s.segments) - bits.OnesCount16(s.stars)
	if !s.rest {
		n += 2 * maxSegments
	}
	return n
}

// tag is that of the grant of this shape that matches the segments.
func (s shape) tag(segments *segmentHashes) uint32 {
	h := uint64(0)
	for i := range s.segments {
		if s.stars&(1<<i) != 0 {
			h = mix(h, starHash)
		} else {
			h = mix(h, segments[i])
		}
	}
	if s.rest {
		h = mix(h, restHash)
	}
	if s.denied {
		h ^= refusalHash
	}
	return tagOf(h)
}
