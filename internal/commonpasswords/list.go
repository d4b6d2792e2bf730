package commonpasswords

import (
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

//go:embed list.txt.gz
var packed string

// Sizes of the list: how many passwords of at least so many characters were taken.
const (
	Short, ShortLength = 3000, 8
	Long, LongLength   = 4000, 15
)

// List is a set of passwords. The zero value is empty. It is safe for concurrent use.
type List struct{ sorted []string }

// Load returns the embedded list, which is unpacked once in a process.
func Load() (List, error) { return unpacked() }

var unpacked = sync.OnceValues(unpack)

func unpack() (List, error) {
	reader, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return List{}, fmt.Errorf("commonpasswords: %w", err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return List{}, fmt.Errorf("commonpasswords: %w", err)
	}
	return List{sorted: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")}, nil
}

// Has reports whether the whole password is listed, in any case of its letters.
func (l List) Has(password string) bool {
	_, found := slices.BinarySearch(l.sorted, strings.ToLower(password))
	return found
}

// All returns the passwords in ascending order.
func (l List) All() []string { return slices.Clone(l.sorted) }

// Pick returns what a list holds that is made from passwords by descending
// frequency: in lower case, sorted, printing ASCII alone.
func Pick(byFrequency []string) []string {
	var picked []string
	picked = append(picked, first(byFrequency, Short, ShortLength)...)
	picked = append(picked, first(byFrequency, Long, LongLength)...)
	slices.Sort(picked)
	return slices.Compact(picked)
}

func first(byFrequency []string, most, length int) []string {
	seen := map[string]bool{}
	var picked []string
	for _, password := range byFrequency {
		lower := strings.ToLower(password)
		if len(picked) == most || len(lower) < length || seen[lower] || !printing(lower) {
			continue
		}
		seen[lower] = true
		picked = append(picked, lower)
	}
	return picked
}

func printing(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
