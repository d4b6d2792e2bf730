package memstore

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type deviceKey struct {
	owner authn.Subject
	id    string
}

type devices struct {
	mu      sync.Mutex
	byOwner map[authn.Subject]map[string]*session.Device
	// n counts them.
	n      int
	expiry expiry[deviceKey]
}

func newDevices() devices { return devices{byOwner: map[authn.Subject]map[string]*session.Device{}} }

// SeeDevice implements [session.DeviceStore].
func (s *Store) SeeDevice(ctx context.Context, d session.Device, limit int) (session.Device, bool, error) {
	if err := ctx.Err(); err != nil {
		return session.Device{}, false, err
	}
	d.FirstSeenAt, d.LastSeenAt = stamp(d.FirstSeenAt), stamp(d.LastSeenAt)
	t := &s.devices
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.byOwner[d.Subject][d.ID]; known != nil {
		known.LastSeenAt = later(known.LastSeenAt, d.LastSeenAt)
		return *known, false, nil
	}
	if t.n >= s.records {
		return session.Device{}, false, ErrFull
	}
	t.add(&d)
	list := t.list(d.Subject)
	for _, old := range list[min(len(list), max(limit, 1)):] {
		t.drop(deviceKey{old.Subject, old.ID})
	}
	return d, true, nil
}

func (t *devices) add(d *session.Device) {
	if t.byOwner[d.Subject] == nil {
		t.byOwner[d.Subject] = map[string]*session.Device{}
	}
	stored := *d
	t.byOwner[d.Subject][d.ID] = &stored
	t.n++
	t.expiry.add(d.LastSeenAt, deviceKey{d.Subject, d.ID}, t.n, t.end)
}

// RenameDevice implements [session.DeviceStore].
func (s *Store) RenameDevice(ctx context.Context, owner authn.Subject, id, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	d := s.devices.byOwner[owner][id]
	if d == nil {
		return authn.ErrNotFound
	}
	d.Name = name
	return nil
}

// Devices implements [session.DeviceStore].
func (s *Store) Devices(ctx context.Context, owner authn.Subject) ([]session.Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	return s.devices.list(owner), nil
}

// PruneDevices implements [session.DeviceStore].
func (s *Store) PruneDevices(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	return s.devices.expiry.prune(stamp(before), s.devices.end, s.devices.drop), nil
}

// DeleteDevices implements [session.DeviceStore].
func (s *Store) DeleteDevices(ctx context.Context, owner authn.Subject, except string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	for _, d := range s.devices.list(owner) {
		if d.ID != except {
			s.devices.drop(deviceKey{d.Subject, d.ID})
		}
	}
	return nil
}

// list returns copies, the last seen first.
func (t *devices) list(owner authn.Subject) []session.Device {
	list := make([]session.Device, 0, len(t.byOwner[owner]))
	for _, d := range t.byOwner[owner] {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b session.Device) int {
		return cmp.Or(b.LastSeenAt.Compare(a.LastSeenAt), cmp.Compare(b.ID, a.ID))
	})
	return list
}

func (t *devices) end(k deviceKey) (time.Time, bool) {
	d := t.byOwner[k.owner][k.id]
	if d == nil {
		return time.Time{}, false
	}
	return d.LastSeenAt, true
}

func (t *devices) drop(k deviceKey) {
	delete(t.byOwner[k.owner], k.id)
	t.n--
	if len(t.byOwner[k.owner]) == 0 {
		delete(t.byOwner, k.owner)
	}
}
