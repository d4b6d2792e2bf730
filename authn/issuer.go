package authn

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/internal/strictjson"
	"github.com/authmodule/authmodule/setting"
)

// Issuer verifies the access tokens of one other issuer. It is safe for concurrent use.
type Issuer struct {
	name  string
	cfg   IssuerConfig
	keys  *RemoteKeys
	roles RoleSource
	now   func() time.Time
}

// Name is the one that the issuer has in the configuration.
func (i *Issuer) Name() string { return i.name }

// Authenticate says who one of the issuer's tokens is from: it verifies with the
// issuer's keys and no others, and its claims hold. The error is a token class
// (ErrToken…), [ErrKeysUnavailable], or a store's.
//
// The principal has a Subject that no other issuer's token and no account of this
// application has, an Issuer, and no session. A token that is bound (cnf, RFC 8705) needs the client's proof. Whether the issuer withdrew the token before it expired is not known here.
func (i *Issuer) Authenticate(ctx context.Context, token setting.Secret, client Client) (Principal, error) {
	claims, err := i.verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	if !claims.Confirmation.Proved(client) {
		return Principal{}, ErrTokenBinding
	}
	p := Principal{
		Kind: KindUser, Issuer: i.name, Subject: i.subject(claims), TokenID: claims.ID, Methods: claims.Methods,
		AuthTime: claims.AuthTime, ACR: claims.ACR, Expires: claims.Expires, Scopes: []string{},
		Confirmation: claims.Confirmation,
	}
	if slices.Contains(claims.Methods, MethodMFA) { // it was one login
		p.MFATime = claims.AuthTime
	}
	if claims.service() {
		p.Kind = KindService
	}
	if i.cfg.InsecureIgnoreScope {
		p.Scopes = nil
	}
	for _, scope := range claims.Scopes {
		if p.Scopes != nil && onePermission(scope) {
			p.Scopes = append(p.Scopes, scope)
		}
	}
	if p.Roles, err = i.rolesOf(ctx, p.Subject, claims.object); err != nil {
		return Principal{}, err
	}
	return p, nil
}

// service reports a token that a client got for itself (RFC 9068, section 2.2).
func (c foreignClaims) service() bool { return c.ClientID != "" && c.ClientID == c.Subject }

// subject keeps the issuers' subjects apart, from each other and from accounts. A
// client of the issuer has another separator than a user, so that one that chose a user's sub for its
// client_id is not that user (RFC 9700, section 4.15).
func (i *Issuer) subject(claims foreignClaims) Subject {
	separator := ":"
	if claims.service() {
		separator = "/"
	}
	return Subject{Tenant: i.cfg.Tenant, ID: i.name + separator + claims.Subject}
}

// onePermission reports a permission without wildcards; what else it must be, the authorization service knows.
func onePermission(scope string) bool {
	return strings.Contains(scope, ".") && !strings.Contains(scope, "*")
}

func (i *Issuer) rolesOf(ctx context.Context, subject Subject, claims strictjson.Object) ([]string, error) {
	if i.cfg.RolesClaim == "" {
		roles, _, err := i.roles.RolesOf(ctx, subject) // read for each token
		return nonNil(roles), wrapped("find the roles of another issuer's subject", err)
	}
	roles, given := []string{}, textsAt(claims, i.cfg.RolesClaim)
	for _, role := range slices.Sorted(maps.Keys(i.cfg.Roles)) {
		if slices.ContainsFunc(i.cfg.Roles[role].Values, func(value string) bool { return slices.Contains(given, value) }) {
			roles = append(roles, role)
		}
	}
	return roles, nil
}

func (i *Issuer) verify(ctx context.Context, token setting.Secret) (foreignClaims, error) {
	policy := JWSPolicy{Type: AccessTokenType}
	if i.cfg.InsecureUntyped {
		policy.Type = ""
	}
	jws, err := i.keys.VerifyJWS(ctx, token.Reveal(), policy)
	if err != nil {
		return foreignClaims{}, err
	}
	claims, err := decodeForeign(jws.Payload, i.rolesMember()...)
	if err != nil {
		return foreignClaims{}, err
	}
	if claims.Issuer != i.cfg.Issuer {
		return foreignClaims{}, ErrTokenIssuer
	}
	if !slices.Contains(claims.Audience, i.cfg.Audience) {
		return foreignClaims{}, ErrTokenAudience
	}
	if err := i.checkKind(jws.Type, claims.object); err != nil {
		return foreignClaims{}, err
	}
	bound := claimReader{object: claims.object}
	if claims.Confirmation = bound.confirmation(); bound.err != nil {
		return foreignClaims{}, bound.err
	}
	return claims, i.checkTimes(claims, i.now())
}

// rolesMember is the top-level member that roles are read from.
func (i *Issuer) rolesMember() []string {
	if i.cfg.RolesClaim == "" {
		return nil
	}
	first, _, _ := strings.Cut(i.cfg.RolesClaim, ".")
	return []string{i.cfg.RolesClaim, first}
}

// checkKind refuses what is no access token for anybody who bears it.
func (i *Issuer) checkKind(typ string, claims strictjson.Object) error {
	if sameMediaType(typ, AccessTokenType) {
		return nil
	}
	if typ != "" && !sameMediaType(typ, "JWT") {
		return ErrTokenType
	}
	return untyped(claims)
}

// untyped looks in the payload for what the header does not tell: members that
// only ID tokens, logout tokens, security events and proofs have, and the names that two widespread issuers
// (Keycloak, Cognito) give to the kinds of their tokens.
func untyped(claims strictjson.Object) error {
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash", "events", "htm", "htu"} {
		if claims.Has(name) {
			return fmt.Errorf("%w: no access token has the claim %s", ErrTokenType, name)
		}
	}
	for name, access := range map[string]string{"typ": "Bearer", "token_use": "access"} {
		if kind, err := claims.String(name); claims.Has(name) && (err != nil || kind != access) {
			return fmt.Errorf("%w: its claim %s names another kind", ErrTokenType, name)
		}
	}
	return nil
}

func (i *Issuer) checkTimes(c foreignClaims, now time.Time) error {
	return tokenTimes{c.IssuedAt, c.NotBefore, c.Expires, c.AuthTime, time.Time{}}.check(now, i.cfg.maxLifetime())
}
