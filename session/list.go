package session

import (
	"context"
	"fmt"
	"time"

	"github.com/mileusna/useragent"

	"github.com/authmodule/authmodule/authn"
)

// Info is a live session as its owner sees it. Nothing in it authenticates.
type Info struct {
	ID      string
	Carrier authn.Carrier
	// Device is a readable name such as "Firefox on Linux".
	Device    string
	IP        string
	UserAgent string
	Methods   []string
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
	out := make([]Info, 0, len(records))
	for _, r := range records {
		ended, err := m.deps.Revocations.EndedSince(ctx, r.Subject, r.Epoch)
		if err != nil {
			return nil, fmt.Errorf("session: list: %w", err)
		}
		if !ended {
			out = append(out, r.info())
		}
	}
	return out, nil
}

func (r Record) info() Info {
	expires := r.IdleAt
	if r.EndsAt.Before(expires) {
		expires = r.EndsAt
	}
	return Info{
		ID: r.ID, Carrier: r.Carrier, Device: r.Device, IP: r.IP, UserAgent: r.UserAgent, Methods: r.Methods, Confirmation: r.Confirmation,
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
