package bundle

import (
	"slices"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
)

func (s Settings) newRoles(p ports, inCode slot.Members[[]authz.Role], view *authn.Revocations, bus *audit.Bus, l logger) (*authz.Service, error) {
	service, err := authz.New(s.Roles, authz.Deps{
		Rules: p.rules, Assignments: p.assignments, Extra: slices.Concat(slot.Values(inCode.List)...),
		Revocations: view, Events: bus, Log: l.named(), Rand: s.Rand, Now: s.Now,
	})
	return service, s.loud(err)
}
