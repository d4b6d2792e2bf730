package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mileusna/useragent"

	"github.com/authmodule/authmodule/authn"
)

// Info is a live session as its owner sees it. Nothing in it authenticates.
type Info struct {
	ID      string
	Subject authn.Subject
	Carrier authn.Carrier
	// Device is what the client says it is, such as "Firefox on Linux".
	Device string
	// DeviceID names the device for [Manager.RenameDevice]; empty where none is known.
	DeviceID string
	// DeviceName is what the owner or the device itself calls it, empty without a name.
	DeviceName string
	IP         string
	// Place is what the [Locator] says about IP.
	Place     string
	UserAgent string
	// Remember says that the session has the longer lifetime.
	Remember bool
	Methods  []string
	// MFATime and Actor are as in [authn.Session].
	MFATime time.Time
	Actor   string
	// Confirmation is what the session is bound to.
	Confirmation authn.Confirmation
	CreatedAt    time.Time
	LastUsedAt   time.Time
	// ExpiresAt is when the session ends if it is not used again.
	ExpiresAt time.Time
}

// List returns the live sessions of the subject, the last used first.
func (m *Manager) List(ctx context.Context, s authn.Subject) ([]Info, error) {
	records, err := m.deps.Store.Sessions(ctx, s, m.deps.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("session: list: %w", err)
	}
	out, err := m.infos(ctx, records)
	if err != nil {
		return nil, err
	}
	names, err := m.deviceNames(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].DeviceName = names[out[i].DeviceID]
	}
	slices.SortStableFunc(out, func(a, b Info) int { return b.LastUsedAt.Compare(a.LastUsedAt) })
	return out, nil
}

// InTenant returns the live sessions of a tenant, by ID, those after the given
// one; at most limit, and [MaxPage]. Next, if not empty, is the ID after which there may be further ones; a page may be
// short, or empty, all the same. The names of devices are left out.
func (m *Manager) InTenant(ctx context.Context, t authn.Tenant, after string, limit int) (page []Info, next string, err error) {
	limit = min(max(limit, 1), MaxPage)
	found, err := m.deps.Store.TenantSessions(ctx, t, m.deps.Now().UTC(), after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("session: list a tenant's: %w", err)
	}
	page, err = m.infos(ctx, found.Records)
	if err != nil {
		return nil, "", err
	}
	return page, found.Next, nil
}

// MaxPage is the most that [Manager.InTenant] returns at once.
const MaxPage = 200

// infos describes the sessions that did not end with all of their account or tenant.
func (m *Manager) infos(ctx context.Context, records []Record) ([]Info, error) {
	out := make([]Info, 0, len(records))
	now := m.deps.Now()
	for _, r := range records {
		if m.outlived(&r, now) {
			continue
		}
		ended, err := m.deps.Revocations.EndedSince(ctx, r.Subject, r.Epoch)
		if err != nil {
			return nil, fmt.Errorf("session: list: %w", err)
		}
		if ended {
			continue
		}
		m.addUses(&r)
		info := r.info()
		info.Place = m.place(ctx, info.IP)
		out = append(out, info)
	}
	return out, nil
}

func (m *Manager) deviceNames(ctx context.Context, s authn.Subject) (map[string]string, error) {
	devices, err := m.Devices(ctx, s)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(devices))
	for _, d := range devices {
		names[d.ID] = d.Name
	}
	return names, nil
}

func (r Record) info() Info {
	expires := r.IdleAt
	if r.EndsAt.Before(expires) {
		expires = r.EndsAt
	}
	return Info{
		ID: r.ID, Subject: r.Subject, Carrier: r.Carrier, Device: r.Device, DeviceID: r.DeviceID, Remember: r.Remember, IP: r.IP, UserAgent: r.UserAgent, Methods: r.Methods, Confirmation: r.Confirmation,
		MFATime: r.MFATime, Actor: r.Actor,
		CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, ExpiresAt: expires,
	}
}

const unknownDevice = "Unknown device"

// DeviceName turns a User-Agent header into words: "Chrome on macOS". It is
// what the client says of itself, and proves nothing.
func DeviceName(header string) string {
	header = authn.CleanUserAgent(header)
	if header == "" {
		return unknownDevice
	}
	ua := useragent.Parse(header)
	switch {
	case ua.Name != "" && ua.OS != "":
		return authn.CleanUserAgent(ua.Name + " on " + ua.OS)
	case ua.Name != "":
		return authn.CleanUserAgent(ua.Name)
	}
	return unknownDevice
}
