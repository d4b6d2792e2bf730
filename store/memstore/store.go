package memstore

import (
	"slices"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

// Store implements every store port in memory. Make one with [New]. Each
// concern has its own lock, so that sign-ins do not wait for role changes.
//
// What goes in and what comes out is copied: changing a slice after a call
// changes nothing that is stored.
type Store struct {
	// records bounds each kind.
	records     int
	users       users
	passwords   passwords
	history     history
	revocations revocations
	oneTimes    oneTimes
	counters    counters
	apiKeys     apiKeys
	signingKeys signingKeys
	sessions    sessions
	devices     devices
	factors     factors
	rules       rules
	assignments assignments
	journal     journal
}

var (
	_ authn.UserStore            = (*Store)(nil)
	_ authn.PasswordStore        = (*Store)(nil)
	_ authn.PasswordHistoryStore = (*Store)(nil)
	_ authn.RevocationStore      = (*Store)(nil)
	_ authn.RevocationWatcher    = (*Store)(nil)
	_ authn.OneTimeStore         = (*Store)(nil)
	_ authn.CounterStore         = (*Store)(nil)
	_ authn.APIKeyStore          = (*Store)(nil)
	_ authn.KeyStore             = (*Store)(nil)
	_ session.Store              = (*Store)(nil)
	_ session.DeviceStore        = (*Store)(nil)
	_ mfa.FactorStore            = (*Store)(nil)
	_ authz.RuleStore            = (*Store)(nil)
	_ authz.AssignmentStore      = (*Store)(nil)
	_ audit.JournalStore         = (*Store)(nil)
)

// New returns an empty store, which keeps at most [DefaultRecords] of each kind.
func New() *Store {
	return &Store{
		records:     DefaultRecords,
		users:       newUsers(),
		passwords:   newPasswords(),
		history:     newHistory(),
		revocations: newRevocations(),
		oneTimes:    newOneTimes(),
		counters:    newCounters(),
		apiKeys:     newAPIKeys(),
		sessions:    newSessions(),
		devices:     newDevices(),
		factors:     newFactors(),
		rules:       newRules(),
		assignments: newAssignments(),
		journal:     newJournal(),
	}
}

// stamp is t as every driver keeps it: in UTC, to the microsecond.
func stamp(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// insertSorted adds s to an ascending list unless it is there.
func insertSorted(list []string, s string) []string {
	i, found := slices.BinarySearch(list, s)
	if found {
		return list
	}
	return slices.Insert(list, i, s)
}

// removeSorted takes s out of an ascending list.
func removeSorted(list []string, s string) []string {
	i, found := slices.BinarySearch(list, s)
	if !found {
		return list
	}
	return slices.Delete(list, i, i+1)
}

// page is the part of an ascending list that comes after the given value, at
// most limit entries. It shares list's memory.
func page(list []string, after string, limit int) []string {
	i, found := slices.BinarySearch(list, after)
	if found {
		i++
	}
	return list[i:min(len(list), i+max(limit, 0))]
}
