package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/setting"
)

// verifier verifies one access token: signature, issuer, audience, times.
type verifier struct {
	name   string
	verify func(token string) error
}

// verifiers returns this module's verification, which also asks for a
// revocation, and those of the libraries, each with its checks switched on.
func verifiers(m *minted) ([]verifier, error) {
	algorithm, known := jwa.LookupSignatureAlgorithm(m.algorithm)
	if !known {
		return nil, fmt.Errorf("bench: jwx does not know %s", m.algorithm)
	}
	return []verifier{
		{ours, ourVerify(m)}, {golangJWT, golangVerify(m)},
		{"jwx v3", jwxVerify(m, algorithm)}, {"go-jose v4", joseVerify(m)},
	}, nil
}

const golangJWT = "golang-jwt"

func ourVerify(m *minted) func(string) error {
	ctx := context.Background()
	return func(token string) error {
		_, err := m.manager.Verify(ctx, setting.Secret(token))
		return err
	}
}

// claims are the 12 claims of an access token as golang-jwt reads them into a struct.
type claims struct {
	jwt.RegisteredClaims
	Tenant    string   `json:"tenant"`
	SessionID string   `json:"sid"`
	AuthTime  int64    `json:"auth_time"`
	Methods   []string `json:"amr"`
	Roles     []string `json:"roles"`
}

func golangVerify(m *minted) func(string) error {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{m.algorithm}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(authn.DefaultIssuer), jwt.WithAudience(authn.DefaultAudience))
	key := func(*jwt.Token) (any, error) { return m.public, nil }
	return func(token string) error {
		_, err := parser.ParseWithClaims(token, &claims{}, key)
		return err
	}
}

func jwxVerify(m *minted, algorithm jwa.SignatureAlgorithm) func(string) error {
	return func(token string) error {
		_, err := jwxjwt.ParseString(token, jwxjwt.WithKey(algorithm, m.public), jwxjwt.WithValidate(true),
			jwxjwt.WithIssuer(authn.DefaultIssuer), jwxjwt.WithAudience(authn.DefaultAudience))
		return err
	}
}

func joseVerify(m *minted) func(string) error {
	algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(m.algorithm)}
	expected := josejwt.Expected{Issuer: authn.DefaultIssuer, AnyAudience: josejwt.Audience{authn.DefaultAudience}}
	return func(token string) error {
		parsed, err := josejwt.ParseSigned(token, algorithms)
		if err != nil {
			return err
		}
		var standard josejwt.Claims
		var own struct {
			Tenant    string   `json:"tenant"`
			SessionID string   `json:"sid"`
			AuthTime  int64    `json:"auth_time"`
			Methods   []string `json:"amr"`
			Roles     []string `json:"roles"`
		}
		if err := parsed.Claims(m.public, &standard, &own); err != nil {
			return err
		}
		expected.Time = time.Now()
		return standard.ValidateWithLeeway(expected, 0)
	}
}

// errAccepted is what a side returns that let a forged token pass.
var errAccepted = errors.New("bench: a bad request was accepted")

// accepts is a side that verifies good tokens.
func (v verifier) accepts(m *minted) pair.Side {
	return pair.Side{Name: v.name, Do: each(m.tokens, v.verify), Check: func() error { return v.check(m.tokens[0]) }}
}

// refuses is a side that refuses forged tokens; good ones are for its check.
func (v verifier) refuses(m *minted) pair.Side {
	refuse := func(token string) error {
		if v.verify(token) == nil {
			return errAccepted
		}
		return nil
	}
	return pair.Side{Name: v.name, Do: each(forgeAll(m.tokens), refuse), Check: func() error { return v.check(m.tokens[0]) }}
}

func (v verifier) check(good string) error {
	if err := v.verify(good); err != nil {
		return err
	}
	for _, bad := range []string{forge(good), "", "a.b.c", good[:len(good)-4]} {
		if v.verify(bad) == nil {
			return errAccepted
		}
	}
	return nil
}
