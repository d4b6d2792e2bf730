package bundle

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/google/uuid"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/health"
	"github.com/authmodule/authmodule/internal/storeguard"
	"github.com/authmodule/authmodule/store/memstore"
)

// guarded puts a guard before every store but those in memory, which do no I/O,
// and makes a probe for each.
func (s Settings) guarded(raw ports, l logger) ports {
	p := raw
	add := func(name string, store any, fit func(*storeguard.Guard), probe health.Probe) {
		probe.Name, probe.Driver, probe.Class = name, driverName(store), classOf
		if _, memory := store.(*memstore.Store); !memory {
			g := storeguard.New(storeguard.Config{Port: name, Timeout: s.Store.Timeout, Log: l.named(), Now: s.Now})
			fit(g)
			probe.Seen = seenBy(g)
		}
		if probe.Write == nil {
			probe.WritesWith = writesWith(store, raw)
		}
		p.probes = append(p.probes, probe)
	}
	look := &look{nobody: authn.Subject{ID: uuid.NewString()}, now: s.Now}
	add("users", raw.users, func(g *storeguard.Guard) { p.users = g.Users(raw.users) },
		health.Probe{Read: look.users, Write: unless(same(raw.users, raw.oneTime) || !ours(raw.users), look.updateUser)})
	add("passwords", raw.passwords, func(g *storeguard.Guard) { p.passwords = g.Passwords(raw.passwords) }, health.Probe{Read: look.passwords})
	if s.Passwords.History > 0 {
		add("password_history", raw.history, func(g *storeguard.Guard) { p.history = g.PasswordHistory(raw.history) }, health.Probe{Read: look.history})
	}
	add("sessions", raw.sessions, func(g *storeguard.Guard) { p.sessions = g.Sessions(raw.sessions) },
		health.Probe{Read: look.sessions, Write: unless(same(raw.sessions, raw.oneTime), look.endSessions)})
	add("devices", raw.devices, func(g *storeguard.Guard) { p.devices = g.Devices(raw.devices) }, health.Probe{Read: look.devices})
	add("revocations", raw.revocations, func(g *storeguard.Guard) { p.revocations = g.Revocations(raw.revocations) },
		health.Probe{Read: look.revocations, Write: unless(same(raw.revocations, raw.oneTime), look.pruneRevocations)})
	add("one_time", raw.oneTime, func(g *storeguard.Guard) { p.oneTime = g.OneTime(raw.oneTime) }, health.Probe{Write: look.putOneTime})
	if !s.Throttle.InsecureDisabled {
		add("counters", raw.counters, func(g *storeguard.Guard) { p.counters = g.Counters(raw.counters) }, health.Probe{Read: look.counters})
	}
	add("rules", raw.rules, func(g *storeguard.Guard) { p.rules = g.Rules(raw.rules) }, health.Probe{Read: look.rules})
	add("assignments", raw.assignments, func(g *storeguard.Guard) { p.assignments = g.Assignments(raw.assignments) }, health.Probe{Read: look.assignments})
	if s.APIKeys.Enabled.Enabled() {
		add("api_keys", raw.apiKeys, func(g *storeguard.Guard) { p.apiKeys = g.APIKeys(raw.apiKeys) }, health.Probe{Read: look.apiKeys})
	}
	if s.MFA.Enabled {
		add("factors", raw.factors, func(g *storeguard.Guard) { p.factors = g.Factors(raw.factors) }, health.Probe{Read: look.factors})
	}
	if s.Tokens.Managed.Enabled {
		add("signing_keys", raw.signingKeys, func(g *storeguard.Guard) { p.signingKeys = g.SigningKeys(raw.signingKeys) }, health.Probe{Read: look.signingKeys})
	}
	if s.Journal.Enabled {
		add("journal", raw.journal, func(g *storeguard.Guard) { p.journal = g.Journal(raw.journal) }, health.Probe{Read: look.journal})
	}
	look.ports = p
	return p
}

// driverName is what a health check calls a store: its configured name, or the type of one of the application's own.
func driverName(store any) string {
	switch s := store.(type) {
	case *memstore.Store:
		return "memory"
	case interface{ DriverName() string }:
		return s.DriverName()
	default:
		return fmt.Sprintf("%T", store)
	}
}

// writesWith names the port whose probe writes to the store.
func writesWith(store any, raw ports) string {
	switch {
	case same(store, raw.oneTime):
		return "one_time"
	case same(store, raw.users):
		return "users"
	default:
		return ""
	}
}

// ours reports a driver of this module. What one of the application's own makes of a change to an account that is not there is not known.
func ours(store any) bool {
	_, named := store.(interface{ DriverName() string })
	return named
}

// same reports whether two ports are one store.
func same(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

func unless(not bool, probe func(context.Context) error) func(context.Context) error {
	if not {
		return nil
	}
	return probe
}

func seenBy(g *storeguard.Guard) func() (health.Trouble, uint64) {
	return func() (health.Trouble, uint64) {
		t, _ := g.Trouble()
		return health.Trouble{Class: string(t.Class), Since: t.Since, Last: t.Last, Writes: t.Writes}, g.Failures()
	}
}

func classOf(err error) string {
	if errors.Is(err, authn.ErrRevocationsStale) {
		return "stale"
	}
	return string(storeguard.ClassOf(err))
}
