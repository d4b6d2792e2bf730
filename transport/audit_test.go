package transport_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/store/memstore"
)

// journalStore is a store that can be tampered with, or be down.
type journalStore struct {
	*memstore.Store
	tenant string
	down   bool
	// altered is the number of an entry that somebody has changed, ruined of one that is no event any more, moved of one that was another tenant's.
	altered, ruined, moved int64
}

func (s *journalStore) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	if s.down {
		return nil, assert.AnError
	}
	if s.tenant != "" { // somebody has written another tenant beside the entries
		q.Tenant = &s.tenant
	}
	entries, err := s.Store.Entries(ctx, q)
	for i := range entries {
		if entries[i].Seq == s.altered {
			entries[i].Payload = bytes.Replace(entries[i].Payload, []byte(`"type":`), []byte(`"reason":"none","type":`), 1)
		}
		if entries[i].Seq == s.ruined {
			entries[i].Payload = []byte("secret")
		}
		if entries[i].Seq == s.moved {
			entries[i].Payload = bytes.Replace(entries[i].Payload, []byte(`"type":`), []byte(`"tenant":"secret","type":`), 1)
		}
	}
	return entries, err
}

func startJournal(t *testing.T, endpoint bool) (app, *journalStore) {
	t.Helper()
	store := &journalStore{Store: memstore.New()}
	return startConfigured(t, func(c *authmodule.Config) { c.Audit.Journal, c.HTTP.AuditEndpoint = true, endpoint },
		authmodule.AddRoles(authz.Role{Name: "auditor", Permissions: []string{"audit.read"}}),
		authmodule.UseJournalStore(func() audit.JournalStore { return store })), store
}

func auditPage(t *testing.T, app app, query string, headers []string) (types []string, next any) {
	t.Helper()
	body := answer(t, app.Do(request("GET", "/auth/audit"+query, "", headers...)), http.StatusOK)
	types = []string{}
	for _, one := range body["entries"].([]any) {
		types = append(types, one.(map[string]any)["type"].(string))
	}
	return types, body["next"]
}

func TestAuditRoute(t *testing.T) {
	t.Parallel()
	app, _ := startJournal(t, true)
	auditor := app.Principal("auditor")
	login := bearer(app.Token(auditor))
	require.NoError(t, app.Journal.Flush(t.Context()))
	body := answer(t, app.Do(request("GET", "/auth/audit?type=role.assigned", "", login...)), http.StatusOK)
	require.Len(t, body["entries"], 1)
	entry := body["entries"].([]any)[0].(map[string]any)
	assert.ElementsMatch(t, []string{"seq", "id", "type", "time", "subject", "detail"}, names(entry))
	assert.Equal(t, auditor.Subject.ID, entry["subject"])
	assert.Equal(t, map[string]any{"role": "auditor"}, entry["detail"])
	at, err := time.Parse(time.RFC3339Nano, entry["time"].(string))
	require.NoError(t, err)
	assert.WithinDuration(t, app.Now(), at, time.Second)

	all, next := auditPage(t, app, "?limit=200", login)
	assert.Nil(t, next)
	assert.Contains(t, all, "user.registered")
	var paged []string
	after := "0"
	for range all {
		page, next := auditPage(t, app, "?limit=1&after="+after, login)
		require.Len(t, page, 1)
		paged = append(paged, page...)
		if next == nil {
			break
		}
		after = fmt.Sprint(int64(next.(float64)))
	}
	assert.Equal(t, all, paged)
	mine, _ := auditPage(t, app, "?subject="+auditor.Subject.ID, login)
	assert.NotEmpty(t, mine)
	none, _ := auditPage(t, app, "?subject=nobody", login)
	assert.Empty(t, none)
	for _, query := range []string{"?limit=0", "?limit=201", "?limit=x", "?after=x", "?after=-1", "?after=99999999999999999999"} {
		w := app.Do(request("GET", "/auth/audit"+query, "", login...))
		assert.Equal(t, http.StatusBadRequest, w.Code, query)
	}
}

// An entry that is not as it was written is shown, and said to be so.
func TestAuditRouteSaysWhatWasAltered(t *testing.T) {
	t.Parallel()
	app, store := startJournal(t, true)
	login := bearer(app.Token(app.Principal("auditor")))
	require.NoError(t, app.Journal.Flush(t.Context()))
	store.altered, store.ruined, store.moved = 2, 3, 4
	body := answer(t, app.Do(request("GET", "/auth/audit", "", login...)), http.StatusOK)
	entries := body["entries"].([]any)
	require.Greater(t, len(entries), 4)
	for i, one := range entries {
		entry := one.(map[string]any)
		if i == 1 {
			assert.Equal(t, true, entry["altered"])
			assert.Equal(t, "none", entry["reason"])
			continue
		}
		if i == 2 || i == 3 { // it keeps nobody from reading the others, and shows nothing of what it is now
			assert.Equal(t, map[string]any{"seq": float64(i + 1), "altered": true}, entry)
			continue
		}
		assert.NotContains(t, names(entry), "altered")
	}
	assert.Contains(t, app.log.String(), `level=ERROR msg="entries of the audit journal were altered: verify the journal" component=authmodule entries="[3 4]"`)
}

func TestAuditRouteIsGuarded(t *testing.T) {
	t.Parallel()
	app, store := startJournal(t, true)
	assert.Equal(t, http.StatusUnauthorized, app.status("GET", "/auth/audit"))
	assert.Equal(t, http.StatusForbidden, app.status("GET", "/auth/audit", bearer(app.Token(app.Principal("viewer")))...))
	auditor := bearer(app.Token(app.Principal("auditor")))
	_, err := app.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: "acme", Email: "ada@example.com", Password: password})
	require.NoError(t, err)
	require.NoError(t, app.Journal.Flush(t.Context()))
	for _, query := range []string{"?limit=200", "?limit=200&tenant=acme"} {
		body := dump(t, app.Do(request("GET", "/auth/audit"+query, "", auditor...)))
		for _, e := range app.Events(audit.UserRegistered) {
			if e.Tenant == "acme" {
				assert.NotContains(t, body, e.Subject, "another tenant's")
			}
		}
	}
	store.tenant = "acme"
	body := answer(t, app.Do(request("GET", "/auth/audit", "", auditor...)), http.StatusOK)
	require.NotEmpty(t, body["entries"])
	for _, one := range body["entries"].([]any) {
		assert.ElementsMatch(t, []string{"seq", "altered"}, names(one.(map[string]any)), "what the entry itself says counts")
	}
	store.down = true
	assert.Equal(t, http.StatusServiceUnavailable, app.status("GET", "/auth/audit", auditor...))
	off, _ := startJournal(t, false)
	assert.Equal(t, http.StatusNotFound, off.status("GET", "/auth/audit", bearer(off.Token(off.Principal("auditor")))...))
}
