package authn_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// FuzzVerify: no text makes Verify panic, and none is accepted that an
// independent strict reader refuses.
func FuzzVerify(f *testing.F) {
	kit := newTokenKit(f, "HS256")
	token := kit.sign(f, kit.header(nil), kit.payload(nil))
	f.Add(token.Reveal())
	for _, twin := range textualTwins(token) {
		f.Add(twin)
	}
	for _, payload := range []string{"", "null", "{}", kit.payload(map[string]string{"exp": "1e999"}), kit.payload(map[string]string{"EXP": "1"})} {
		f.Add(kit.sign(f, kit.header(nil), payload).Reveal())
	}
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) { checkAgainstOracle(t, kit, setting.Secret(text)) })
}

// FuzzVerifySigned is FuzzVerify with a valid signature over whatever header and payload are.
func FuzzVerifySigned(f *testing.F) {
	kit := newTokenKit(f, "HS256")
	header, payload := kit.header(nil), kit.payload(nil)
	f.Add(header, payload)
	f.Add(header, kit.payload(map[string]string{"aud": `["authmodule"]`, "x": `{"y":[1,2.5e3,null,"\ud83d\ude00"]}`}))
	for claim, values := range badClaims {
		for _, value := range values {
			f.Add(header, kit.payload(map[string]string{claim: value}))
		}
	}
	for _, claims := range []map[string]string{
		{"acr": `"aal2"`, "mfa_time": "1767323045", "act": `{"sub":"root"}`}, {"act": `{"sub":"root","sub":"x"}`}, {"act": `{"sub":""}`}, {"ACR": `"x"`}, {"acr": "1"}, {"mfa_time": "0"},
	} {
		f.Add(header, kit.payload(claims))
	}
	for _, edit := range []map[string]string{
		{"crit": "[]"}, {"ALG": `"none"`}, {"alg": `"none"`}, {"kid": ""}, {"typ": `"JWT"`}, {"jku": `"x"`}, {`\u212aid`: `"x"`}, {"x": `{"a":1,"a":1}`},
	} {
		f.Add(kit.header(edit), payload)
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		checkAgainstOracle(t, kit, kit.signText(t, encode64(header)+"."+encode64(payload)))
	})
}

// FuzzTokenRoundTrip: whatever session and role are, Issue fails or Verify returns what was issued.
func FuzzTokenRoundTrip(f *testing.F) {
	kit := newTokenKit(f, "HS256")
	f.Add("sid-1", "user-1", "acme", "pwd", "viewer", "", int64(0))
	f.Add("\x00", `"`, "", "\u2028", "<&>", "root", int64(1))
	f.Add("\xff", "\xed\xa0\x80", "A", "", "", "\xff", int64(-1))
	f.Fuzz(func(t *testing.T, sid, subject, tenant, method, role, actor string, second int64) {
		session := tokenSession()
		session.ID, session.Subject = sid, authn.Subject{Tenant: authn.Tenant(tenant), ID: subject}
		session.Methods, session.Actor = []string{method}, actor
		if second != 0 {
			session.MFATime = time.Unix(second, 0)
		}
		token, issued, err := kit.manager.Issue(session, []string{role})
		if err != nil {
			require.Empty(t, token)
			return
		}
		claims, err := kit.manager.Verify(context.Background(), token)
		require.NoError(t, err)
		require.Equal(t, issued, claims)
	})
}

func checkAgainstOracle(t *testing.T, kit tokenKit, token setting.Secret) {
	t.Helper()
	claims, err := kit.manager.Verify(context.Background(), token)
	if err != nil {
		require.Zero(t, claims)
		return
	}
	require.NoError(t, oracle(kit, token.Reveal()))
	require.Equal(t, "authmodule", claims.Issuer)
	require.NotEmpty(t, claims.ID)
	require.NotEmpty(t, claims.Subject.ID)
	var loose struct {
		ACR     string         `json:"acr"`
		MFATime int64          `json:"mfa_time"`
		Act     map[string]any `json:"act"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token.Reveal(), ".")[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(payload, &loose))
	require.Equal(t, loose.ACR, claims.ACR)
	require.Equal(t, loose.MFATime == 0, claims.MFATime.IsZero())
	if loose.Act == nil {
		require.Empty(t, claims.Actor)
	} else {
		require.Equal(t, map[string]any{"sub": claims.Actor}, loose.Act)
	}
}

// oracle reads a token with golang-jwt and encoding/json, and with what these leave to their caller.
func oracle(kit tokenKit, text string) error {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{kit.key.Algorithm()}), jwt.WithIssuer("authmodule"), jwt.WithAudience("authmodule"),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(kit.clock.Now), jwt.WithLeeway(30*time.Second),
	)
	claims := jwt.MapClaims{}
	token, err := parser.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return kit.private, nil })
	if err != nil {
		return err
	}
	if token.Header["kid"] != kit.key.ID() || !strings.HasSuffix(strings.ToLower(fmt.Sprint(token.Header["typ"])), "at+jwt") {
		return errors.New("header")
	}
	for _, name := range []string{"iss", "aud", "sub", "sid", "jti", "tenant", "iat", "nbf", "exp", "auth_time", "amr", "roles"} {
		if claims[name] == nil {
			return errors.New("no " + name)
		}
	}
	for _, part := range strings.Split(text, ".")[:2] {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err == nil {
			err = uniqueMembers(raw)
		}
		if err != nil || strings.ContainsAny(part, "\r\n") {
			return fmt.Errorf("segment: %w", err)
		}
	}
	return nil
}

// uniqueMembers looks for a second member of one name, at any depth, and for anything after the value.
func uniqueMembers(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := uniqueValue(dec); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data")
	}
	return nil
}

func uniqueValue(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			if seen[name.(string)] {
				return errors.New("duplicate member")
			}
			seen[name.(string)] = true
		}
		if err := uniqueValue(dec); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// Item 1 and JWT-14, for the other spellings of a token that a reader of
// golang-jwt's defaults takes: here they never get as far as the revocations.
func TestOracleIsLessStrict(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) {
		deps.Revocations = viewOf(t, memstore.New(), deps.Now)
	})
	signed, signature, _ := cutLast(kit.issue(t).Reveal())
	twin := signed + "." + signature[:10] + "\n" + signature[10:]
	_, err := jwt.NewParser(jwt.WithStrictDecoding(), jwt.WithTimeFunc(kit.clock.Now)).Parse(twin, func(*jwt.Token) (any, error) { return kit.private, nil })
	require.NoError(t, err, "the library alone accepts a line break in the signature")
	kit.refuses(t, setting.Secret(twin), authn.ErrTokenMalformed)
}
