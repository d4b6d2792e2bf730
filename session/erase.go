package session

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// Erase forgets the devices of an account that is deleted. Its sessions were ended before; their records are pruned like those of others.
func (m *Manager) Erase(ctx context.Context, s authn.Subject) error {
	if m.deps.Devices == nil {
		return nil
	}
	if err := m.deps.Devices.DeleteDevices(ctx, s); err != nil {
		return fmt.Errorf("session: forget the devices of an account: %w", err)
	}
	return nil
}
