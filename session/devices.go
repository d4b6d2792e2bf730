package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// NewDevice is the first login of an account on a device.
type NewDevice struct {
	Subject authn.Subject
	// Session is the login's.
	Session Info
}

// DeviceNotifier tells the owner of an account that it was used on a new device, by mail for example.
// An error is logged. It is not called for the first device of an account.
type DeviceNotifier interface {
	NotifyNewDevice(ctx context.Context, n NewDevice) error
}

// Locator says in words where an address is, such as "Graz, Austria"; empty when it does not know.
type Locator interface {
	Locate(ctx context.Context, ip netip.Addr) (string, error)
}

const (
	// mostDevices is how many devices are known of an account.
	mostDevices = 50
	// keepDevices is for how long a device is known without a login.
	keepDevices = 400 * 24 * time.Hour
	// mostNotices is how many notices may wait; more are dropped, and the event alone tells of them.
	mostNotices = 256
	deviceBytes = 15
)

// deviceID hashes what the device says of itself: its cookie where there is
// one, else what it is and how it calls itself. Of two accounts on one device it makes two IDs.
func deviceID(s authn.Subject, claim authn.DeviceClaim, client authn.Client) string {
	says := "cookie\x00" + claim.Token.Reveal()
	if claim.Token == "" {
		says = "agent\x00" + DeviceName(client.UserAgent) + "\x00" + claim.Name
	}
	sum := sha256.Sum256([]byte(string(s.Tenant) + "\x00" + s.ID + "\x00" + says))
	return base64.RawURLEncoding.EncodeToString(sum[:deviceBytes])
}

var _ authn.KnownDevices = (*Manager)(nil)

// KnownDevice implements [authn.KnownDevices]: the device's cookie tells it, and nothing that anybody can say.
func (m *Manager) KnownDevice(ctx context.Context, s authn.Subject, claim authn.DeviceClaim) (string, error) {
	if m.deps.Devices == nil || claim.Token == "" || claim.Fresh {
		return "", nil
	}
	devices, err := m.Devices(ctx, s)
	if err != nil {
		return "", err
	}
	id := deviceID(s, claim, authn.Client{})
	if slices.ContainsFunc(devices, func(d Device) bool { return d.ID == id }) {
		return id, nil
	}
	return "", nil
}

// seen records the device of a new session, and tells when it is a new one.
func (m *Manager) seen(ctx context.Context, r Record, name string) error {
	if m.deps.Devices == nil {
		return nil
	}
	device := Device{Subject: r.Subject, ID: r.DeviceID, Name: name, FirstSeenAt: r.CreatedAt, LastSeenAt: r.CreatedAt}
	_, isNew, err := m.deps.Devices.SeeDevice(ctx, device, mostDevices)
	if err != nil {
		return fmt.Errorf("session: record a device: %w", err)
	}
	if !isNew {
		return nil
	}
	all, err := m.deps.Devices.Devices(ctx, r.Subject)
	if err != nil {
		return fmt.Errorf("session: list devices: %w", err)
	}
	m.newDevice(ctx, r, name, len(all) <= 1)
	return nil
}

func (m *Manager) newDevice(ctx context.Context, r Record, name string, first bool) {
	why := "another"
	if first {
		why = "first"
	}
	m.deps.Events.Emit(ctx, audit.Event{
		Type: audit.DeviceAdded, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID,
		IP: r.IP, UserAgent: r.UserAgent, Reason: why, Detail: map[string]string{"device_id": r.DeviceID},
	})
	if first || m.deps.Notifier == nil {
		return
	}
	info := r.info()
	info.DeviceName = name
	select {
	case m.notices <- NewDevice{Subject: r.Subject, Session: info}:
	default:
		m.deps.Log.WarnContext(ctx, "too many new devices at once: the owner of this one is not told", "subject", r.Subject.ID)
	}
}

// notifyTimeout bounds one call of the notifier.
const notifyTimeout = 10 * time.Second

func (m *Manager) notify(ctx context.Context, n NewDevice) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	defer func() {
		if what := recover(); what != nil {
			m.deps.Log.ErrorContext(ctx, "the notifier of new devices panicked", "type", fmt.Sprintf("%T", what))
		}
	}()
	n.Session.Place = m.place(ctx, n.Session.IP)
	if err := m.deps.Notifier.NotifyNewDevice(ctx, n); err != nil {
		m.deps.Log.WarnContext(ctx, "the owner of a new device could not be told", "subject", n.Subject.ID, "error", err)
	}
}

// place asks the locator, whose failure hides nothing else.
func (m *Manager) place(ctx context.Context, ip string) string {
	address, err := netip.ParseAddr(ip)
	if m.deps.Locator == nil || err != nil {
		return ""
	}
	place, err := m.deps.Locator.Locate(ctx, address)
	if err != nil {
		m.deps.Log.WarnContext(ctx, "an address could not be located", "error", err)
		return ""
	}
	return place
}

// Devices returns the devices that the subject has logged in on, the last seen first.
func (m *Manager) Devices(ctx context.Context, s authn.Subject) ([]Device, error) {
	if m.deps.Devices == nil {
		return nil, nil
	}
	list, err := m.deps.Devices.Devices(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("session: list devices: %w", err)
	}
	return list, nil
}

// RenameDevice gives one of the subject's devices another name; an empty one
// takes it away. It returns an [authn.FieldError] for a name that is too long or not printable, and [authn.ErrNotFound].
func (m *Manager) RenameDevice(ctx context.Context, s authn.Subject, id, name string) error {
	if err := authn.CheckDeviceName("name", name); err != nil {
		return err
	}
	if m.deps.Devices == nil || id == "" {
		return authn.ErrNotFound
	}
	act := m.deps.Events.Act(audit.Event{
		Type: audit.DeviceRenamed, Tenant: string(s.Tenant), Subject: s.ID, Detail: map[string]string{"device_id": id},
	})
	if err := m.deps.Devices.RenameDevice(act.In(ctx), s, id, name); err != nil {
		if errors.Is(err, authn.ErrNotFound) {
			return authn.ErrNotFound
		}
		return fmt.Errorf("session: rename a device: %w", err)
	}
	act.Tell(ctx)
	return nil
}
