package transport

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// PermissionReadAudit lets a caller read the audit journal of its own tenant, and of no other.
const PermissionReadAudit = "audit.read"

// longestAuditPage is how many entries an answer has at most.
const longestAuditPage = 200

// auditEndpoints are off until configured.
func (g *Gate) auditEndpoints() []Endpoint {
	if !g.cfg.AuditEndpoint || g.deps.Journal == nil {
		return nil
	}
	return []Endpoint{{Method: http.MethodGet, Path: "/audit", Handle: g.permitted(PermissionReadAudit, g.auditEntries)}}
}

// auditView is an entry of the journal.
type auditView struct {
	Seq       int64             `json:"seq"`
	ID        string            `json:"id,omitempty"`
	Type      audit.Type        `json:"type,omitempty"`
	Time      time.Time         `json:"time,omitzero"`
	Subject   string            `json:"subject,omitempty"`
	Actor     string            `json:"actor,omitempty"`
	SessionID string            `json:"session_id,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
	// Altered says that somebody has changed the entry.
	Altered bool `json:"altered,omitempty"`
}

// auditEntries answers with a page, the oldest first; "next" is the parameter "after" of the page that follows, and absent on the last.
func (g *Gate) auditEntries(ctx context.Context, r *http.Request) (Reply, error) {
	tenant := string(authn.PrincipalFrom(ctx).Subject.Tenant)
	limit, err := pageSize(r, usualPage, longestAuditPage)
	if err != nil {
		return Reply{}, err
	}
	after, err := auditAfter(r)
	if err != nil {
		return Reply{}, err
	}
	query := r.URL.Query()
	entries, err := g.deps.Journal.Entries(ctx, audit.Query{
		Tenant: &tenant, After: after, Limit: limit + 1, Subject: query.Get("subject"), Type: audit.Type(query.Get("type")),
	})
	if err != nil {
		return Reply{}, err
	}
	var next int64
	if len(entries) > limit {
		entries = entries[:limit]
		next = entries[limit-1].Seq
	}
	body := struct {
		Entries []auditView `json:"entries"`
		Next    int64       `json:"next,omitempty"`
	}{g.auditViews(ctx, entries, tenant), next}
	return Reply{Body: body}, nil
}

func auditAfter(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("after")
	if text == "" {
		return 0, nil
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, &authn.FieldError{Field: "after", Code: "out_of_range", Problem: "must be the seq of an entry, or absent"}
	}
	return after, nil
}

// auditViews shows of an entry that is no event any more, or names another tenant than the one it was found under, that it was altered and nothing
// else: what it says is nobody's here, and must not keep the caller from the others.
func (g *Gate) auditViews(ctx context.Context, entries []audit.Entry, tenant string) []auditView {
	views := make([]auditView, 0, len(entries))
	var strange []int64
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil || e.Tenant != tenant {
			strange = append(strange, entry.Seq)
			views = append(views, auditView{Seq: entry.Seq, Altered: true})
			continue
		}
		views = append(views, auditView{
			Seq: entry.Seq, ID: e.ID, Type: e.Type, Time: e.Time, Subject: e.Subject, Actor: e.Actor, SessionID: e.SessionID,
			IP: e.IP, UserAgent: e.UserAgent, Reason: e.Reason, Detail: e.Detail, Altered: !g.deps.Journal.Authentic(entry),
		})
	}
	if len(strange) > 0 {
		g.deps.Log.ErrorContext(ctx, "entries of the audit journal were altered: verify the journal", "entries", strange)
	}
	return views
}
