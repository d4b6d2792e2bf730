package house

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Text is one text file of the repository.
type Text struct {
	// Path is the file's path below the repository's root, with slashes.
	Path    string
	Content string
}

// Texts reads the text files below dir: all but those of git, of bin/ and of
// node_modules, the results of tools that .gitignore names by suffix, and files with zero bytes.
func Texts(dir string) ([]Text, error) {
	var texts []Text
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "node_modules"}, d.Name()) {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || slices.Contains([]string{".out", ".test", ".prof"}, path.Ext(name)) {
			return nil
		}
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil && !bytes.ContainsRune(content, 0) {
			texts = append(texts, Text{Path: name, Content: string(content)})
		}
		return err
	})
	return texts, err
}

// Lines counts the lines of the text.
func (t Text) Lines() int {
	n := strings.Count(t.Content, "\n")
	if t.Content != "" && !strings.HasSuffix(t.Content, "\n") {
		n++
	}
	return n
}

// Find returns one line for each line of the text in which bad finds something.
func (t Text) Find(bad func(line string) string) []string {
	var found []string
	number := 0
	for line := range strings.Lines(t.Content) {
		number++
		if what := bad(line); what != "" {
			found = append(found, fmt.Sprintf("%s:%d holds %s", t.Path, number, what))
		}
	}
	return found
}

var (
	machinePath = regexp.MustCompile(`(?:^|[^\w.$*{}/-])(/(?:work|root|home|Users)/|/tmp/[a-z])`)
	openMark    = regexp.MustCompile(`\b(?:TO` + `DO|FIX` + `ME)\b(?:\(#\d+\)|:? #\d+)?`)
)

// MachinePath returns the path of somebody's machine in a line, if there is one.
func MachinePath(line string) string {
	if match := machinePath.FindStringSubmatch(line); match != nil {
		return match[1]
	}
	return ""
}

// OpenMark returns a mark for work to be done in a line, unless it names its issue as in "(#12)".
func OpenMark(line string) string {
	for _, mark := range openMark.FindAllString(line, -1) {
		if !strings.Contains(mark, "#") {
			return mark
		}
	}
	return ""
}
