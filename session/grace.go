package session

import "time"

// standing is what a refresh token is to its session.
type standing int

const (
	// unknown proves nothing, and so ends nothing.
	unknown standing = iota
	// current is the session's secret.
	current
	// repeated is the secret before it, presented again within the grace window.
	repeated
	// used is an older secret that proves itself.
	used
)

// standing judges the presented secret; x.child is what follows from it.
//
// In the grace window a parent whose child was derived with another key is
// unknown: the child cannot be had again, and a client that merely lost an
// answer must not lose the session as well.
func (m *Manager) standing(a attempt, x exchange) standing {
	switch {
	case a.presented.matches(x.record):
		return current
	case a.presented.parent(x.record) && x.record.inGrace(a.arrived, m.cfg.grace()):
		if x.child.matches(x.record) {
			return repeated
		}
		return unknown
	case a.presented.parent(x.record), a.presented.ancestor(m.key(), x.record):
		return used
	}
	return unknown
}

// inGrace reports whether the window that the last rotation opened is open at
// now. Now may be before the rotation: then the calls crossed.
func (r Record) inGrace(now time.Time, window time.Duration) bool {
	return window > 0 && now.Before(r.RotatedAt.Add(window))
}
