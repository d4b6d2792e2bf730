package echoauth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/setting"
)

func attackSerialisations(t testing.TB, a target, l *attacks) {
	token := a.signed(t, a.header(nil), a.payload(nil))
	p := strings.Split(token, ".")
	for i, text := range []string{
		`{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`,
		`{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`,
		`{"protected":"a.b","payload":"c.d","signature":"e"}`,
		p[0] + ".." + p[1] + "." + p[2] + ".", p[0] + "." + p[1] + "." + p[2] + ".AA.AA", token + "." + p[2], token + ".", "." + token, "..", ".", "...",
		p[0], p[0] + "." + p[1], p[1], p[2], token + token, token + "," + token, token + "\n" + token, token + " " + token, "." + p[1] + "." + p[2],
		strings.ReplaceAll(token, ".", "%2E"), strings.ReplaceAll(token, ".", "．"), strings.ReplaceAll(token, ".", "。"), strings.ReplaceAll(token, ".", "\x00"),
		"JWT " + token, "Bearer " + token, `"` + token + `"`, "<" + token + ">", "token=" + token, encode64(token), encode64(token) + "." + encode64(token) + "." + p[2],
		encode64(`{"alg":"dir","enc":"A128GCM"}`) + ".." + p[1] + "." + p[1] + "." + p[2],
	} {
		l.add(fmt.Sprint(i), "token_malformed", text)
	}
	l.add("segments in another order", "token_algorithm", p[1]+"."+p[0]+"."+p[2])
	l.add("no payload", "token_signature", p[0]+".."+p[2])
	l.add("nested (cty JWT)", "token_malformed", a.signed(t, a.header(edits{"cty": `"JWT"`}), token))
}

// attackCharacters put a character where none belongs; the whole is signed as it stands.
func attackCharacters(t testing.TB, a target, l *attacks) {
	for _, odd := range []string{" ", "\x00", "=", "==", "+", "/", "\t", "\ufeff", `"`, "'", "%", "%20", ",", ";", "\u00a0", "é", "\xff", "~", "!", "\v", "\x7f", "*"} {
		l.inSegments(t, a, odd)
	}
}

// attackLineBreaks are apart, because the standard decoder skips them.
func attackLineBreaks(t testing.TB, a target, l *attacks) {
	for _, odd := range []string{"\r", "\n", "\r\n", "\n\n", "\n "} {
		l.inSegments(t, a, odd)
	}
}

func (l *attacks) inSegments(t testing.TB, a target, odd string) {
	t.Helper()
	if l.skips() {
		return
	}
	header, payload := encode64(a.header(nil)), encode64(a.payload(nil))
	token := a.signedText(t, header+"."+payload)
	add := func(where, token string) { l.add(fmt.Sprintf("%q %s", odd, where), "token_malformed", token) }
	add("in the header", a.signedText(t, header[:4]+odd+header[4:]+"."+payload))
	add("behind the header", a.signedText(t, header+odd+"."+payload))
	add("in front of the payload", a.signedText(t, header+"."+odd+payload))
	add("in the payload", a.signedText(t, header+"."+payload[:4]+odd+payload[4:]))
	add("in front of the token", odd+token)
	add("in the signature", token[:len(token)-4]+odd+token[len(token)-4:])
	add("behind the token", token+odd)
}

// attackSpareBits spell a segment in another way that a lenient decoder reads alike.
func attackSpareBits(t testing.TB, a target, l *attacks) {
	for pad := range 3 {
		space := strings.Repeat(" ", pad)
		header, payload := encode64(a.header(nil)+space), encode64(a.payload(nil)+space)
		for i, twin := range spellings(header) {
			if l.skips() {
				continue
			}
			l.add(fmt.Sprint("header, ", pad, " spaces, ", i), "token_malformed", a.signedText(t, twin+"."+payload))
		}
		for i, twin := range spellings(payload) {
			if l.skips() {
				continue
			}
			l.add(fmt.Sprint("payload, ", pad, " spaces, ", i), "token_malformed", a.signedText(t, header+"."+twin))
		}
	}
	token := a.signed(t, a.header(nil), a.payload(nil))
	for i, twin := range spellings(token[strings.LastIndexByte(token, '.')+1:]) {
		l.add(fmt.Sprint("signature, ", i), "token_malformed", token[:strings.LastIndexByte(token, '.')+1]+twin)
	}
}

