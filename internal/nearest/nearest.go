// Package nearest finds the name that somebody may have meant:
//
//	fmt.Errorf("unknown role %s%s", name, nearest.Hint(name, maps.Keys(roles)))
//
// Names are compared byte by byte, and none that is long costs much.
package nearest

import (
	"iter"
	"slices"
)

// longest is the length from which on nothing is compared.
const longest = 120

// Hint returns "; did you mean x?" with the name nearest to got, or nothing when none is near. What it returns is one of the names, as it stands.
func Hint(got string, names iter.Seq[string]) string {
	if best := Name(got, names); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

// Name returns the name nearest to got, of equally near ones the first by alphabet, or "" when none is near.
func Name(got string, names iter.Seq[string]) string {
	if len(got) > longest {
		return ""
	}
	best, least := "", len(got)/3+1
	for _, name := range slices.Sorted(names) {
		if len(name) > len(got)+least || len(got) > len(name)+least {
			continue
		}
		if d := distance(got, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of bytes to add, drop, change or swap with a neighbour to turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
