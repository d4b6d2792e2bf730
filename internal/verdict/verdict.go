// Package verdict remembers, beside a principal, which requirements it is
// known to meet, so that a guard that was passed once costs a few loads
// afterwards.
//
//	memo := verdict.NewMemo(tenant, roles, scopes)      // with the principal
//	if memo.Passed(owner, tenant, roles, scopes, guard) { … } // at each request
//
// Only what was allowed by rules that are still in force is remembered: [Rules.End] makes all of it void at once.
package verdict

import (
	"strconv"
	"sync"
	"sync/atomic"
)

// Owner tells one authorization service from another.
type Owner struct{ _ byte }

// Rules are what verdicts were made by. The zero value is in force.
type Rules struct {
	over atomic.Bool
	// shared has the verdicts by what decides them.
	shared sync.Map // string to *Verdicts
	count  atomic.Int32
}

// mostShared bounds how many combinations of roles and scopes share verdicts under the same rules.
const mostShared = 4096

// End makes every verdict void that was made by the rules.
func (r *Rules) End() { r.over.Store(true) }

// Verdicts are the requirements, by number, that were found met under some rules.
type Verdicts struct {
	owner  *Owner
	rules  *Rules
	passed []atomic.Uint64
}

const bitsPerWord = 64

// Pass remembers that the requirement is met.
func (v *Verdicts) Pass(requirement uint32) {
	if word := int(requirement / bitsPerWord); v != nil && requirement != 0 && word < len(v.passed) {
		v.passed[word].Or(1 << (requirement % bitsPerWord))
	}
}

// Memo belongs to one principal, or to copies of it that were not changed. A nil one remembers nothing.
type Memo struct {
	tenant        string
	roles, scopes []string
	kept          atomic.Pointer[Verdicts]
}

// Set makes it the memo of a principal with these roles and scopes, before anybody uses it.
func (m *Memo) Set(tenant string, roles, scopes []string) {
	m.tenant, m.roles, m.scopes = tenant, roles, scopes
}

// NewMemo returns a memo for a principal with these roles and scopes, which nobody modifies.
func NewMemo(tenant string, roles, scopes []string) *Memo {
	m := &Memo{}
	m.Set(tenant, roles, scopes)
	return m
}

// Passed reports whether a principal with these roles and scopes was found to meet the requirement, by rules of the owner that are
// still in force. One whose tenant, roles or scopes are not those of the memo is another principal, about whom nothing is known.
func (m *Memo) Passed(owner *Owner, tenant string, roles, scopes []string, requirement uint32) bool {
	if m == nil || requirement == 0 {
		return false
	}
	v := m.kept.Load()
	if v == nil || v.owner != owner || !m.isOf(tenant, roles, scopes) {
		return false
	}
	word := int(requirement / bitsPerWord)
	return word < len(v.passed) && v.passed[word].Load()&(1<<(requirement%bitsPerWord)) != 0 && !v.rules.over.Load()
}

// isOf compares lists by where they are: those that only look alike are not worth comparing.
func (m *Memo) isOf(tenant string, roles, scopes []string) bool {
	return same(roles, m.roles) && same(scopes, m.scopes) && len(tenant) == len(m.tenant) && (tenant == "" || tenant == m.tenant)
}

// Learn returns the verdicts that the principal shares with others under the rules,
// with room for requirements up to most, or nil when it is not the memo's principal or there are too many.
func (m *Memo) Learn(owner *Owner, rules *Rules, most uint32, tenant string, roles, scopes []string) *Verdicts {
	if m == nil || !m.isOf(tenant, roles, scopes) {
		return nil
	}
	v := rules.of(owner, combination(roles, scopes), int(most/bitsPerWord)+1)
	m.kept.Store(v)
	return v
}

func (r *Rules) of(owner *Owner, key string, words int) *Verdicts {
	known, _ := r.shared.Load(key)
	v, _ := known.(*Verdicts)
	if v != nil && len(v.passed) >= words {
		return v
	}
	if v == nil && r.count.Add(1) > mostShared {
		r.count.Add(-1)
		return nil
	}
	v = &Verdicts{owner: owner, rules: r, passed: make([]atomic.Uint64, words)}
	r.shared.Store(key, v)
	return v
}

// combination is one text for each pair of lists, whatever bytes stand in them.
func combination(roles, scopes []string) string {
	key := appendList(nil, roles)
	if scopes != nil {
		key = appendList(append(key, 's'), scopes)
	}
	return string(key)
}

func appendList(key []byte, list []string) []byte {
	for _, text := range list {
		key = append(strconv.AppendInt(key, int64(len(text)), 10), ':')
		key = append(key, text...)
	}
	return key
}

// same reports whether two lists are one piece of memory.
func same(a, b []string) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	return len(a) == 0 || &a[0] == &b[0]
}
