package main_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/internal/redistest"
)

// One choice in the configuration keeps the sessions in Redis.
func TestSessionsInRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Durable: true})
	p := start(t, setup{env: []string{"LEX_AUTH__STORE__SESSIONS=redis", "LEX_AUTH__STORE__REDIS__ADDR=" + server.Addr()}})
	access, refresh := p.tokens("admin@example.com")
	assert.Equal(t, http.StatusOK, p.do("GET", "/articles", "", bearer(access)).status)
	assert.Equal(t, http.StatusOK, p.do("POST", "/auth/refresh", `{"refresh_token":"`+refresh+`"}`).status)
	assert.Contains(t, server.MustCLI(t, "--raw", "keys", "*"), "authmodule:n:")
	server.MustCLI(t, "flushall")
	assert.Equal(t, http.StatusUnauthorized, p.do("POST", "/auth/refresh", `{"refresh_token":"`+refresh+`"}`).status)
	p.stop()
}
