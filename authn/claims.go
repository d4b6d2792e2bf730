package authn

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// Claims are the statements of an access token (RFC 9068), all of them but
// MFATime, ACR, Actor and Confirmation required. Times are whole seconds.
type Claims struct {
	Issuer    string
	Audience  string
	Subject   Subject
	SessionID string
	// ID is the jti, by which a single token is revoked.
	ID        string
	IssuedAt  time.Time
	NotBefore time.Time
	Expires   time.Time
	// AuthTime and MFATime are as in [Session]. MFATime is absent where no second factor was proved.
	AuthTime, MFATime time.Time
	Methods           []string
	// ACR is the authentication context class (RFC 9470); absent in tokens of older versions.
	ACR string
	// Actor is the sub of the act claim (RFC 8693, section 4.1), absent but for a session in somebody else's name.
	Actor string
	// Roles inform other readers of the token. This module decides by the roles stored at the time of a request.
	Roles []string
	// Confirmation is what the token is bound to (cnf, RFC 7800), if to anything. The token alone does not authenticate then.
	Confirmation Confirmation
}

type wireClaims struct {
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"`
	Subject   string   `json:"sub"`
	Tenant    Tenant   `json:"tenant"`
	SessionID string   `json:"sid"`
	ID        string   `json:"jti"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	AuthTime  int64    `json:"auth_time"`
	Methods   []string `json:"amr"`
	Roles     []string `json:"roles"`

	MFATime      int64             `json:"mfa_time,omitempty"`
	ACR          string            `json:"acr,omitempty"`
	Actor        *wireActor        `json:"act,omitempty"`
	Confirmation *wireConfirmation `json:"cnf,omitempty"`
}

type wireActor struct {
	Subject string `json:"sub"`
}

func (c Claims) encode() ([]byte, error) {
	if !c.validText() {
		return nil, errors.New("the claims must be valid UTF-8")
	}
	w := wireClaims{
		Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject.ID, Tenant: c.Subject.Tenant,
		SessionID: c.SessionID, ID: c.ID, IssuedAt: c.IssuedAt.Unix(), NotBefore: c.NotBefore.Unix(),
		Expires: c.Expires.Unix(), AuthTime: c.AuthTime.Unix(), Methods: c.Methods, Roles: c.Roles,
		ACR: c.ACR, Confirmation: c.Confirmation.wire(),
	}
	if !c.MFATime.IsZero() {
		w.MFATime = c.MFATime.Unix()
	}
	if c.Actor != "" {
		w.Actor = &wireActor{c.Actor}
	}
	return json.Marshal(w)
}

// validText is asked because encoding/json replaces what is not UTF-8: two subjects could become one.
func (c Claims) validText() bool {
	invalid := func(text string) bool { return !utf8.ValidString(text) }
	return !invalid(c.Subject.ID) && !invalid(c.SessionID) && !invalid(c.ACR) && !invalid(c.Actor) && !slices.ContainsFunc(c.Methods, invalid) && !slices.ContainsFunc(c.Roles, invalid)
}

// A payload of this size makes a token of less than longestToken, its header and signature included.
var payloadLimits = strictjson.Limits{Bytes: 10 << 10, Depth: 32, Members: 256}

var payloadNames = []string{"iss", "aud", "sub", "tenant", "sid", "jti", "iat", "nbf", "exp", "auth_time", "amr", "roles", "mfa_time", "acr", "act", "cnf"}

// decodeClaims reads a verified payload. Every claim must be of its type and in range, and all but mfa_time, acr, act and
// cnf must be present; other members are ignored.
func decodeClaims(payload []byte) (Claims, error) {
	object, err := strictjson.Parse(payload, payloadLimits)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: payload: %w", ErrTokenMalformed, err)
	}
	if name, folded := object.Folded(payloadNames); folded {
		return Claims{}, fmt.Errorf("%w: payload: a member looks like %q", ErrTokenMalformed, name)
	}
	r := claimReader{object: object}
	c := Claims{
		Issuer:    r.text("iss"),
		Audience:  r.audience(),
		Subject:   Subject{Tenant: r.tenant(), ID: r.text("sub")},
		SessionID: r.text("sid"),
		ID:        r.text("jti"),
		IssuedAt:  r.time("iat"),
		NotBefore: r.time("nbf"),
		Expires:   r.time("exp"),
		AuthTime:  r.time("auth_time"),
		Methods:   r.list("amr"),
		Roles:     r.list("roles"),

		Confirmation: r.confirmation(),
	}
	if object.Has("mfa_time") {
		c.MFATime = r.time("mfa_time")
	}
	if object.Has("acr") {
		c.ACR = r.text("acr")
	}
	if object.Has("act") {
		c.Actor = r.actor()
	}
	if r.err != nil {
		return Claims{}, r.err
	}
	return c, nil
}

// claimReader keeps the first error.
type claimReader struct {
	object strictjson.Object
	err    error
}

const (
	longestText = 255
	// year9999 is the last second that RFC 3339 can write.
	year9999 = 253402300799
	// exactDigits are those of a number that no reader rounds.
	exactDigits = 15
)

func (r *claimReader) fail(name string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: claim %s: %w", ErrTokenMalformed, name, err)
	}
}

func (r *claimReader) text(name string) string {
	text, err := r.object.String(name)
	if err == nil && (text == "" || len(text) > longestText) {
		err = fmt.Errorf("must have 1 to %d bytes", longestText)
	}
	if err != nil {
		r.fail(name, err)
	}
	return text
}

// audience accepts the one form that this module writes, a string, and an
// array with exactly one (RFC 7519, section 4.1.3).
func (r *claimReader) audience() string {
	list, err := r.object.Strings("aud")
	if err == nil && len(list) == 1 && list[0] != "" {
		return list[0]
	}
	if err == nil {
		r.fail("aud", fmt.Errorf("must name one audience"))
		return ""
	}
	return r.text("aud")
}

func (r *claimReader) tenant() Tenant {
	text, err := r.object.String("tenant")
	if err == nil {
		var tenant Tenant
		if tenant, err = ParseTenant(text); err == nil {
			return tenant
		}
	}
	r.fail("tenant", err)
	return ""
}

func (r *claimReader) list(name string) []string {
	list, err := r.object.Strings(name)
	if err != nil {
		r.fail(name, err)
	}
	return list
}

// actor reads act. RFC 8693 lets more identify the actor, and nest actors; this module writes neither, and ignores neither.
func (r *claimReader) actor() string {
	act, err := r.object.Object("act")
	if err == nil && len(act) != 1 {
		err = errors.New("must have sub and nothing else")
	}
	inner := claimReader{object: act}
	if err == nil {
		text := inner.text("sub")
		if err = inner.err; err == nil {
			return text
		}
	}
	r.fail("act", err)
	return ""
}

// confirmation reads cnf. One that is there and binds to nothing known is an error, not an unbound token.
func (r *claimReader) confirmation() Confirmation {
	raw, found := r.object["cnf"]
	if !found {
		return Confirmation{}
	}
	c, err := decodeConfirmation(raw)
	switch {
	case errors.Is(err, ErrTokenBinding) && r.err == nil:
		r.err = err
	case err != nil:
		r.fail("cnf", err)
	}
	return c
}

func (r *claimReader) time(name string) time.Time {
	seconds, err := r.object.Integer(name)
	if err == nil && (seconds == 0 || seconds > year9999) {
		err = fmt.Errorf("out of range")
	}
	if err != nil {
		r.fail(name, err)
	}
	return time.Unix(seconds, 0).UTC()
}
