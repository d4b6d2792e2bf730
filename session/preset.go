package session

import "time"

// Preset names an authenticator assurance level of NIST SP 800-63B-4, whose
// reauthentication limits (sections 2.1.3, 2.2.3 and 2.3.3) sessions then keep.
type Preset string

// The presets.
const (
	// AAL1 ends every session after 30 days.
	AAL1 Preset = "aal1"
	// AAL2 ends every session after 24 hours, and one that is not used after an hour.
	AAL2 Preset = "aal2"
	// AAL3 ends every session after 12 hours, and one that is not used after 15 minutes.
	AAL3 Preset = "aal3"
)

// Limits are the longest times that a preset permits: for a session that is
// not used, and for any. Zero is no limit of its own.
func (p Preset) Limits() (idle, absolute time.Duration) {
	switch p {
	case AAL1:
		return 0, 30 * 24 * time.Hour
	case AAL2:
		return time.Hour, 24 * time.Hour
	case AAL3:
		return 15 * time.Minute, 12 * time.Hour
	}
	return 0, 0
}

// Known reports whether p is one of the presets, or none.
func (p Preset) Known() bool { return p == "" || p == AAL1 || p == AAL2 || p == AAL3 }

// within returns d, or the limit where there is one and d is longer.
func within(d, limit time.Duration) time.Duration {
	if limit > 0 && d > limit {
		return limit
	}
	return d
}
