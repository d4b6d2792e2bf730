package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Summary counts tests and keeps what is told at the end. It keeps the output
// of a test only until the test has passed.
type Summary struct {
	out                     io.Writer
	passed, failed, skipped int
	packages                map[string]*running
	skips                   []string
	failures                []string
}

// running is a package under test.
type running struct {
	// tests are those whose output may be wanted: all that have neither passed nor
	// been skipped. "" is the package itself.
	tests map[string]*test
	// order is their names in the order in which they began.
	order                   []string
	passed, failed, skipped int
}

// test is a test, from its beginning until it has passed or was skipped.
type test struct {
	output strings.Builder
	// began and failed are the events of those names.
	began, failed bool
}

// NewSummary returns a Summary that writes to out.
func NewSummary(out io.Writer) *Summary {
	return &Summary{out: out, packages: map[string]*running{}}
}

// Add takes one event.
func (s *Summary) Add(e Event) {
	if e.Action == "build-output" {
		fmt.Fprint(s.out, e.Output)
	}
	if e.Package == "" {
		return
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &running{tests: map[string]*test{}}
		s.packages[e.Package] = p
	}
	switch {
	case e.Action == "output":
		p.test(e.Test).output.WriteString(e.Output)
	case e.Action == "run":
		p.test(e.Test).began = true
	case !slices.Contains([]string{"pass", "fail", "skip"}, e.Action):
	case e.Test == "":
		s.endPackage(e, p)
	default:
		s.endTest(e, p)
	}
}

func (p *running) test(name string) *test {
	if p.tests[name] == nil {
		p.tests[name] = &test{}
		p.order = append(p.order, name)
	}
	return p.tests[name]
}

func (s *Summary) endTest(e Event, p *running) {
	switch e.Action {
	case "pass":
		p.passed++
	case "skip":
		p.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(p.test(e.Test).output.String())))
	case "fail":
		p.failed++
		p.test(e.Test).failed = true
		s.failures = append(s.failures, e.Package+" "+e.Test)
		return
	}
	delete(p.tests, e.Test)
	p.order = slices.DeleteFunc(p.order, func(name string) bool { return name == e.Test })
}

// endPackage tells of a package: one line, and all that is left of its output when it failed.
func (s *Summary) endPackage(e Event, p *running) {
	delete(s.packages, e.Package)
	if e.Action == "fail" {
		why := "no test failed, but the package did"
		if e.FailedBuild != "" {
			why = "build failed"
		}
		s.fail(e.Package, p, why)
	}
	if verdict := map[string]string{"pass": "ok  ", "fail": "FAIL"}[e.Action]; verdict != "" {
		fmt.Fprintf(s.out, "%s  %s  %.1fs  %s\n", verdict, e.Package, e.Elapsed, counts(p.passed, p.failed, p.skipped))
	}
	s.count(p)
}

// fail counts the tests that began and did not end as failed: those that
// ran when the package panicked or its time was up. When there is no failed
// test at all, the package counts as one, for the reason why. It prints the output of all that failed.
func (s *Summary) fail(name string, p *running, why string) {
	for _, at := range p.order {
		if t := p.tests[at]; t.began && !t.failed {
			p.failed++
			s.failures = append(s.failures, name+" "+at+" (did not end)")
		}
	}
	if p.failed == 0 {
		p.failed = 1
		s.failures = append(s.failures, name+" ("+why+")")
	}
	for _, at := range p.order {
		if at != "" {
			s.print(p.tests[at])
		}
	}
	s.print(p.test(""))
}

func (s *Summary) print(t *test) {
	for line := range strings.Lines(t.output.String()) {
		if !frame.MatchString(line) {
			fmt.Fprint(s.out, line)
		}
	}
}

// Close tells what was left open, the failures, the skips and the closing line,
// and returns the exit status. err is what went wrong with go test itself.
func (s *Summary) Close(out io.Writer, err error) int {
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		p := s.packages[name]
		s.fail(name, p, "the output ended before the package did")
		s.count(p)
	}
	list(out, "failed", s.failures)
	list(out, "skipped", s.skips)
	status := 0
	switch ran := s.passed + s.failed; {
	case s.failed > 0:
		status = 1
	case err != nil:
		fmt.Fprintf(out, "\nno test failed, but go test did: %v\n", err)
		s.failed, status = 1, 1
	case ran == 0:
		fmt.Fprintln(out, "\nno test ran")
		status = 1
	}
	fmt.Fprintf(out, "\n%s\n", counts(s.passed, s.failed, s.skipped))
	return status
}

func (s *Summary) count(p *running) {
	s.passed += p.passed
	s.failed += p.failed
	s.skipped += p.skipped
}

func counts(passed, failed, skipped int) string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", passed, failed, skipped)
}

func list(out io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(out, "  %s\n", line)
	}
}

var (
	// frame is what go test writes around the output of a test that is running.
	frame = regexp.MustCompile(`^\s*=== (RUN|PAUSE|CONT|NAME)\s`)
	// place is where a test's own log line was written.
	place = regexp.MustCompile(`^\S+\.go:\d+:\s*`)
)

// reason returns what a skipped test said last.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !frame.MatchString(line+" ") && !strings.HasPrefix(line, "--- SKIP:") {
			said = append(said, place.ReplaceAllString(line, ""))
		}
	}
	return cmp.Or(strings.Join(said, " "), "no reason given")
}
