package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// ForgetOtherDevices forgets the devices of the subject but the one of the session that is named, so that whoever has used the account elsewhere is a
// stranger there, to whom no limit of its own applies and of whom the owner is told. Without such a session nothing is forgotten: with no device
// left, nobody would be told of the next one.
func (m *Manager) ForgetOtherDevices(ctx context.Context, s authn.Subject, keep string) error {
	if m.deps.Devices == nil || keep == "" {
		return nil
	}
	record, err := m.deps.Store.Session(ctx, s.Tenant, keep)
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return nil
	case err == nil && (record.Subject != s || record.DeviceID == ""):
		return nil
	case err == nil:
		err = m.forgetOthers(ctx, record)
	}
	if err != nil {
		return fmt.Errorf("session: forget the other devices: %w", err)
	}
	return nil
}

// forgetOthers leaves the session's own device, also where so many others were seen since that it was dropped.
func (m *Manager) forgetOthers(ctx context.Context, r Record) error {
	if err := m.deps.Devices.DeleteDevices(ctx, r.Subject, r.DeviceID); err != nil {
		return err
	}
	own := Device{Subject: r.Subject, ID: r.DeviceID, FirstSeenAt: r.CreatedAt, LastSeenAt: r.CreatedAt}
	_, _, err := m.deps.Devices.SeeDevice(ctx, own, mostDevices)
	return err
}

// Erase forgets the devices of an account that is deleted. Its sessions were ended before; their records are pruned like those of others.
func (m *Manager) Erase(ctx context.Context, s authn.Subject) error {
	if m.deps.Devices == nil {
		return nil
	}
	if err := m.deps.Devices.DeleteDevices(ctx, s, ""); err != nil {
		return fmt.Errorf("session: forget the devices of an account: %w", err)
	}
	return nil
}
