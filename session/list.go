package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mileusna/useragent"

	"github.com/authmodule/authmodule/authn"
)

// Info is a live session as its owner sees it. Nothing in it authenticates.
type Info struct {
	ID      string
	Carrier authn.Carrier
	// Device is a readable name such as "Firefox on Linux".
	Device     string
	IP         string
	UserAgent  string
	Methods    []string
	CreatedAt  time.Time
	LastUsedAt time.Time
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
		out = append(out, r.info())
	}
	return out, nil
}

func (r Record) info() Info {
	expires := r.IdleAt
	if r.EndsAt.Before(expires) {
		expires = r.EndsAt
	}
	return Info{
		ID: r.ID, Carrier: r.Carrier, Device: r.Device, IP: r.IP, UserAgent: r.UserAgent, Methods: r.Methods,
		CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt, ExpiresAt: expires,
	}
}

const (
	longestUserAgent = 512
	unknownDevice    = "Unknown device"
)

// DeviceName turns a User-Agent header into words: "Chrome on macOS". It is
// what the client says of itself, and proves nothing.
func DeviceName(header string) string {
	header = clip(header)
	if header == "" {
		return unknownDevice
	}
	ua := useragent.Parse(header)
	switch {
	case ua.Name != "" && ua.OS != "":
		return printable(ua.Name + " on " + ua.OS)
	case ua.Name != "":
		return printable(ua.Name)
	}
	return unknownDevice
}

func clip(header string) string {
	if len(header) > longestUserAgent {
		header = header[:longestUserAgent]
	}
	return printable(header)
}

// printable replaces what is not printable ASCII, so that a name is harmless in logs and terminals.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
