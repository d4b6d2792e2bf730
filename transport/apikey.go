package transport

import (
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// schemeAPIKey is the scheme of an Authorization header that carries a key.
const schemeAPIKey = "ApiKey"

// apiKey takes an API key from the one Authorization header or the configured
// header, and from nowhere else: the query is written to logs and histories.
func (g *Gate) apiKey(r *http.Request) (*authn.Principal, error) {
	text, err := g.apiKeyText(r)
	if err != nil {
		return nil, err
	}
	return g.deps.APIKeys.KeyPrincipal(r.Context(), text, func() authn.Client { return g.Client(r) })
}

func (g *Gate) apiKeyText(r *http.Request) (setting.Secret, error) {
	text, err := authorization(r, schemeAPIKey, authn.ErrAPIKeyInvalid)
	headers := g.keyHeader(r)
	switch {
	case len(headers) == 0:
		return text, err
	case !errors.Is(err, ErrNoCredential):
		return "", severalCredentials()
	case len(headers) > 1 || headers[0] == "":
		return "", authn.ErrAPIKeyInvalid
	}
	return setting.Secret(headers[0]), nil
}

// keyHeader returns the values of the configured header.
func (g *Gate) keyHeader(r *http.Request) []string {
	if g.deps.APIKeys == nil || g.deps.APIKeys.Header() == "" {
		return nil
	}
	return r.Header.Values(g.deps.APIKeys.Header())
}

// presentsHeader reports a bearer token or an API key.
func (g *Gate) presentsHeader(r *http.Request) bool {
	if _, err := bearerToken(r); err == nil {
		return true
	}
	if g.deps.APIKeys == nil {
		return false
	}
	_, err := g.apiKeyText(r)
	return err == nil
}

func invalidAPIKey() *Problem {
	p := problem(http.StatusUnauthorized, "api_key_invalid", "the API key is not valid")
	p.Challenge = schemeAPIKey + ` realm="authmodule"`
	return p
}

func severalCredentials() *Problem {
	return invalidToken("several_credentials", "the request has more than one credential in its headers; send one")
}

func loginRequired() *Problem {
	return problem(http.StatusForbidden, "session_required", "this needs a login session of this application")
}
