// Command testsummary runs "go test" and tells what came of it: each package
// as it ends, failed tests with their output, and at the end the tests that were
// skipped, with the reason, and a closing line.
//
//	go run ./internal/cmd/testsummary -race -shuffle=on ./...
//
// Its arguments are those of go test. The closing line is
//
//	123 passed, 0 failed, 4 skipped
//
// Every test and subtest counts as one. A package that cannot be built, or that fails with no failed test, counts
// as one failure. The exit status is 0 only if nothing failed and at
// least one test ran.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	// An interrupt is for go test: it ends, and what ran until then is told.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	os.Exit(Run(os.Stdout, os.Stderr, "go", append([]string{"test", "-json"}, os.Args[1:]...)...))
}

// Run runs a command that prints what "go test -json" prints, writes the
// summary to out and the command's errors to errors, and returns the exit status.
func Run(out, errors io.Writer, name string, args ...string) int {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Stderr = errors
	stream, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(errors, "testsummary: %v\n", err)
		return 2
	}
	summary, err := Read(stream, out)
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	return summary.Close(out, err)
}
