package bundle

import (
	"context"
	"slices"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/internal/slot"
)

type rolesIn struct {
	fx.In
	Ports      ports
	Roles      slot.Members[[]authz.Role]
	Policies   slot.Members[[]policy.Source]
	Attributes slot.Members[authz.AttributeSource]
	Recorder   slot.Members[authz.Recorder]
	View       *authn.Revocations
	Events     *audit.Bus
	Logger     logger
}

func (s Settings) newRoles(in rolesIn) (*authz.Service, error) {
	files, schemas, err := s.Roles.Policies.Read()
	if err != nil {
		return nil, s.loud(err)
	}
	deps := authz.Deps{
		Rules: in.Ports.rules, Assignments: in.Ports.assignments, Extra: slices.Concat(slot.Values(in.Roles.List)...),
		Policies: slices.Concat(slices.Concat(slot.Values(in.Policies.List)...), files), Schemas: schemas,
		Revocations: in.View, Events: in.Events, Log: in.Logger.named(), Rand: s.Rand, Now: s.Now,
	}
	deps.Attributes, _ = slot.Or(in.Attributes.List, none[authz.AttributeSource])
	deps.Recorder, _ = slot.Or(in.Recorder.List, none[authz.Recorder])
	service, err := authz.New(s.Roles, deps)
	return service, s.loud(err)
}

// rereadRules compares rules in memory with the store until the application stops.
func rereadRules(lc fx.Lifecycle, service *authz.Service) {
	background(lc, func(ctx context.Context) { every(ctx, authz.RereadEvery, func() { service.Reread(ctx) }) })
}

// none is the fallback of a part that need not be there.
func none[T any]() (part T, err error) { return part, nil }
