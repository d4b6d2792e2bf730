package authz_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authz"
)

// TEN-01: the short way through roles in memory is not taken past the tenant of a resource.
func TestCanLooksAtTheTenantOfTheResource(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	p, of := userOf("acme", "viewer"), func(tenant string) authz.Resource {
		return authz.Resource{Type: "Article", ID: "a1", Tenant: tenant}
	}
	for range 2 { // the second time the rules are in memory
		assert.True(t, b.service.Can(t.Context(), p, "articles.read", of("")))
		assert.True(t, b.service.Can(t.Context(), p, "articles.read", of("acme")))
		assert.False(t, b.service.Can(t.Context(), p, "articles.read", of("globex")))
		assert.False(t, b.service.Can(t.Context(), p, "articles.write", of("")))
	}
}

// recording counts what it is told of.
type recording struct{ told *int }

func (r recording) RecordDecision(context.Context, authz.Record) { *r.told++ }

// A recorder is told of all that Can decides, and so are listeners of sampled grants.
func TestCanTellsOfWhatItAllows(t *testing.T) {
	t.Parallel()
	const times = 5
	told, cfg := 0, newsroom()
	recorded := withDeps(t, cfg, authz.Deps{Recorder: recording{&told}})
	cfg.GrantedEventsPercent = 100
	b := setup(t, cfg)
	for range times {
		assert.True(t, recorded.Can(t.Context(), user("viewer"), "articles.read", none))
		assert.True(t, b.service.Can(t.Context(), user("viewer"), "articles.read", none))
	}
	assert.Equal(t, times, told)
	events := b.events.take()
	assert.Len(t, events, times)
	for _, e := range events {
		assert.Equal(t, audit.AccessGranted, e.Type)
	}
}
