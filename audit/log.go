package audit

import (
	"context"
	"log/slog"
	"maps"
	"slices"
)

// NewLogListener returns a listener that writes each event as one structured
// line: refusals and reuse as warnings, the rest as information.
func NewLogListener(log *slog.Logger) Listener {
	return ListenerFunc(func(ctx context.Context, e Event) {
		log.LogAttrs(ctx, level(e.Type), "audit "+string(e.Type), attrs(e)...)
	})
}

func level(t Type) slog.Level {
	switch t {
	case LoginFailed, RefreshReused, BindingFailed, AccessDenied, AdminSetupIssued, MFAFailed, StepUpFailed, ImpersonationStarted, AuditDropped, AuditTampered:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func attrs(e Event) []slog.Attr {
	out := []slog.Attr{slog.String("event", string(e.Type))}
	add := func(key, value string) {
		if value != "" {
			out = append(out, slog.String(key, value))
		}
	}
	add("id", e.ID)
	add("tenant", e.Tenant)
	add("subject", e.Subject)
	add("actor", e.Actor)
	add("session_id", e.SessionID)
	add("ip", e.IP)
	add("user_agent", e.UserAgent)
	add("reason", e.Reason)
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		add(key, e.Detail[key])
	}
	return out
}
