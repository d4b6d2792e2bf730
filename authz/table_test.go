package authz_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

// A table agrees with a map, whatever its size, and however many numbers one tag has.
func TestTableAgreesWithAMap(t *testing.T) {
	t.Parallel()
	w := rand.New(rand.NewPCG(11, 2026))
	for size := range 200 {
		tags, expected := make([]uint32, size), map[uint32][]uint32{}
		for i := range tags {
			tags[i] = uint32(w.IntN(size)) << w.IntN(25)
			expected[tags[i]] = append(expected[tags[i]], uint32(i+1))
		}
		for _, room := range []bool{true, false} {
			find := authz.TableOf(tags, room)
			for _, tag := range append(tags, 1, 1<<31, w.Uint32()) {
				require.ElementsMatch(t, expected[tag], find(tag))
			}
		}
	}
}

// So many texts that some have the same tag: two of 32 bits meet among 80,000 more often than not.
func TestTextsOfOneTagAreTold(t *testing.T) {
	t.Parallel()
	texts := make([]string, 150_000)
	for i := range texts {
		texts[i] = fmt.Sprintf("resource%d.action%d", i/10, i%10)
	}
	find := authz.CatalogOf(texts)
	for i, text := range texts {
		require.Equal(t, uint32(i+1), find(text))
		require.Zero(t, find(text+"x"))
	}
	assert.Zero(t, find(""))
}
