package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

// secret is the HMAC key of every HS256 token.
const secret = "a benchmark's key, which signs nothing else"

// minted are access tokens of this module, with what others verify them with.
type minted struct {
	algorithm string
	manager   *authmodule.TokenManager
	// public is the key that verifies: bytes for HS256, else a public key.
	public any
	tokens []string
	stop   func() error
}

// mint signs n tokens of distinct accounts and sessions, each with 12 claims.
func mint(algorithm string, n int) (*minted, error) {
	m := &minted{algorithm: algorithm, tokens: make([]string, n)}
	app := fx.New(
		authmodule.Stub(func(c *authmodule.Config) { signWith(c, algorithm) }),
		fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.DiscardHandler) }),
		fx.Populate(&m.manager), fx.NopLogger,
	)
	if err := app.Start(context.Background()); err != nil {
		return nil, err
	}
	m.stop = func() error { return app.Stop(context.Background()) }
	var err error
	if m.public, err = verifyingKey(algorithm, m.manager); err != nil {
		return nil, err
	}
	return m, m.issue()
}

func (m *minted) issue() error {
	now := time.Now()
	for i := range m.tokens {
		session := authn.Session{
			ID: fmt.Sprintf("ses%031d", i), Subject: authn.Subject{ID: fmt.Sprintf("usr%033d", i)},
			Carrier: authn.CarrierToken, Methods: []string{"pwd", "otp"}, AuthTime: now, Ends: now.Add(time.Hour),
		}
		token, _, err := m.manager.Issue(session, []string{"editor", "billing"})
		if err != nil {
			return err
		}
		m.tokens[i] = token.Reveal()
	}
	return nil
}

// signWith has an application sign with the algorithm; for others than HS256
// with a key that it makes itself.
func signWith(c *authmodule.Config, algorithm string) {
	c.JWT.Algorithm = algorithm
	if algorithm == "HS256" {
		c.JWT.SecretKey = secret
	}
}

// verifyingKey is what other libraries verify the application's tokens with.
func verifyingKey(algorithm string, manager *authmodule.TokenManager) (any, error) {
	if algorithm == "HS256" {
		return []byte(secret), nil
	}
	text, err := json.Marshal(manager.PublicKeys())
	if err != nil {
		return nil, err
	}
	var read jose.JSONWebKeySet
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	if len(read.Keys) == 0 {
		return nil, errors.New("bench: no key is published")
	}
	return read.Keys[0].Key, nil
}

// forge returns the token with another signature of the right length.
func forge(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	return token[:at] + string(other) + token[at+1:]
}

func forgeAll(tokens []string) []string {
	forged := make([]string, len(tokens))
	for i, token := range tokens {
		forged[i] = forge(token)
	}
	return forged
}
