package layer

// farthest is the edit distance up to which a name is taken for a misspelling.
const farthest = 3

// suggest returns "; did you mean x?" with prefix and the candidate nearest to name, or nothing when none is near.
func suggest(prefix, name string, candidates []string) string {
	best, nearest := "", farthest+1
	for _, c := range candidates {
		if d := distance(name, c); d < nearest && 2*d <= max(len(name), len(c)) {
			best, nearest = c, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + prefix + best + "?"
}

// distance is the number of bytes to insert, delete, replace or swap with their neighbour to make b out of a (optimal
// string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
