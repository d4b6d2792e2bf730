package storetest

import (
	"testing"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
)

// Stores are the ports of one driver. One value may implement several.
type Stores struct {
	Users       authn.UserStore
	Passwords   authn.PasswordStore
	Revocations authn.RevocationStore
	OneTimes    authn.OneTimeStore
	APIKeys     authn.APIKeyStore
	Keys        authn.KeyStore
	Sessions    session.Store
	Devices     session.DeviceStore
	Roles       authz.RoleStore
	Assignments authz.AssignmentStore
}

// Run tests every port. The function open returns empty stores each time it is called.
func Run(t *testing.T, open func(t *testing.T) Stores) {
	t.Run("UserStore", func(t *testing.T) {
		UserStore(t, func(t *testing.T) authn.UserStore { return open(t).Users })
	})
	t.Run("PasswordStore", func(t *testing.T) {
		PasswordStore(t, func(t *testing.T) authn.PasswordStore { return open(t).Passwords })
	})
	t.Run("RevocationStore", func(t *testing.T) {
		RevocationStore(t, func(t *testing.T) authn.RevocationStore { return open(t).Revocations })
	})
	t.Run("OneTimeStore", func(t *testing.T) {
		OneTimeStore(t, func(t *testing.T) authn.OneTimeStore { return open(t).OneTimes })
	})
	t.Run("APIKeyStore", func(t *testing.T) {
		APIKeyStore(t, func(t *testing.T) authn.APIKeyStore { return open(t).APIKeys })
	})
	t.Run("KeyStore", func(t *testing.T) {
		KeyStore(t, func(t *testing.T) authn.KeyStore { return open(t).Keys })
	})
	t.Run("SessionStore", func(t *testing.T) {
		SessionStore(t, func(t *testing.T) session.Store { return open(t).Sessions })
	})
	t.Run("DeviceStore", func(t *testing.T) {
		DeviceStore(t, func(t *testing.T) session.DeviceStore { return open(t).Devices })
	})
	t.Run("RoleStore", func(t *testing.T) {
		RoleStore(t, func(t *testing.T) authz.RoleStore { return open(t).Roles })
	})
	t.Run("AssignmentStore", func(t *testing.T) {
		AssignmentStore(t, func(t *testing.T) authz.AssignmentStore { return open(t).Assignments })
	})
}
