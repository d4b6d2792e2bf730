package sqlstore

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

const (
	deviceColumns = `tenant, subject_id, id, name, first_seen_at, last_seen_at`

	insertDevice = `INSERT INTO authmodule_devices (` + deviceColumns + `) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	seeDevice = `UPDATE authmodule_devices SET last_seen_at = max(last_seen_at, ?)
		WHERE tenant = ? AND subject_id = ? AND id = ? RETURNING ` + deviceColumns

	devicesOf = `SELECT ` + deviceColumns + ` FROM authmodule_devices WHERE tenant = ? AND subject_id = ? ORDER BY last_seen_at DESC, id DESC`

	// dropDevices drops what comes after the first devices of devicesOf.
	dropDevices = `DELETE FROM authmodule_devices WHERE tenant = ? AND subject_id = ? AND id NOT IN (
		SELECT id FROM authmodule_devices WHERE tenant = ? AND subject_id = ? ORDER BY last_seen_at DESC, id DESC LIMIT ?)`

	deleteDevices = `DELETE FROM authmodule_devices WHERE tenant = ? AND subject_id = ? AND id <> ?`

	renameDevice = `UPDATE authmodule_devices SET name = ? WHERE tenant = ? AND subject_id = ? AND id = ?`
)

var deadDevices = dead{"authmodule_devices", "tenant, subject_id, id", `last_seen_at < ?`}

// SeeDevice implements [session.DeviceStore].
func (s *Store) SeeDevice(ctx context.Context, d session.Device, limit int) (session.Device, bool, error) {
	const op = "see device"
	owner := d.Subject
	known, err := returning(ctx, s, op, scanDevice, seeDevice, micros(d.LastSeenAt), owner.Tenant, owner.ID, d.ID)
	if err != nil {
		return session.Device{}, false, err
	}
	if len(known) == 1 {
		return known[0], false, nil
	}
	var stored session.Device
	var isNew bool
	err = s.write(ctx, op, func(t txn) error {
		if err := t.lockSubject(ctx, lockDevices, owner); err != nil {
			return err
		}
		n, err := t.exec(ctx, insertDevice, owner.Tenant, owner.ID, d.ID, d.Name, micros(d.FirstSeenAt), micros(d.LastSeenAt))
		if isNew = n == 1; isNew && err == nil {
			_, err = t.exec(ctx, dropDevices, owner.Tenant, owner.ID, owner.Tenant, owner.ID, max(limit, 1))
			stored = d
			stored.FirstSeenAt, stored.LastSeenAt = fromMicros(micros(d.FirstSeenAt)), fromMicros(micros(d.LastSeenAt))
			return err
		}
		if err == nil {
			stored, err = oneOf(ctx, t, scanDevice, seeDevice, micros(d.LastSeenAt), owner.Tenant, owner.ID, d.ID)
		}
		return err
	}, insertDevice, dropDevices, seeDevice)
	if err != nil {
		return session.Device{}, false, err
	}
	return stored, isNew, nil
}

// RenameDevice implements [session.DeviceStore].
func (s *Store) RenameDevice(ctx context.Context, owner authn.Subject, id, name string) error {
	n, err := s.exec(ctx, "rename device", renameDevice, name, owner.Tenant, owner.ID, id)
	if err == nil && n == 0 {
		return authn.ErrNotFound
	}
	return err
}

// Devices implements [session.DeviceStore].
func (s *Store) Devices(ctx context.Context, owner authn.Subject) ([]session.Device, error) {
	return list(ctx, s, "devices", scanDevice, devicesOf, owner.Tenant, owner.ID)
}

// PruneDevices implements [session.DeviceStore].
func (s *Store) PruneDevices(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune devices", deadDevices, micros(before))
}

// DeleteDevices implements [session.DeviceStore].
func (s *Store) DeleteDevices(ctx context.Context, owner authn.Subject, except string) error {
	_, err := s.exec(ctx, "delete devices", deleteDevices, owner.Tenant, owner.ID, except)
	return err
}

func scanDevice(row scanner) (d session.Device, err error) {
	err = row.Scan(&d.Subject.Tenant, &d.Subject.ID, &d.ID, &d.Name, instant{&d.FirstSeenAt}, instant{&d.LastSeenAt})
	return d, err
}
