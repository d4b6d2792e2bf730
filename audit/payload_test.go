package audit_test

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

func fullEvent() audit.Event {
	return audit.Event{
		ID: "e1", Type: audit.AccessDenied, Time: epoch.Add(123456 * time.Microsecond), Tenant: "acme", Subject: "u1", Actor: "u2", SessionID: "s1", IP: "192.0.2.1",
		UserAgent: "curl", Reason: "r", Detail: map[string]string{"b": "2", "a": "1"},
	}
}

func TestPayloadIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	e := fullEvent()
	e.Time = e.Time.Add(999).In(time.FixedZone("far", 3600))
	w, err := audit.NewWaiting(e)
	require.NoError(t, err)
	assert.Equal(t, `{"v":1,"id":"e1","type":"access.denied","time":"2026-01-02T03:04:05.123456Z","tenant":"acme","subject":"u1","actor":"u2","session_id":"s1",`+
		`"ip":"192.0.2.1","user_agent":"curl","reason":"r","detail":{"a":"1","b":"2"}}`, string(w.Payload))
	read, err := w.Event()
	require.NoError(t, err)
	assert.Equal(t, fullEvent(), read)
	assert.Equal(t, fullEvent().Time, w.Time)
	again, err := audit.NewWaiting(read)
	require.NoError(t, err)
	assert.Equal(t, w, again)
}

// What a client sends, such as its User-Agent, may be anything and of any length.
func TestHostileEventIsWritten(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"long": strings.Repeat("x", 1<<20), "controls": strings.Repeat("\x01", 1<<20), "runes": strings.Repeat("ü", 1<<20), "no UTF-8": strings.Repeat("\xff", 1<<20),
		"cut in a rune": strings.Repeat("a", 1023) + "🔑", "markup": "<script>&\u2028",
	} {
		e := audit.Event{ID: text, Type: audit.Type(text), Time: epoch, Tenant: text, Subject: text, Actor: text, SessionID: text, IP: text, UserAgent: text, Reason: text, Detail: map[string]string{text: text}}
		for i := range 100 {
			e.Detail[strconv.Itoa(i)] = text
		}
		w, err := audit.NewWaiting(e)
		require.NoError(t, err, name)
		assert.LessOrEqual(t, len(w.Payload), audit.MaxPayload, name)
		assert.True(t, utf8.Valid(w.Payload), name)
		read, err := w.Event()
		require.NoError(t, err, name)
		assert.Equal(t, w.Tenant, read.Tenant, name)
		assert.Equal(t, w.Subject, read.Subject, name)
		assert.Equal(t, w.ID, read.ID, name)
		assert.Equal(t, w.Type, read.Type, name)
	}
	e := fullEvent()
	for i := range 100 {
		e.Detail[strconv.Itoa(i)] = strings.Repeat("x", 1024)
	}
	w, err := audit.NewWaiting(e)
	require.NoError(t, err)
	read, err := w.Event()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"truncated": "true"}, read.Detail)
}

func TestPayloadsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "null", "{}", "[]", `{"v":1}`, `{"v":2,"id":"a","time":"2026-01-02T03:04:05Z"}`, `{"v":1,"id":"","time":"2026-01-02T03:04:05Z"}`, `{"v":1,"id":"a","time":"yesterday"}`,
		`{"v":1,"id":"a","time":"2026-01-02T03:04:05Z"} x`, `{"v":1,"id":1}`, strings.Repeat(" ", audit.MaxPayload+1),
	} {
		_, err := audit.Waiting{Payload: []byte(raw)}.Event()
		assert.ErrorIs(t, err, audit.ErrPayload, "%.60s", raw)
	}
	_, err := audit.NewWaiting(audit.Event{ID: "a"})
	assert.Error(t, err)
}

// Whatever a store returns is an event or an error, and an event is written as it was read.
func FuzzPayload(f *testing.F) {
	w, err := audit.NewWaiting(fullEvent())
	require.NoError(f, err)
	f.Add(w.Payload)
	f.Add([]byte(`{"v":1,"id":"a","time":"0001-01-01T00:00:00Z","detail":{"":""}}`))
	f.Add([]byte(`{"v":1,"id":"a","time":"9999-12-31T23:59:59-23:59"}`))
	f.Add([]byte(`{"v":1,"id":"a","time":"0000-01-01T00:00:00+23:59"}`))
	f.Add([]byte(`{"v":1,"id":"\ud800","time":"2026-01-02T03:04:05.1234567+23:59","user_agent":"\u0000"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := audit.Waiting{Payload: bytes.Clone(raw)}.Event()
		if err != nil {
			require.ErrorIs(t, err, audit.ErrPayload)
			return
		}
		written, err := audit.NewWaiting(e)
		if e.Time.IsZero() {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(written.Payload), audit.MaxPayload)
		read, err := written.Event()
		require.NoError(t, err)
		again, err := audit.NewWaiting(read)
		require.NoError(t, err)
		require.Equal(t, written, again)
		if _, cut := read.Detail["truncated"]; len(raw) < 1024 && !cut {
			require.True(t, maps.Equal(e.Detail, read.Detail), "%v %v", e.Detail, read.Detail)
		}
	})
}
