package authz

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

const decisionIDBytes = 8

// denial is why a check is denied.
type denial struct {
	reason, role string
	policies     []string
}

// deny returns the denial, and tells the audit log when p is somebody.
func (s *Service) deny(ctx context.Context, p *authn.Principal, required string, why denial) Decision {
	d := Decision{ID: s.decisionID(ctx), Required: clip(required, longestRequired), Reason: why.reason}
	if s.deps.Events == nil || !authenticated(p) || !s.denied.hits() {
		return d
	}
	e := decided(audit.AccessDenied, p, d.Required, why)
	e.Detail["decision"] = d.ID
	s.emit(ctx, e)
	return d
}

// allow tells the audit log of the decisions that are sampled.
func (s *Service) allow(ctx context.Context, p *authn.Principal, d *Decision) {
	if s.deps.Events != nil && s.granted.hits() {
		s.emit(ctx, decided(audit.AccessGranted, p, d.Required, denial{reason: d.Reason, role: d.Role, policies: d.Policies}))
	}
}

func decided(what audit.Type, p *authn.Principal, required string, why denial) audit.Event {
	detail := map[string]string{"required": required}
	for key, value := range map[string]string{"key": p.KeyID, "role": why.role, "policies": clip(strings.Join(why.policies, ", "), longestRequired)} {
		if value != "" {
			detail[key] = value
		}
	}
	return audit.Event{
		Type: what, Tenant: string(p.Subject.Tenant), Subject: p.Subject.ID, SessionID: p.SessionID, Actor: p.Actor, Reason: why.reason, Detail: detail,
	}
}

// nothingRequired denies a check that names nothing. An anonymous caller is
// told no more than otherwise.
func (s *Service) nothingRequired(ctx context.Context, p *authn.Principal, r Requirement) (Decision, error) {
	reason, what := ReasonError, "permission, scope or role"
	if r.asked != nil {
		what = r.asked.what
	}
	if !authenticated(p) {
		reason = ReasonAnonymous
	}
	return s.deny(ctx, p, "", denial{reason: reason}), fmt.Errorf("%w: name at least one %s", ErrNothingRequired, what)
}

// act is one whose events have the service's time.
func (s *Service) act(events ...audit.Event) *audit.Act {
	for i := range events {
		events[i].Time = s.deps.Now()
	}
	return s.deps.Events.Act(events...)
}

func (s *Service) emit(ctx context.Context, e audit.Event) {
	e.Time = s.deps.Now()
	s.deps.Events.Emit(ctx, e)
}

// decisionID is empty when there is no randomness; that must not turn a denial into anything else.
func (s *Service) decisionID(ctx context.Context) string {
	var id [decisionIDBytes]byte
	if _, err := io.ReadFull(s.deps.Rand, id[:]); err != nil {
		s.log.ErrorContext(ctx, "denial without an ID", "error", err)
		return ""
	}
	return hex.EncodeToString(id[:])
}