// spellings are the other base64url texts that decode to the same bytes when spare bits are let pass.
func spellings(text string) []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	variants := map[int]int{2: 16, 3: 4}[len(text)%4]
	at := strings.IndexByte(alphabet, text[len(text)-1])
	var out []string
	for i := 1; i < variants; i++ {
		out = append(out, text[:len(text)-1]+string(alphabet[at^i]))
	}
	return out
}

// attackRevoked bring a revoked token again, in every other spelling that its signer, or anybody, can give it.
func attackRevoked(t testing.TB, a target, l *attacks) {
	jti := edits{"jti": `"revoked"`}
	token := a.signed(t, a.header(nil), a.payload(jti))
	require.NoError(t, a.TokenManager.Revoke(background(), setting.Secret(token)))
	l.add("itself", "token_revoked", token)
	l.add("typ in full", "token_revoked", a.signed(t, a.header(edits{"typ": `"application/at+jwt"`}), a.payload(jti)))
	l.add("space in the header", "token_revoked", a.signed(t, a.header(nil)+" ", a.payload(jti)))
	l.add("space in the payload", "token_revoked", a.signed(t, a.header(nil), " "+a.payload(jti)))
	l.add("jti with an escape", "token_revoked", a.signed(t, a.header(nil), a.payload(edits{"jti": `"r\u0065voked"`})))
	l.add("more members", "token_revoked", a.signed(t, a.header(edits{"x": "1"}), a.payload(edits{"jti": `"revoked"`, "x": "1"})))
	l.add("longer life", "token_revoked", a.signed(t, a.header(nil), a.payload(edits{"jti": `"revoked"`, "exp": fmt.Sprint(a.Now().Unix() + 3600)})))
	if twin, found := a.twin(token); found {
		l.add("(r, n-s)", "token_revoked", twin)
	}
	for _, other := range a.others {
		l.add("signed with "+other.kid, "token_revoked", other.signed(t, a.header(edits{"alg": quoted(other.algorithm), "kid": quoted(other.kid)}), a.payload(jti)))
	}
}

// attackSubjects are well-formed tokens of the right key that no live session of that account stands behind.
func attackSubjects(t testing.TB, a target, l *attacks) {
	closed, other, ended := a.Principal(), a.Principal(), a.Principal()
	ofClosed, ofEnded := a.Token(closed), a.signed(t, a.header(nil), a.payload(edits{"sub": quoted(ended.Subject.ID), "sid": quoted(ended.SessionID)}))
	require.NoError(t, a.Users.Disable(background(), a.owner, closed.Subject))
	require.NoError(t, a.SessionManager.Revoke(background(), ended.Subject, ended.SessionID))
	l.add("account disabled", "session_ended", ofClosed)
	l.add("session revoked", "session_ended", ofEnded)
	cookie := strings.Split(a.Cookie(a.owner).Value, "_")[1]
	for name, e := range map[string]edits{
		"another's account":        {"sub": quoted(other.Subject.ID)},
		"another's session":        {"sid": quoted(other.SessionID)},
		"account that is not":      {"sub": `"nobody"`},
		"account in capitals":      {"sub": quoted(strings.ToUpper(a.owner.Subject.ID))},
		"account with a space":     {"sub": quoted(a.owner.Subject.ID + " ")},
		"account's address":        {"sub": quoted(a.owner.Email)},
		"no account, own session":  {"sub": `"*"`},
		"session that is not":      {"sid": `"none"`},
		"session with a pattern":   {"sid": `"%"`},
		"session with a statement": {"sid": `"' or 1=1--"`},
		"session with a path":      {"sid": `"../` + a.owner.SessionID + `"`},
		"session in capitals":      {"sid": quoted(strings.ToUpper(a.owner.SessionID))},
		"session cut":              {"sid": quoted(a.owner.SessionID[:len(a.owner.SessionID)-1])},
		"session of a cookie":      {"sid": quoted(cookie)},
		"another tenant":           {"tenant": `"acme"`},
		"tenant in the session":    {"sid": quoted("acme." + a.owner.SessionID)},
	} {
		l.add(name, "session_ended", a.signed(t, a.header(nil), a.payload(e)))
	}
}
