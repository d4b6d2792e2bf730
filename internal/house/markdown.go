package house

import (
	"go/format"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	fence     = regexp.MustCompile("(?ms)^```([a-z]*)[^\n]*\n(.*?)^```")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	linkTo    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s+(\S+)`)
	heading   = regexp.MustCompile(`(?m)^#{1,6}\s+(.+?)\s*#*$`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}\s_-]`)
)

// GoBlocks returns the blocks of a Markdown text that are marked as Go.
func (t Text) GoBlocks() []string {
	var blocks []string
	for _, match := range fence.FindAllStringSubmatch(t.Content, -1) {
		if match[1] == "go" {
			blocks = append(blocks, match[2])
		}
	}
	return blocks
}

// ParseGo reports why a block is neither a Go file, nor declarations, nor statements.
func ParseGo(block string) error {
	_, err := format.Source([]byte(block))
	return err
}

// BrokenLinks returns the relative links of a Markdown text that lead to no
// file below dir, or to no heading of a Markdown file there.
func (t Text) BrokenLinks(dir string) []string {
	var found []string
	prose := codeSpan.ReplaceAllString(fence.ReplaceAllString(t.Content, ""), "")
	for line := range strings.Lines(prose) {
		for _, match := range linkTo.FindAllStringSubmatch(line, -1) {
			if target := match[1] + match[2]; !t.resolves(dir, target) {
				found = append(found, t.Path+" links to "+target+", which does not exist")
			}
		}
	}
	return found
}

func (t Text) resolves(dir, target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	if u.Scheme != "" || u.Host != "" {
		return true
	}
	content := t.Content
	if u.Path != "" {
		file := filepath.Join(dir, filepath.FromSlash(path.Join(path.Dir(t.Path), u.Path)))
		if _, err := os.Stat(file); err != nil {
			return false
		}
		if u.Fragment == "" || path.Ext(u.Path) != ".md" {
			return true
		}
		read, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		content = string(read)
	}
	return u.Fragment == "" || slices.Contains(slugs(content), u.Fragment)
}

// slugs returns the anchors of a Markdown text's headings as GitHub makes them, but for repeated headings.
func slugs(content string) []string {
	var out []string
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(content, ""), -1) {
		text := notInSlug.ReplaceAllString(strings.ToLower(match[1]), "")
		out = append(out, strings.ReplaceAll(text, " ", "-"))
	}
	return out
}
