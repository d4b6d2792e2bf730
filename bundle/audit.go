package bundle

import (
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/internal/slot"
)

func (s Settings) newBus(l logger) *audit.Bus {
	bus := audit.NewBus(l.named(), s.Now)
	bus.Subscribe(audit.NewLogListener(l.named()))
	return bus
}

// subscribe adds the application's listeners in an Invoke, so that a listener
// may itself use the services.
func subscribe(_ slot.Checked, bus *audit.Bus, listeners slot.Members[audit.Listener]) {
	for _, listener := range slot.Values(listeners.List) {
		bus.Subscribe(listener)
	}
}
