package pair

import (
	"fmt"
	"io"
	"strings"
)

// WriteClaims writes a Markdown table of the claims of several cases.
func WriteClaims(w io.Writer, cases []Case, results []*Result) error {
	text := &strings.Builder{}
	text.WriteString("| goal | case | figure | measured: median (lowest – highest round) | asked | met |\n|---|---|---|---|---|---|\n")
	for i, result := range results {
		for _, claim := range result.claims {
			spread := result.Spread(claim.Figure)
			fmt.Fprintf(text, "| %s | %s | %s | **%s** (%s – %s) | %s | %s |\n", claim.Goal, cases[i].Name, claim.Text,
				number(spread.Median), number(spread.Low), number(spread.High), claim.Bound, verdict(claim.Bound, spread.Median))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func verdict(b Bound, median float64) string {
	switch {
	case b == Bound{}:
		return "–"
	case b.Holds(median):
		return "yes"
	}
	return "no"
}

// WriteSides writes a Markdown table of the medians of one case's sides.
func (r *Result) WriteSides(w io.Writer) error {
	text := &strings.Builder{}
	list := r.metrics()
	text.WriteString("| side |")
	for _, metric := range list {
		fmt.Fprintf(text, " %s |", metric.Name)
	}
	text.WriteString("\n|---|" + strings.Repeat("---|", len(list)) + "\n")
	for _, side := range r.sides {
		fmt.Fprintf(text, "| %s |", side)
		for _, metric := range list {
			cell := "–"
			if _, has := r.rounds[0][side][metric]; has {
				cell = metric.Format(r.Spread(Value(metric, side)).Median)
			}
			fmt.Fprintf(text, " %s |", cell)
		}
		text.WriteString("\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}
