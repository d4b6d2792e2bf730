// Command table measures the cases of package bench in interleaved rounds and
// writes the results as Markdown:
//
//	go run ./cmd/table -rounds 8
//	go run ./cmd/table -only 'request HS256' -turn 100ms
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/authmodule/authmodule/bench"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

// loginsFlag is how the program calls itself.
const loginsFlag = "-logins"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run() error {
	var options pair.Options
	flag.IntVar(&options.Rounds, "rounds", pair.DefaultRounds, "how often each side has its turn")
	flag.DurationVar(&options.Turn, "turn", pair.DefaultTurn, "CPU time of one turn")
	only := flag.String("only", "", "measure the cases whose name matches this expression")
	logins := flag.String(loginsFlag[1:], "", "do 64 logins at once in this way and write what they cost; for the program's own use")
	flag.Parse()
	if *logins != "" {
		return bench.Login(*logins, os.Stdout)
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var cases []pair.Case
	for _, c := range bench.Cases(self, loginsFlag) {
		if pattern.MatchString(c.Name) {
			cases = append(cases, c)
		}
	}
	return measure(os.Stdout, cases, options)
}

func measure(w io.Writer, cases []pair.Case, options pair.Options) error {
	if len(cases) == 0 {
		return errors.New("no case has such a name")
	}
	var measured []pair.Case
	var results []*pair.Result
	fmt.Fprintf(w, "%s %d rounds.\n\n", bench.Machine(), options.Rounds)
	for i, c := range cases {
		start := time.Now()
		result, err := measureCase(c, options)
		if errors.Is(err, pair.ErrAbsent) {
			fmt.Fprintf(w, "%s: %v\n\n", c.Name, err)
		} else if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		} else {
			measured, results = append(measured, c), append(results, result)
		}
		fmt.Fprintf(os.Stderr, "table: %d of %d: %s: %.1f s\n", i+1, len(cases), c.Name, time.Since(start).Seconds())
	}
	return write(w, measured, results)
}

func write(w io.Writer, cases []pair.Case, results []*pair.Result) error {
	if err := pair.WriteClaims(w, cases, results); err != nil {
		return err
	}
	for i, c := range cases {
		fmt.Fprintf(w, "\n### %s\n\n%s\n\n", c.Name, c.What)
		if err := results[i].WriteSides(w); err != nil {
			return err
		}
	}
	return nil
}

func measureCase(c pair.Case, options pair.Options) (*pair.Result, error) {
	opened, err := c.Open()
	if err != nil {
		return nil, err
	}
	result, err := pair.Run(opened, options)
	return result, errors.Join(err, opened.Shut())
}
