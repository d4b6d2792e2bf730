package main

import (
	"context"
	"log/slog"

	"github.com/authmodule/authmodule/session"
)

// notifier stands for the mail that an application would send.
type notifier struct{ log *slog.Logger }

func newNotifier(log *slog.Logger) session.DeviceNotifier { return notifier{log} }

// NotifyNewDevice implements [session.DeviceNotifier].
func (n notifier) NotifyNewDevice(ctx context.Context, d session.NewDevice) error {
	n.log.InfoContext(ctx, "a mail would say: somebody logged in on a new device", "account", d.Subject.ID, "device", d.Session.Device, "ip", d.Session.IP)
	return nil
}
