package authn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// foreignClaims are what is read of another issuer's access token (RFC 9068, section 2.2).
type foreignClaims struct {
	Issuer   string
	Audience []string
	Subject  string
	Expires  time.Time
	IssuedAt time.Time
	// NotBefore and AuthTime are zero where the token does not say.
	NotBefore time.Time
	AuthTime  time.Time
	ID        string
	ClientID  string
	Methods   []string
	// ACR is the issuer's own word; empty where the token does not say.
	ACR string
	// Scopes are nil without a claim of them.
	Scopes []string
	object strictjson.Object
	// Confirmation is what the token is bound to; zero for a bearer token.
	Confirmation Confirmation
}

var claimNames = []string{"iss", "aud", "sub", "exp", "iat", "nbf", "auth_time", "jti", "client_id", "amr", "acr", "scope", "scp", "cnf"}

// decodeForeign reads a verified payload. iss, aud, sub, exp and iat must be
// there; whatever else is read must be of its type where it is there.
func decodeForeign(payload []byte, more ...string) (foreignClaims, error) {
	object, err := strictjson.Parse(payload, payloadLimits)
	if err != nil {
		return foreignClaims{}, fmt.Errorf("%w: payload: %w", ErrTokenMalformed, err)
	}
	if name, folded := object.Folded(slices.Concat(claimNames, more)); folded {
		return foreignClaims{}, fmt.Errorf("%w: payload: a member looks like %q", ErrTokenMalformed, name)
	}
	r := claimReader{object: object}
	c := foreignClaims{
		Issuer: r.text("iss"), Audience: r.audiences(), Subject: r.text("sub"), Expires: r.time("exp"), IssuedAt: r.time("iat"),
		object: object,
	}
	if object.Has("nbf") {
		c.NotBefore = r.time("nbf")
	}
	if object.Has("auth_time") {
		c.AuthTime = r.time("auth_time")
	}
	if object.Has("jti") {
		c.ID = r.text("jti")
	}
	if object.Has("client_id") {
		c.ClientID = r.text("client_id")
	}
	if object.Has("amr") {
		c.Methods = r.list("amr")
	}
	if object.Has("acr") {
		c.ACR = r.text("acr")
	}
	c.Scopes = r.scopes()
	if r.err != nil {
		return foreignClaims{}, r.err
	}
	return c, nil
}

// audiences accepts a text and a list of texts (RFC 7519, section 4.1.3).
func (r *claimReader) audiences() []string {
	if list, err := r.object.Strings("aud"); err == nil {
		return list
	}
	return []string{r.text("aud")}
}

// scopes reads scope, a text with spaces (RFC 9068, section 2.2.3), or scp, which some issuers write as a list.
func (r *claimReader) scopes() []string {
	var all []string
	for _, name := range []string{"scope", "scp"} {
		if !r.object.Has(name) {
			continue
		}
		list, err := r.object.Strings(name)
		if err != nil {
			var text string
			if text, err = r.object.String(name); err != nil {
				r.fail(name, err)
			}
			list = strings.Fields(text)
		}
		if all != nil {
			r.fail(name, fmt.Errorf("stands beside another claim of scopes"))
		}
		all = append([]string{}, list...)
	}
	return all
}

// textsAt returns the list at a claim, whose name may be a path through
// objects. It is empty where there is none, or something else.
func textsAt(object strictjson.Object, name string) []string {
	if object.Has(name) {
		list, _ := object.Strings(name)
		return list
	}
	first, rest, nested := strings.Cut(name, ".")
	inner, err := object.Object(first)
	if !nested || err != nil {
		return nil
	}
	return textsAt(inner, rest)
}
