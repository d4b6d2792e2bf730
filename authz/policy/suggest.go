package policy

import (
	"iter"
	"slices"
)

// suggest returns "; did you mean x?" with the name nearest to got, or nothing when none is near.
func suggest(got string, names iter.Seq[string]) string {
	if len(got) > longestShown {
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
	if best == "" {
		return ""
	}
	return "; did you mean " + clip(best) + "?"
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
