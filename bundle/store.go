package bundle

import (
	"database/sql"
	"fmt"
	"sync"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/health"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// driver is what every driver under store/ implements.
type driver interface {
	authn.UserStore
	authn.PasswordStore
	authn.PasswordHistoryStore
	authn.RevocationStore
	authn.OneTimeStore
	authn.CounterStore
	authn.APIKeyStore
	authn.KeyStore
	session.Store
	session.DeviceStore
	mfa.FactorStore
	authz.RuleStore
	authz.AssignmentStore
	audit.JournalStore
}

// ports are the stores in use, each the application's own or the driver.
type ports struct {
	users       authn.UserStore
	passwords   authn.PasswordStore
	history     authn.PasswordHistoryStore
	revocations authn.RevocationStore
	oneTime     authn.OneTimeStore
	counters    authn.CounterStore
	apiKeys     authn.APIKeyStore
	signingKeys authn.KeyStore
	sessions    session.Store
	devices     session.DeviceStore
	factors     mfa.FactorStore
	rules       authz.RuleStore
	assignments authz.AssignmentStore
	// journal is nil when there is none.
	journal audit.JournalStore
	// probes look at each of them.
	probes []health.Probe
}

type portOverrides struct {
	fx.In
	Checked     slot.Checked
	Users       slot.Members[authn.UserStore]
	Passwords   slot.Members[authn.PasswordStore]
	History     slot.Members[authn.PasswordHistoryStore]
	Revocations slot.Members[authn.RevocationStore]
	OneTime     slot.Members[authn.OneTimeStore]
	Counters    slot.Members[authn.CounterStore]
	APIKeys     slot.Members[authn.APIKeyStore]
	SigningKeys slot.Members[authn.KeyStore]
	Sessions    slot.Members[session.Store]
	Devices     slot.Members[session.DeviceStore]
	Factors     slot.Members[mfa.FactorStore]
	Rules       slot.Members[authz.RuleStore]
	Assignments slot.Members[authz.AssignmentStore]
	Journal     slot.Members[audit.JournalStore]
	Database    slot.Members[*sql.DB]
	Redis       redisSlot
	Lifecycle   fx.Lifecycle
	Logger      logger
}

func (s Settings) newPorts(in portOverrides) (p ports, err error) {
	shared := sync.OnceValues(func() (driver, error) { return s.openDriver(in) })
	redis := s.redis(in.Redis)
	var errs [14]error
	p.users, errs[0] = port(in.Users, shared)
	p.passwords, errs[1] = port(in.Passwords, shared)
	p.revocations, errs[2] = portIn(in.Revocations, redis, shared)
	p.oneTime, errs[3] = portIn(in.OneTime, redis, shared)
	p.sessions, errs[4] = portIn(in.Sessions, redis, shared)
	p.rules, errs[5] = port(in.Rules, shared)
	p.assignments, errs[6] = port(in.Assignments, shared)
	p.apiKeys, errs[7] = port(in.APIKeys, shared)
	p.signingKeys, errs[8] = port(in.SigningKeys, shared)
	p.devices, errs[9] = port(in.Devices, shared)
	p.counters, errs[10] = portIn(in.Counters, redis, shared)
	p.factors, errs[11] = port(in.Factors, shared)
	if s.Journal.Enabled {
		p.journal, errs[12] = port(in.Journal, shared)
	}
	if s.Passwords.History > 0 {
		p.history, errs[13] = port(in.History, shared)
	}
	for _, err := range errs {
		if err != nil {
			return ports{}, s.loud(err)
		}
	}
	keepOutbox(p.journal)
	return s.guarded(p, in.Logger), nil
}

// keepOutbox has the database that keeps the journal write events in the transactions of their acts.
func keepOutbox(journal audit.JournalStore) {
	if store, can := journal.(interface{ KeepOutbox(on bool) }); can {
		store.KeepOutbox(true)
	}
}

// port returns the application's own store, or the driver, which is opened
// only when somebody needs it.
func port[T any](override slot.Members[T], shared func() (driver, error)) (T, error) {
	return slot.Or(override.List, func() (T, error) {
		var none T
		opened, err := shared()
		if err != nil {
			return none, err
		}
		return any(opened).(T), nil
	})
}

func (s Settings) openDriver(in portOverrides) (driver, error) {
	switch s.Store.Driver {
	case "memory":
		return memstore.NewBounded(s.Store.MaxRecords), nil
	case "sqlite", "postgres":
		return s.openSQL(in)
	}
	return nil, fmt.Errorf("authmodule: auth.store.driver %q is not known; use postgres, sqlite or memory", s.Store.Driver)
}
