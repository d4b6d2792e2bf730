package pair

import "strconv"

// Claim is a figure that is made of several sides' in each round, and what is asked of it.
type Claim struct {
	// Goal is the row of the list of goals that asks for it; empty for one that informs.
	Goal string
	// Text says what the figure is.
	Text string
	// Figure is taken from each round; the claim's is the median.
	Figure func(Round) float64
	// Bound is the zero value for a claim that informs.
	Bound Bound
}

// Bound is what is asked of a figure.
type Bound struct {
	sign  string
	limit float64
}

// AtLeast asks for limit or more.
func AtLeast(limit float64) Bound { return Bound{"≥", limit} }

// AtMost asks for limit or less.
func AtMost(limit float64) Bound { return Bound{"≤", limit} }

// Holds reports whether the figure is what is asked for.
func (b Bound) Holds(figure float64) bool {
	switch b.sign {
	case "≥":
		return figure >= b.limit
	case "≤":
		return figure <= b.limit
	}
	return true
}

// String writes the bound, or a dash for none.
func (b Bound) String() string {
	if b.sign == "" {
		return "–"
	}
	return b.sign + " " + strconv.FormatFloat(b.limit, 'g', 4, 64)
}

// Ratio is over's figure divided by under's.
func Ratio(m Metric, over, under string) func(Round) float64 {
	return func(r Round) float64 { return r[over][m] / r[under][m] }
}

// Value is one side's figure.
func Value(m Metric, side string) func(Round) float64 {
	return func(r Round) float64 { return r[side][m] }
}

// Added is how much more side has than base.
func Added(m Metric, side, base string) func(Round) float64 {
	return func(r Round) float64 { return r[side][m] - r[base][m] }
}

// AddedRatio divides what over adds to base by what under adds to it.
func AddedRatio(m Metric, over, under, base string) func(Round) float64 {
	return func(r Round) float64 {
		return (r[over][m] - r[base][m]) / (r[under][m] - r[base][m])
	}
}
