package memstore

// Filed is how many entries all expiries have.
func (s *Store) Filed() int {
	return len(s.sessions.expiry.entries) + len(s.oneTimes.expiry.entries) + len(s.devices.expiry.entries) + len(s.apiKeys.expiry.entries) +
		len(s.assignments.expiry.entries) + len(s.counters.expiry.entries) + len(s.factors.expiry.entries)
}
