// Package pair measures several ways of doing the same work against each
// other, in one process and in interleaved rounds.
//
//	bench := &pair.Bench{
//		Sides: []pair.Side{{Name: "ours", Do: ours}, {Name: "theirs", Do: theirs}},
//		Claims: []pair.Claim{{Goal: "P1", Text: "theirs ÷ ours", Figure: pair.Ratio(pair.CPU(), "theirs", "ours"), Bound: pair.AtLeast(4)}},
//	}
//	result, err := pair.Run(bench, pair.Options{Rounds: 8})
//
// A machine drifts by a third within minutes, so a time of one side means
// little. What is compared is taken from one round, in which each side ran for
// a moment, and the median of the rounds is told with its lowest and highest.
// CPU time is that of the process (getrusage), the garbage collector's included.
package pair
