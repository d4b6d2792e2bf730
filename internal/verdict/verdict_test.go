package verdict_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/verdict"
)

const most = 200

// at is a place for what is asked about.
func at[T any](what T) *T { return &what }

// question asks a memo about a principal.
type question struct {
	m             *verdict.Memo
	o             *verdict.Owner
	tenant        string
	roles, scopes []string
}

func ask(m *verdict.Memo, o *verdict.Owner, tenant string, roles, scopes []string) question {
	return question{m, o, tenant, roles, scopes}
}

func (q question) Passed(n uint32) bool { return q.m.Passed(q.o, &q.tenant, &q.roles, &q.scopes, n) }

// known makes a memo that has passed the requirements, and what it was asked with.
func known(o *verdict.Owner, r *verdict.Rules, roles, scopes []string, requirements ...uint32) *verdict.Memo {
	m := verdict.NewMemo("acme", roles, scopes)
	v := m.Learn(o, r, most, at("acme"), at(roles), at(scopes))
	for _, n := range requirements {
		v.Pass(n)
	}
	return m
}

func TestWhatPassedIsRemembered(t *testing.T) {
	t.Parallel()
	o, r, roles := &verdict.Owner{}, &verdict.Rules{}, []string{"editor"}
	passed := []uint32{1, 63, 64, 65, 127, 128, most}
	v := ask(known(o, r, roles, nil, passed...), o, "acme", roles, nil)
	for n := range uint32(2 * most) {
		assert.Equal(t, slices.Contains(passed, n), v.Passed(n), n)
	}
}

// Zero is a requirement without a number, and one above the most has no room: neither is ever known to be met.
func TestWhatHasNoPlaceIsNotRemembered(t *testing.T) {
	t.Parallel()
	o, r, roles := &verdict.Owner{}, &verdict.Rules{}, []string{"editor"}
	for _, n := range []uint32{0, 256, 1 << 20, 1<<32 - 1} {
		v := ask(known(o, r, roles, nil, n), o, "acme", roles, nil)
		assert.False(t, v.Passed(n), n)
		assert.False(t, v.Passed(n%64), n)
	}
}

func TestEndMakesAllVoid(t *testing.T) {
	t.Parallel()
	o, r, roles := &verdict.Owner{}, &verdict.Rules{}, []string{"editor"}
	m := known(o, r, roles, nil, 7)
	v := ask(m, o, "acme", roles, nil)
	require.True(t, v.Passed(7))
	r.End()
	assert.False(t, v.Passed(7))
	assert.False(t, ask(m, o, "acme", roles, nil).Passed(7))
	m.Learn(o, r, most, at("acme"), at(roles), at([]string(nil))).Pass(7)
	assert.False(t, v.Passed(7), "what a decision by ended rules finds out counts no more")
	late := m.Learn(o, r, most, at("acme"), at(roles), at([]string(nil)))
	late.Pass(8)
	assert.False(t, ask(m, o, "acme", roles, nil).Passed(8))

	next := m.Learn(o, &verdict.Rules{}, most, at("acme"), at(roles), at([]string(nil)))
	assert.False(t, ask(m, o, "acme", roles, nil).Passed(7), "new rules know nothing")
	next.Pass(8)
	assert.True(t, ask(m, o, "acme", roles, nil).Passed(8))
}

// Whoever is not exactly the memo's principal is another one (POL-04). Lists are told by where they are in memory: who
// changes them makes new ones.
func TestAMemoIsOfOnePrincipal(t *testing.T) {
	t.Parallel()
	o, r, roles, scopes := &verdict.Owner{}, &verdict.Rules{}, []string{"editor", "viewer"}, []string{"a.b"}
	m := known(o, r, roles, scopes, 7)
	require.True(t, ask(m, o, "acme", roles, scopes).Passed(7))
	copied := append([]string(nil), roles...)
	for name, tc := range map[string]struct {
		owner         *verdict.Owner
		tenant        string
		roles, scopes []string
	}{
		"another service":   {&verdict.Owner{}, "acme", roles, scopes},
		"no service":        {nil, "acme", roles, scopes},
		"another tenant":    {o, "globex", roles, scopes},
		"no tenant":         {o, "", roles, scopes},
		"fewer roles":       {o, "acme", roles[:1], scopes},
		"later roles":       {o, "acme", roles[1:], scopes},
		"no roles":          {o, "acme", nil, scopes},
		"roles alike":       {o, "acme", copied, scopes},
		"no scopes":         {o, "acme", roles, nil},
		"empty scopes":      {o, "acme", roles, scopes[:0]},
		"scopes like roles": {o, "acme", roles, roles},
	} {
		v := ask(m, tc.owner, tc.tenant, tc.roles, tc.scopes)
		assert.False(t, v.Passed(7), name)
		if tc.owner == o {
			assert.Nil(t, m.Learn(o, r, most, at(tc.tenant), at(tc.roles), at(tc.scopes)), name)
		}
	}
	assert.True(t, ask(m, o, "acme", roles, scopes).Passed(7), "asking about others changes nothing")
}

