package authz

import (
	"hash/maphash"
	"strings"
)

// key is a text with its tag in a [table], so that what is looked up often is hashed once.
type key struct {
	text string
	tag  uint32
}

// seed differs from process to process, so that nobody can choose names of one tag.
var seed = maphash.MakeSeed()

func newKey(text string) key { return key{text: text, tag: uint32(maphash.String(seed, text))} }

// catalog numbers everything that a role can hold, from one. Three kinds of text stand in it, of which none
// can be taken for another: the name of a role, which has no dot, for being or inheriting the role; a permission;
// and a pattern with its stars left out, so that a permission has the texts of its patterns as parts of itself.
type catalog struct {
	numbers table
	texts   []string
}

// newCatalog returns a catalog that need not grow for n texts.
func newCatalog(n int) *catalog { return &catalog{numbers: newTable(n), texts: make([]string, 0, n)} }

// find returns the number of the text, or zero.
func (c *catalog) find(k key) uint32 {
	number, at := c.numbers.next(first(k.tag), k.tag)
	for number != 0 && c.texts[number-1] != k.text {
		number, at = c.numbers.next(at, k.tag)
	}
	return number
}

// number returns the number of the text, which it adds when it is new.
func (c *catalog) number(text string) uint32 {
	k := newKey(text)
	if n := c.find(k); n != 0 {
		return n
	}
	c.texts = append(c.texts, text)
	n := uint32(len(c.texts))
	c.numbers.add(k.tag, n)
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
