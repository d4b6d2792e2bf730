package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxPayload is the longest payload that is written or read, in bytes.
	MaxPayload = 64 << 10
	// maxText is how much of each text is written, in bytes: written as JSON, all fields but the detail stay below MaxPayload.
	maxText = 1 << 10
	// maxName is how much of a name that stores look for is written: two of them must fit an index of PostgreSQL, in whatever way they are escaped.
	maxName = 512
	// payloadVersion is the form of what is written.
	payloadVersion = 1
)

// ErrPayload: the payload is none that the journal writes.
var ErrPayload = errors.New("audit: the payload is no event")

// payload is an event as it is written. The order of the fields is that of the bytes.
type payload struct {
	Version   int               `json:"v"`
	ID        string            `json:"id"`
	Type      Type              `json:"type"`
	Time      string            `json:"time"`
	Tenant    string            `json:"tenant,omitempty"`
	Subject   string            `json:"subject,omitempty"`
	Actor     string            `json:"actor,omitempty"`
	SessionID string            `json:"session_id,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

// Waiting is an event that was written and is not in the chain yet. Payload is what the chain covers; the other fields
// repeat what the store looks for.
type Waiting struct {
	ID, Tenant, Subject string
	Type                Type
	// Time is in UTC, to the microsecond.
	Time    time.Time
	Payload []byte
}

// NewWaiting writes an event, which must have an ID and a time. Texts are made valid UTF-8 and cut to 1 KiB, tenant and subject to 512 bytes, and a
// detail that makes the event longer than [MaxPayload] is left out, with "truncated" in its place.
func NewWaiting(e Event) (Waiting, error) {
	if e.ID == "" || e.Time.IsZero() {
		return Waiting{}, errors.New("audit: an event without an ID or a time cannot be written")
	}
	p := payloadOf(e)
	raw, err := json.Marshal(p)
	if len(raw) > MaxPayload {
		p.Detail = map[string]string{"truncated": "true"}
		raw, err = json.Marshal(p)
	}
	if err != nil || len(raw) > MaxPayload {
		return Waiting{}, fmt.Errorf("audit: event %s cannot be written: %w", e.ID, errors.Join(ErrPayload, err))
	}
	return p.waiting(e.Time, raw), nil
}

func payloadOf(e Event) payload {
	p := payload{
		Version: payloadVersion, ID: text(e.ID), Type: Type(text(string(e.Type))), Time: stamp(e.Time).Format(time.RFC3339Nano), Tenant: cut(e.Tenant, maxName),
		Subject: cut(e.Subject, maxName), Actor: text(e.Actor), SessionID: text(e.SessionID), IP: text(e.IP), UserAgent: text(e.UserAgent), Reason: text(e.Reason),
	}
	if len(e.Detail) > 0 {
		p.Detail = make(map[string]string, len(e.Detail))
		for key, value := range e.Detail {
			p.Detail[text(key)] = text(value)
		}
	}
	return p
}

func (p payload) waiting(at time.Time, raw []byte) Waiting {
	return Waiting{ID: p.ID, Tenant: p.Tenant, Subject: p.Subject, Type: p.Type, Time: stamp(at), Payload: raw}
}

// stamp is t as it is stored: to the microsecond, in a year that RFC 3339 can hold. The first instant of 1970, which SQL stores take for no time, is
// the next one.
func stamp(t time.Time) time.Time {
	t = t.Truncate(time.Microsecond).UTC()
	const firstYear, lastYear = 1, 9999
	switch year := t.Year(); {
	case year < firstYear || t.IsZero():
		return time.Time{}.Add(time.Microsecond)
	case year > lastYear:
		return time.Date(lastYear, time.December, 31, 23, 59, 59, 0, time.UTC)
	case t.UnixMicro() == 0:
		return t.Add(time.Microsecond)
	}
	return t
}

// text is s as JSON can hold it, and not longer than it may be.
func text(s string) string { return cut(s, maxText) }

// cut is s as valid UTF-8, of at most so many bytes.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(s[:min(len(s), 2*most)], string(utf8.RuneError))
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Event reads the payload. It returns [ErrPayload] for one that is no event.
func (w Waiting) Event() (Event, error) {
	if len(w.Payload) > MaxPayload {
		return Event{}, fmt.Errorf("%w: it has %d bytes, and at most %d are read", ErrPayload, len(w.Payload), MaxPayload)
	}
	var p payload
	if err := json.Unmarshal(w.Payload, &p); err != nil { // what it holds is not repeated
		return Event{}, fmt.Errorf("%w: it is no JSON object of an event", ErrPayload)
	}
	at, err := time.Parse(time.RFC3339Nano, p.Time)
	if err != nil || p.Version != payloadVersion || p.ID == "" {
		return Event{}, fmt.Errorf("%w: it has no ID, no time or an unknown version", ErrPayload)
	}
	return Event{
		ID: p.ID, Type: p.Type, Time: at.UTC(), Tenant: p.Tenant, Subject: p.Subject, Actor: p.Actor, SessionID: p.SessionID,
		IP: p.IP, UserAgent: p.UserAgent, Reason: p.Reason, Detail: p.Detail,
	}, nil
}

// faithful reports whether the fields say what the payload says.
func (w Waiting) faithful() bool {
	e, err := w.Event()
	return err == nil && e.ID == w.ID && e.Tenant == w.Tenant && e.Subject == w.Subject && e.Type == w.Type && e.Time.Equal(w.Time)
}
