// Package audit says what happened: typed events, told after the act, with no
// veto. It is a leaf: it imports no other package of this module.
//
//	bus := audit.NewBus(slog.Default(), time.Now)
//	bus.Subscribe(audit.ListenerFunc(func(ctx context.Context, e audit.Event) {
//		metrics.Count(string(e.Type))
//	}))
//
// No event holds a password, a token, a cookie or a key.
//
// A [Journal] keeps events durably and shows what was changed in it. So that an event is there if and only if its act is, code that
// changes a store makes an [Act] of the event, gives its context to the one call that does it, and tells of it afterwards:
//
//	act := bus.Act(audit.Event{Type: audit.UserDisabled, Subject: id})
//	if err := users.UpdateUser(act.In(ctx), user); err != nil {
//		return err
//	}
//	act.Tell(ctx)
//
// In is for that call alone: the events go with the first write of the context that changes something. Where the events depend on what the
// store answers, [Bus.ActOf] takes a function of it. Where another service does the act, it is offered: [Act.Offer] in the
// caller, [Offered] in the service, right at its store. What comes with no change, such as a failed login, is [Bus.Emit].
package audit
