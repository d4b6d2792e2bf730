package session

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// Device is a browser or an app in which an account has signed in.
type Device struct {
	Subject authn.Subject
	// ID is stable and proves nothing: it is a hash of what the device says of itself.
	ID string
	// Name is what the owner calls it, empty until then.
	Name                    string
	FirstSeenAt, LastSeenAt time.Time
}

// DeviceStore keeps the devices of accounts. Every method is one atomic step;
// times are kept to the microsecond. Implementations are safe for concurrent use.
type DeviceStore interface {
	// SeeDevice records that the device was used at d.LastSeenAt. It returns the device as it is
	// then, and whether it is a new one: a known device keeps its Name and FirstSeenAt, and
	// LastSeenAt never moves back. Of concurrent calls for a new device one finds it new. Of more
	// than limit devices of a subject, those seen longest ago are dropped.
	SeeDevice(ctx context.Context, d Device, limit int) (Device, bool, error)
	// RenameDevice changes the name, or returns [authn.ErrNotFound].
	RenameDevice(ctx context.Context, s authn.Subject, id, name string) error
	// Devices returns the subject's devices, the last seen first.
	Devices(ctx context.Context, s authn.Subject) ([]Device, error)
	// DeleteDevices drops all devices of the subject but the one with the ID except, which may be empty; none is no error.
	DeleteDevices(ctx context.Context, s authn.Subject, except string) error
	// PruneDevices drops devices that were last seen before the given time, and returns how many.
	PruneDevices(ctx context.Context, before time.Time) (int, error)
}
