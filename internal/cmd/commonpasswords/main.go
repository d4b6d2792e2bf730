// Command commonpasswords makes the embedded list of package commonpasswords
// from a file with one password a line, the most frequent one first:
//
//	go run ./internal/cmd/commonpasswords <10-million-password-list-top-1000000.txt >internal/commonpasswords/list.txt.gz
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/authmodule/authmodule/internal/commonpasswords"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "commonpasswords:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var all []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		all = append(all, strings.TrimSuffix(lines.Text(), "\r"))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	packer, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(packer, strings.Join(commonpasswords.Pick(all), "\n")+"\n"); err != nil {
		return err
	}
	return packer.Close()
}