// A login has no scopes, which is everything; a key may have a list without any, which is nothing.
func TestNoScopesAreNotEmptyScopes(t *testing.T) {
	t.Parallel()
	o, r, roles := &verdict.Owner{}, &verdict.Rules{}, []string{"editor"}
	known(o, r, roles, nil, 7)
	m := known(o, r, roles, []string{}, 8)
	v := ask(m, o, "acme", roles, []string{})
	assert.False(t, v.Passed(7))
	assert.True(t, v.Passed(8))
	assert.False(t, ask(m, o, "acme", roles, nil).Passed(7))
}

// Principals with the same roles and scopes share what is known under the same rules, whatever memory their lists are in.
func TestLikePrincipalsShare(t *testing.T) {
	t.Parallel()
	o, r := &verdict.Owner{}, &verdict.Rules{}
	known(o, r, []string{"editor"}, nil, 7)
	for i, lists := range [][2][]string{
		{{"editor"}, nil}, {{"editor", "editor"}, nil}, {{"editor"}, {}}, {{"editor"}, {"a.b"}}, {{"6:editor"}, nil}, {{"", "editor"}, nil},
		{{"editor", ""}, nil}, {{"edito", "r"}, nil}, {{"editors"}, nil}, {{"6:editors"}, nil}, {nil, {"editor"}}, {nil, nil}, {{}, {}},
	} {
		v := ask(known(o, r, lists[0], lists[1]), o, "acme", lists[0], lists[1])
		assert.Equal(t, i == 0, v.Passed(7), "%q", lists)
	}
	assert.False(t, ask(known(o, &verdict.Rules{}, []string{"editor"}, nil), o, "acme", nil, nil).Passed(7))
}

// Two pairs of lists never have the same key, whatever bytes stand in them.
func FuzzListsAreToldApart(f *testing.F) {
	f.Add("a", "b", "", "", uint8(0))
	f.Add("1:a", "", "a", "s", uint8(3))
	f.Add("a", "s1:b", "as", "1:b", uint8(1))
	f.Fuzz(func(t *testing.T, a, b, c, d string, cut uint8) {
		texts := []string{a, b, c, d}
		first := [2][]string{texts[:cut%5], texts[cut%5:]}
		second := [2][]string{{c, d}, {a, b}}
		o, r := &verdict.Owner{}, &verdict.Rules{}
		known(o, r, first[0], first[1], 7)
		v := ask(known(o, r, second[0], second[1]), o, "acme", second[0], second[1])
		require.Equal(t, fmt.Sprintf("%q", first) == fmt.Sprintf("%q", second), v.Passed(7), "%q and %q", first, second)
	})
}

// Requirements that are made later get room; what was known is found out anew.
func TestRoomGrows(t *testing.T) {
	t.Parallel()
	o, r, roles := &verdict.Owner{}, &verdict.Rules{}, []string{"editor"}
	m := known(o, r, roles, nil, 7)
	v := m.Learn(o, r, 10*most, at("acme"), at(roles), at([]string(nil)))
	v.Pass(9 * most)
	assert.True(t, ask(m, o, "acme", roles, nil).Passed(9*most))
	assert.Same(t, v, m.Learn(o, r, most, at("acme"), at(roles), at([]string(nil))), "no smaller one takes its place")
}

// However many combinations of roles there are, a bounded number is remembered, and the rest is not known.
func TestCombinationsAreBounded(t *testing.T) {
	t.Parallel()
	o, r, remembered := &verdict.Owner{}, &verdict.Rules{}, 0
	for i := range 10_000 {
		roles := []string{fmt.Sprint("role", i)}
		m := known(o, r, roles, nil, 7)
		if ask(m, o, "acme", roles, nil).Passed(7) {
			remembered++
		}
	}
	assert.Equal(t, 4096, remembered)
	roles := []string{"role0"}
	assert.True(t, ask(known(o, r, roles, nil), o, "acme", roles, nil).Passed(7), "what is remembered stays")
}

func TestNobodyIsRemembered(t *testing.T) {
	t.Parallel()
	var m *verdict.Memo
	o, r := &verdict.Owner{}, &verdict.Rules{}
	v := m.Learn(o, r, most, at(""), at([]string(nil)), at([]string(nil)))
	assert.Nil(t, v)
	v.Pass(7)
	assert.False(t, ask(m, o, "", nil, nil).Passed(7))
	var zero verdict.Memo
	assert.False(t, ask(&zero, o, "", nil, nil).Passed(7), "nothing is known before anything was learned")
}

// Once rules have ended, nobody passes by them any more, whoever learns meanwhile.
func TestEndWhileOthersLearn(t *testing.T) {
	t.Parallel()
	o, roles := &verdict.Owner{}, []string{"editor"}
	for range 200 {
		r, m := &verdict.Rules{}, verdict.NewMemo("acme", roles, nil)
		var others sync.WaitGroup
		for i := range uint32(4) {
			others.Go(func() {
				for n := uint32(1); n <= most; n++ {
					m.Learn(o, r, most+64*i, at("acme"), at(roles), at([]string(nil))).Pass(n)
					ask(m, o, "acme", roles, nil).Passed(n)
				}
			})
		}
		r.End()
		for n := range uint32(most + 1) {
			require.False(t, ask(m, o, "acme", roles, nil).Passed(n))
		}
		others.Wait()
		require.False(t, ask(m, o, "acme", roles, nil).Passed(1))
	}
}
