package memstore

import "errors"

// DefaultRecords is how many records of each kind a store keeps at most: sessions,
// accounts, password hashes, former password hashes, one-time records, counters, API keys, devices, second factors, entries of the revocation log,
// rules (roles and policies of all tenants), assignments of roles, and events of the audit journal.
const DefaultRecords = 1_000_000

// ErrFull: there are as many records of the kind as there may be. Nothing was
// stored, and nothing that is live was dropped for it: whoever floods the store keeps new logins out and nobody's revocation is lost.
var ErrFull error = full{errors.New("memstore: there is no room for more records of this kind")}

type full struct{ error }

// StoreFull tells this error from others without knowing this package.
func (full) StoreFull() bool { return true }

// NewBounded is New with another bound than [DefaultRecords], for each kind of records.
func NewBounded(records int) *Store {
	s := New()
	s.records = records
	return s
}
