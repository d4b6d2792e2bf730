package authz

// TableOf puts the numbers from one upwards into a table, one for each tag, and returns what looks a tag up.
// The table grows when it must, or has room from the beginning.
func TableOf(tags []uint32, room bool) func(tag uint32) []uint32 {
	var t table
	if room {
		t = newTable(len(tags))
	}
	for i, tag := range tags {
		t.add(tag, uint32(i+1))
	}
	return func(tag uint32) (numbers []uint32) {
		for number, at := t.next(first(tag), tag); number != 0; number, at = t.next(at, tag) {
			numbers = append(numbers, number)
		}
		return numbers
	}
}

// CatalogOf numbers the texts, and returns what finds one.
func CatalogOf(texts []string) func(text string) uint32 {
	var c catalog
	for _, text := range texts {
		c.addRole(newKey(text))
	}
	return func(text string) uint32 { return c.role(newKey(text)) }
}
