package authz

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

const decisionIDBytes = 8

// deny returns the denial, and tells the audit log when p is somebody.
func (s *Service) deny(ctx context.Context, p *authn.Principal, required, reason string) Decision {
	d := Decision{ID: s.decisionID(ctx), Required: clip(required, longestRequired), Reason: reason}
	if s.deps.Events == nil || !authenticated(p) {
		return d
	}
	detail := map[string]string{"decision": d.ID, "required": d.Required}
	if p.KeyID != "" {
		detail["key"] = p.KeyID
	}
	s.emit(ctx, audit.Event{
		Type:      audit.AccessDenied,
		Tenant:    string(p.Subject.Tenant),
		Subject:   p.Subject.ID,
		SessionID: p.SessionID,
		Reason:    reason,
		Detail:    detail,
	})
	return d
}

// nothingRequired denies a check that names nothing. An anonymous caller is
// told no more than otherwise.
func (s *Service) nothingRequired(ctx context.Context, p *authn.Principal, what string) (Decision, error) {
	reason := ReasonError
	if !authenticated(p) {
		reason = ReasonAnonymous
	}
	return s.deny(ctx, p, "", reason), fmt.Errorf("%w: name at least one %s", ErrNothingRequired, what)
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
