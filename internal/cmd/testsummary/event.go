package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Event is one line of "go test -json"; see "go doc test2json" and "go help buildjson".
type Event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
	// ImportPath stands in events of a build.
	ImportPath string
	// FailedBuild is the package whose build failed, in the end of a package that could not be tested for it.
	FailedBuild string
}

// Read reads events until the stream ends and writes what is worth reading to
// out as it comes. A line that is no event is passed on.
func Read(stream io.Reader, out io.Writer) (*Summary, error) {
	s := NewSummary(out)
	for lines := bufio.NewReader(stream); ; {
		line, err := lines.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			s.line(line)
		}
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

func (s *Summary) line(line string) {
	var e Event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(s.out, line)
		return
	}
	s.Add(e)
}
