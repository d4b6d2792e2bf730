package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type devices struct {
	g *Guard
	s session.DeviceStore
}

var _ session.DeviceStore = devices{}

// Devices guards the devices of accounts.
func (g *Guard) Devices(s session.DeviceStore) session.DeviceStore { return devices{g, s} }

// SeeDevice implements [session.DeviceStore].
func (p devices) SeeDevice(ctx context.Context, d session.Device, limit int) (session.Device, bool, error) {
	type sight struct {
		device session.Device
		fresh  bool
	}
	got, err := write(ctx, p.g, "SeeDevice", func(ctx context.Context) (sight, error) {
		device, fresh, err := p.s.SeeDevice(ctx, d, limit)
		return sight{device, fresh}, err
	})
	return got.device, got.fresh, err
}

// RenameDevice implements [session.DeviceStore].
func (p devices) RenameDevice(ctx context.Context, s authn.Subject, id, name string) error {
	return do(ctx, p.g, "RenameDevice", func(ctx context.Context) error { return p.s.RenameDevice(ctx, s, id, name) })
}

// Devices implements [session.DeviceStore].
func (p devices) Devices(ctx context.Context, s authn.Subject) ([]session.Device, error) {
	return read(ctx, p.g, "Devices", func(ctx context.Context) ([]session.Device, error) { return p.s.Devices(ctx, s) })
}

// DeleteDevices implements [session.DeviceStore].
func (p devices) DeleteDevices(ctx context.Context, s authn.Subject, except string) error {
	return do(ctx, p.g, "DeleteDevices", func(ctx context.Context) error { return p.s.DeleteDevices(ctx, s, except) })
}

// PruneDevices implements [session.DeviceStore].
func (p devices) PruneDevices(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneDevices", func(ctx context.Context) (int, error) { return p.s.PruneDevices(ctx, before) })
}
