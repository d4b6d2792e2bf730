package transport_test

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
)

func (f *faulty) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	return guarded(ctx, f, "CreateSession", func() ([]session.Record, error) { return f.every.CreateSession(ctx, r, limit) })
}

func (f *faulty) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	return guarded(ctx, f, "Session", func() (session.Record, error) { return f.every.Session(ctx, t, id) })
}

func (f *faulty) RotateSession(ctx context.Context, r session.Rotation) error {
	return f.orCall(ctx, "RotateSession", func() error { return f.every.RotateSession(ctx, r) })
}

func (f *faulty) ProveSession(ctx context.Context, t authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	return guarded(ctx, f, "ProveSession", func() (session.Record, error) { return f.every.ProveSession(ctx, t, id, p, now) })
}

func (f *faulty) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	return f.orCall(ctx, "TouchSessions", func() error { return f.every.TouchSessions(ctx, touches...) })
}

func (f *faulty) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	return guarded(ctx, f, "EndSessions", func() ([]session.Record, error) { return f.every.EndSessions(ctx, s, which, now, why) })
}

func (f *faulty) Sessions(ctx context.Context, s authn.Subject, now time.Time) ([]session.Record, error) {
	return guarded(ctx, f, "Sessions", func() ([]session.Record, error) { return f.every.Sessions(ctx, s, now) })
}

func (f *faulty) SeeDevice(ctx context.Context, d session.Device, limit int) (device session.Device, fresh bool, err error) {
	err = f.orCall(ctx, "SeeDevice", func() error {
		device, fresh, err = f.every.SeeDevice(ctx, d, limit)
		return err
	})
	return device, fresh, err
}

func (f *faulty) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	return guarded(ctx, f, "Rules", func() (authz.Rules, error) { return f.every.Rules(ctx, t) })
}

func (f *faulty) ChangeRules(ctx context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	return f.orCall(ctx, "ChangeRules", func() error { return f.every.ChangeRules(ctx, t, version, c) })
}

func (f *faulty) Assignments(ctx context.Context, s authn.Subject) ([]authz.Assignment, error) {
	return guarded(ctx, f, "Assignments", func() ([]authz.Assignment, error) { return f.every.Assignments(ctx, s) })
}

func (f *faulty) Assign(ctx context.Context, s authn.Subject, a authz.Assignment) (bool, error) {
	return guarded(ctx, f, "Assign", func() (bool, error) { return f.every.Assign(ctx, s, a) })
}

func (f *faulty) Unassign(ctx context.Context, s authn.Subject, role string) (bool, error) {
	return guarded(ctx, f, "Unassign", func() (bool, error) { return f.every.Unassign(ctx, s, role) })
}

func (f *faulty) ReplaceAssignments(ctx context.Context, s authn.Subject, source string, list []authz.Assignment) (bool, error) {
	return guarded(ctx, f, "ReplaceAssignments", func() (bool, error) { return f.every.ReplaceAssignments(ctx, s, source, list) })
}

func (f *faulty) CreateAPIKey(ctx context.Context, r authn.APIKeyRecord, limit int) error {
	return f.orCall(ctx, "CreateAPIKey", func() error { return f.every.CreateAPIKey(ctx, r, limit) })
}

func (f *faulty) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	return guarded(ctx, f, "APIKey", func() (authn.APIKeyRecord, error) { return f.every.APIKey(ctx, t, id) })
}

func (f *faulty) RotateAPIKey(ctx context.Context, r authn.APIKeyRotation) error {
	return f.orCall(ctx, "RotateAPIKey", func() error { return f.every.RotateAPIKey(ctx, r) })
}

func (f *faulty) TouchAPIKey(ctx context.Context, t authn.Tenant, id string, at time.Time, since time.Duration) error {
	return f.orCall(ctx, "TouchAPIKey", func() error { return f.every.TouchAPIKey(ctx, t, id, at, since) })
}

func (f *faulty) DeleteAPIKey(ctx context.Context, owner authn.Subject, id string) error {
	return f.orCall(ctx, "DeleteAPIKey", func() error { return f.every.DeleteAPIKey(ctx, owner, id) })
}
