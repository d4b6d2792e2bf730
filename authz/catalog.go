package authz

import "strings"

// catalog numbers everything that a role can hold, from one. Three kinds of text stand in it, of which none
// can be taken for another: the name of a role, which has no dot, for being or inheriting the role; a permission;
// and a pattern with its stars left out, so that a permission has the texts of its patterns as parts of itself.
type catalog struct {
	numbers index[uint32]
	texts   []string
}

// number returns that of the text, which it adds when it is new.
func (c *catalog) number(text string) uint32 {
	k := newKey(text)
	if n, found := c.numbers.find(k); found {
		return n
	}
	c.texts = append(c.texts, text)
	n := uint32(len(c.texts)) //nolint:gosec // memory ends before the numbers do
	c.numbers.add(k, n)
	return n
}

// pattern returns the pattern with this number, or "" for the name of a role.
func (c *catalog) pattern(number uint32) string {
	text := c.texts[number-1]
	dot := strings.IndexByte(text, '.')
	switch {
	case dot < 0:
		return ""
	case text == dotAlone:
		return everything
	case dot == 0:
		return star + text
	case dot == len(text)-1:
		return text + star
	}
	return text
}

const dotAlone = "."

// starless returns the pattern's text in a [catalog]: articles.* is "articles.", *.read is ".read" and *.* is ".".
func (p Pattern) starless() string {
	text, dot := p.held.text, p.held.dot
	if text[dot+1:] == star {
		text = text[:dot+1]
	}
	if text[:dot] == star {
		text = text[dot:]
	}
	return text
}

// held returns what gives the permission, the most exact first: itself, every action, every resource, everything.
func (p Permission) held() [4]key {
	return [4]key{newKey(p.text), newKey(p.text[:p.dot+1]), newKey(p.text[p.dot:]), newKey(dotAlone)}
}
