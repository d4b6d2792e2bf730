package echoauth_test

import (
	"encoding/base32"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
)

// door is one place where a credential is taken.
type door struct {
	name string
	// knock offers a credential.
	knock func(a target, credential string) *httptest.ResponseRecorder
	// opened and refused are the two answers: status, and the code of a refusal.
	opened, refused int
	code            string
	// codes are refusals of other classes that the door may give.
	codes []string
}

// doors are all of them, the one that can be used once last.
func doors(t testing.TB) []door {
	t.Helper()
	in := func(a target, headers ...string) *httptest.ResponseRecorder {
		return a.Do(request("GET", "/in", "", headers...))
	}
	post := func(a target, path string, body map[string]string) *httptest.ResponseRecorder {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		return a.Do(request("POST", path, string(text)))
	}
	return []door{
		{"bearer", func(a target, c string) *httptest.ResponseRecorder { return in(a, bearer(c)...) }, 200, 401, "token_malformed", []string{"token_type"}},
		{"cookie", func(a target, c string) *httptest.ResponseRecorder { return in(a, "Cookie", "__Host-session="+c) }, 200, 401, "unauthenticated", nil},
		{"refresh", func(a target, c string) *httptest.ResponseRecorder {
			return post(a, "/auth/refresh", map[string]string{"refresh_token": c})
		}, 200, 401, "refresh_invalid", nil},
		{"setup", func(a target, c string) *httptest.ResponseRecorder {
			return post(a, "/auth/setup", map[string]string{"token": c, "password": fxtest.Password})
		}, 201, 400, "setup_invalid", nil},
	}
}

// credentialKinds are all that the application hands out, by the door that is theirs,
// and what its keys could sign for others.
func credentialKinds(t testing.TB, a target) (own, strangers map[string]string) {
	t.Helper()
	grant := a.Grant(a.owner)
	link, err := a.AdminSetup().Issue(background())
	require.NoError(t, err)
	own = map[string]string{
		"bearer": grant.AccessToken.Reveal(), "refresh": grant.RefreshToken.Reveal(), "cookie": a.Cookie(a.owner).Value, "setup": link.Reveal(),
	}
	strangers = map[string]string{
		"ID token":         a.signed(t, a.header(edits{"typ": `"JWT"`}), a.payload(edits{"nonce": `"n"`, "at_hash": `"h"`})),
		"logout token":     a.signed(t, a.header(edits{"typ": `"logout+jwt"`}), a.payload(edits{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`})),
		"DPoP proof":       a.signed(t, a.header(edits{"typ": `"dpop+jwt"`}), a.payload(edits{"htm": `"GET"`, "htu": `"https://app.example.com/in"`})),
		"client assertion": a.signed(t, a.header(edits{"typ": `"client-authentication+jwt"`}), a.payload(nil)),
		"state":            a.signed(t, a.header(edits{"typ": `"state+jwt"`}), a.payload(nil)),
		"session ID":       grant.Session.ID,
		"account ID":       a.owner.Subject.ID,
		"key ID":           a.kid,
	}
	for name, text := range relabelled(t, own) {
		strangers[name] = text
	}
	return own, strangers
}

// relabelled are opaque credentials under the label of another kind, and one
// of a kind that is not: a reset token. The secrets are right, and so are the records that they name.
func relabelled(t testing.TB, own map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	encoding := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	for _, from := range []string{"refresh", "cookie", "setup"} {
		p := strings.Split(own[from], "_")
		require.Len(t, p, 3)
		secret, err := encoding.DecodeString(p[2])
		require.NoError(t, err)
		bare := secret[len(secret)-32:]
		counted := append([]byte{0, 0, 0, 1}, bare...)
		for _, label := range []string{own["refresh"][:2], own["cookie"][:2], own["setup"][:2], "pr", "ak"} {
			for form, raw := range map[string][]byte{"as it is": secret, "bare": bare, "with a generation": counted} {
				text := label + "_" + p[1] + "_" + encoding.EncodeToString(raw)
				if text != own[from] {
					out[from+" as "+label+", "+form] = text
				}
			}
		}
		out[from+" without a label"] = p[1] + "_" + p[2]
		out[from+"'s secret"] = p[2]
	}
	return out
}

// JWT-08, JWT-16, V9.2.2: each kind opens its own door and no other, whichever key signs.
func TestCredentialMatrix(t *testing.T) {
	t.Parallel()
	for _, algorithm := range authn.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			a := newTarget(t, algorithm, func(c *authmodule.Config) { c.AdminEmail = "admin@example.com" })
			own, strangers := credentialKinds(t, a)
			for _, door := range doors(t) {
				for kind, text := range own {
					if kind != door.name {
						door.stays(t, a, kind, text)
					}
				}
				for kind, text := range strangers {
					door.stays(t, a, kind, text)
				}
				door.stays(t, a, "nothing", "none")
			}
			for _, door := range doors(t) {
				w := door.knock(a, own[door.name])
				assert.Equal(t, door.opened, w.Code, "%s opens to its own, which no other door has used up: %s", door.name, w.Body)
			}
		})
	}
}

// stays asserts that the door refuses, with nothing that tells how close the credential was.
func (d door) stays(t *testing.T, a target, kind, text string) {
	t.Helper()
	w := d.knock(a, text)
	require.Equal(t, d.refused, w.Code, "%s at %s: %s", kind, d.name, w.Body)
	require.Contains(t, append(d.codes, d.code), problem(t, w).Code, "%s at %s", kind, d.name)
}
