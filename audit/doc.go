// Package audit says what happened: typed events, told after the act, with no
// veto. It is a leaf: it imports no other package of this module.
//
//	bus := audit.NewBus(slog.Default(), time.Now)
//	bus.Subscribe(audit.ListenerFunc(func(ctx context.Context, e audit.Event) {
//		metrics.Count(string(e.Type))
//	}))
//
// No event holds a password, a token, a cookie or a key.
package audit
