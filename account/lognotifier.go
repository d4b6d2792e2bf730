package account

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// LogNotifier returns a [Notifier] for development that sends nothing: it logs one line for each notice, as a warning, with the
// link or the code in clear. Whoever reads the log can act as the account, which is why staging and production refuse
// [NotifierLog]. It is safe for concurrent use and never fails.
func LogNotifier(log *slog.Logger) Notifier { return logNotifier{log} }

type logNotifier struct{ log *slog.Logger }

var _ Notifier = logNotifier{}

// Notify implements [Notifier].
func (l logNotifier) Notify(ctx context.Context, n Notice) error {
	attrs := []slog.Attr{slog.String("kind", string(n.Kind)), slog.String("to", n.To)}
	if n.Link != "" {
		attrs = append(attrs, slog.String("link", n.Link.Reveal()))
	}
	if n.Code != "" {
		attrs = append(attrs, slog.String("code", n.Code.Reveal()))
	}
	if !n.Expires.IsZero() {
		attrs = append(attrs, slog.String("expires", n.Expires.UTC().Format(time.RFC3339)))
	}
	for _, name := range slices.Sorted(maps.Keys(n.Facts)) {
		attrs = append(attrs, slog.String("fact."+name, n.Facts[name]))
	}
	l.log.LogAttrs(ctx, slog.LevelWarn, "notice for development, not sent", attrs...)
	return nil
}
