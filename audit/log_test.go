package audit_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

// logged returns the lines that the log listener writes for the events.
func logged(t testing.TB, events ...audit.Event) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	listener := audit.NewLogListener(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, e := range events {
		listener.On(t.Context(), e)
	}
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		delete(fields, "time")
		lines = append(lines, fields)
	}
	return lines
}

func TestLogListenerLevels(t *testing.T) {
	t.Parallel()
	warnings := []audit.Type{audit.LoginFailed, audit.RefreshReused, audit.BindingFailed, audit.AccessDenied, audit.AdminSetupIssued, audit.MFAFailed, audit.StepUpFailed, audit.ImpersonationStarted, audit.AuditDropped, audit.AuditTampered}
	for _, what := range audit.Types() {
		lines := logged(t, audit.Event{Type: what})
		expected := "INFO"
		for _, w := range warnings {
			if w == what {
				expected = "WARN"
			}
		}
		assert.Equal(t, []map[string]any{{"level": expected, "msg": "audit " + string(what), "event": string(what)}}, lines, "one line, and no empty field")
	}
}

func TestLogListenerFields(t *testing.T) {
	t.Parallel()
	lines := logged(t, audit.Event{
		Type: audit.AccessDenied, Time: epoch, Tenant: "acme", Subject: "u1", Actor: "u2", SessionID: "s1", IP: "192.0.2.1", UserAgent: "curl/8\nlevel=ERROR", Reason: "missing_permission",
		Detail: map[string]string{"permission": "articles.write", "decision": "d1", "empty": ""},
	})
	assert.Equal(t, []map[string]any{{
		"level": "WARN", "msg": "audit access.denied", "event": "access.denied", "tenant": "acme", "subject": "u1", "actor": "u2", "session_id": "s1", "ip": "192.0.2.1",
		"user_agent": "curl/8\nlevel=ERROR", "reason": "missing_permission", "permission": "articles.write", "decision": "d1",
	}}, lines)
}

// What a caller sends, such as a user agent, cannot begin a line of its own.
func TestLogListenerWritesOneLineForEachEvent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	listener := audit.NewLogListener(slog.New(slog.NewTextHandler(&out, nil)))
	listener.On(t.Context(), audit.Event{Type: audit.LoginFailed, UserAgent: "x\r\ntime=now level=INFO msg=\"audit login.succeeded\"", Reason: "\x1b[31m"})
	assert.Equal(t, 1, strings.Count(out.String(), "\n"))
	assert.NotContains(t, out.String(), "\x1b")
}

func TestLogListenerOrdersDetails(t *testing.T) {
	t.Parallel()
	var first string
	for range 20 {
		var out bytes.Buffer
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		audit.NewLogListener(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop}))).On(t.Context(), audit.Event{
			Type: audit.RoleDefined, Detail: map[string]string{"c": "3", "a": "1", "b": "2", "e": "5", "d": "4"},
		})
		if first == "" {
			first = out.String()
		}
		require.Equal(t, first, out.String())
	}
	assert.Contains(t, first, "a=1 b=2 c=3 d=4 e=5")
}

// An event has no field for a password, a token, a cookie or a key, and none of a type that could carry one unseen.
func TestEventHasNoFieldForSecrets(t *testing.T) {
	t.Parallel()
	event := reflect.TypeFor[audit.Event]()
	secret := regexp.MustCompile(`(?i)password|token|cookie|key|secret|hash|credential|email`)
	for field := range event.Fields() {
		assert.NotRegexp(t, secret, field.Name)
		assert.Contains(t, []string{"Type", "Time", "string", "map[string]string"}, nameOf(field.Type), field.Name)
	}
}

func nameOf(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return t.String()
}

func TestTypesAreUniqueAndInThePastTense(t *testing.T) {
	t.Parallel()
	seen := map[audit.Type]bool{}
	form := regexp.MustCompile(`^[a-z_]+\.([a-z]+ed)$`)
	for _, what := range audit.Types() {
		assert.False(t, seen[what], what)
		seen[what] = true
		assert.Regexp(t, form, string(what))
	}
}
