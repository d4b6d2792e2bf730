package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/store/memstore"
)

var (
	errRefused    = errors.New("bench: a permission was refused")
	errLetThrough = errors.New("bench: one without the permission was let through")
)

// newAuthz returns a service that tells of its denials, as that of every application does; nobody writes them down.
func newAuthz(cfg authz.Config) (*authz.Service, error) { return newAuthzWith(cfg, nil) }

func newAuthzWith(cfg authz.Config, attributes authz.AttributeSource) (*authz.Service, error) {
	store, log := memstore.New(), slog.New(slog.DiscardHandler)
	events := audit.NewBus(log, time.Now)
	events.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) {}))
	return authz.New(cfg, authz.Deps{Rules: store, Assignments: store, Events: events, Log: log, Attributes: attributes})
}

func caller(id, role string) authn.Principal {
	return authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: id}, Roles: []string{role}}
}

// ourDecision is a side that decides about one permission for callers in turn, as a guard
// does that [echoauth.RequirePermissions] made. wanted false is for denials.
func ourDecision(name string, service *authz.Service, callers []authn.Principal, permission string, wanted bool) pair.Side {
	guard, unknown := guardFor(service, permission), guardFor(service, "nothing.known")
	decide := func(p *authn.Principal) error { return expect(wanted)(guard(p)) }
	check := func() error {
		return errors.Join(decide(&callers[0]), expect(false)(unknown(&callers[0])))
	}
	return pair.Side{Name: name, Do: each(pointers(callers), decide), Check: check}
}

// guardFor reads the requirement once, and asks for reasons only when what is in memory does not grant it.
func guardFor(service *authz.Service, permission string) func(*authn.Principal) (bool, error) {
	ctx, required := context.Background(), authz.RequirePermissions(permission)
	return func(p *authn.Principal) (bool, error) {
		if service.Passes(p, required) {
			return true, nil
		}
		return allowed(service.Decide(ctx, p, required))
	}
}

// explainedDecision is a side that asks for the reasons of what is allowed.
func explainedDecision(name string, service *authz.Service, callers []authn.Principal, permission string) pair.Side {
	ctx, required := context.Background(), authz.RequirePermissions(permission)
	decide := func(p *authn.Principal) error { return expect(true)(allowed(service.Decide(ctx, p, required))) }
	return pair.Side{Name: name, Do: each(pointers(callers), decide), Check: func() error { return decide(&callers[0]) }}
}

func pointers(callers []authn.Principal) []*authn.Principal {
	all := make([]*authn.Principal, len(callers))
	for i := range callers {
		all[i] = &callers[i]
	}
	return all
}

func allowed(d authz.Decision, err error) (bool, error) { return d.Allowed, err }

func casbinDecision(name string, e enforcer, users []string, resource, action string, wanted bool) pair.Side {
	decide := func(user string) error { return expect(wanted)(e.Enforce(user, resource, action)) }
	check := func() error {
		return errors.Join(decide(users[0]), expect(false)(e.Enforce(users[0], "nothing", "known")))
	}
	return pair.Side{Name: name, Do: each(users, decide), Check: check}
}

func expect(wanted bool) func(bool, error) error {
	return func(got bool, err error) error {
		if err == nil && got != wanted {
			return fmt.Errorf("%w: allowed is %t", errRefused, got)
		}
		return err
	}
}

func callersOf(p policy, users []string) []authn.Principal {
	callers := make([]authn.Principal, len(users))
	for i, user := range users {
		callers[i] = caller(user, p.top(i))
	}
	return callers
}
