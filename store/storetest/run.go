package storetest

import (
	"testing"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

// Stores are the ports of one driver. One value may implement several.
type Stores struct {
	Users       authn.UserStore
	Passwords   authn.PasswordStore
	History     authn.PasswordHistoryStore
	Revocations authn.RevocationStore
	OneTimes    authn.OneTimeStore
	Counters    authn.CounterStore
	APIKeys     authn.APIKeyStore
	Keys        authn.KeyStore
	Sessions    session.Store
	Devices     session.DeviceStore
	Factors     mfa.FactorStore
	Rules       authz.RuleStore
	Assignments authz.AssignmentStore
	Journal     audit.JournalStore
}

// Run tests every port, and fails for one that is nil: a driver of some ports alone calls their own functions,
// such as [SessionStore]. The function open returns empty stores each time it is called.
func Run(t *testing.T, open func(t *testing.T) Stores) {
	t.Helper()
	section(t, "UserStore", UserStore, open, func(s Stores) authn.UserStore { return s.Users })
	section(t, "PasswordStore", PasswordStore, open, func(s Stores) authn.PasswordStore { return s.Passwords })
	section(t, "PasswordHistoryStore", PasswordHistoryStore, open, func(s Stores) authn.PasswordHistoryStore { return s.History })
	section(t, "RevocationStore", RevocationStore, open, func(s Stores) authn.RevocationStore { return s.Revocations })
	section(t, "OneTimeStore", OneTimeStore, open, func(s Stores) authn.OneTimeStore { return s.OneTimes })
	section(t, "CounterStore", CounterStore, open, func(s Stores) authn.CounterStore { return s.Counters })
	section(t, "APIKeyStore", APIKeyStore, open, func(s Stores) authn.APIKeyStore { return s.APIKeys })
	section(t, "KeyStore", KeyStore, open, func(s Stores) authn.KeyStore { return s.Keys })
	section(t, "SessionStore", SessionStore, open, func(s Stores) session.Store { return s.Sessions })
	section(t, "DeviceStore", DeviceStore, open, func(s Stores) session.DeviceStore { return s.Devices })
	section(t, "FactorStore", FactorStore, open, func(s Stores) mfa.FactorStore { return s.Factors })
	section(t, "RuleStore", RuleStore, open, func(s Stores) authz.RuleStore { return s.Rules })
	section(t, "AssignmentStore", AssignmentStore, open, func(s Stores) authz.AssignmentStore { return s.Assignments })
	section(t, "JournalStore", JournalStore, open, func(s Stores) audit.JournalStore { return s.Journal })
}

// section tests one port.
func section[S any](t *testing.T, name string, suite func(*testing.T, func(*testing.T) S), open func(*testing.T) Stores, port func(Stores) S) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		suite(t, func(t *testing.T) S { return port(open(t)) })
	})
}
