package echoauth_test

import (
	"fmt"
	"strings"
	"testing"
)

// withClaim adds one token for each value of a claim.
func (l *attacks) withClaim(t testing.TB, a target, code, claim string, values ...string) {
	t.Helper()
	for _, value := range values {
		if l.skips() {
			continue
		}
		l.add(claim+" "+value, code, a.signed(t, a.header(nil), a.payload(edits{claim: value})))
	}
}

var otherNames = []string{"authmodule/", "Authmodule", "AUTHMODULE", " authmodule", "authmodule ", `authmodule\u0000`, "authmodul", "authmodule2", "other", "*", ".", "https://authmodule"}

func attackIssuers(t testing.TB, a target, l *attacks) {
	for _, name := range otherNames {
		l.withClaim(t, a, "token_issuer", "iss", quoted(name))
	}
	l.withClaim(t, a, "token_malformed", "iss", "", "null", `""`, `["authmodule"]`, `["authmodule","other"]`, `{"authmodule":1}`, "1", "true")
}

func attackAudiences(t testing.TB, a target, l *attacks) {
	for _, name := range otherNames {
		l.withClaim(t, a, "token_audience", "aud", quoted(name), "["+quoted(name)+"]")
	}
	l.withClaim(t, a, "token_malformed", "aud", "", "null", `""`, "[]", `[""]`, `["authmodule","other"]`, `["other","authmodule"]`, `["authmodule","authmodule"]`, "1", "true", "[null]")
}

// attackClaims are missing claims, and times that no clock shows.
func attackClaims(t testing.TB, a target, l *attacks) {
	now := a.Now().Unix()
	for _, claim := range []string{"sub", "tenant", "sid", "jti", "amr", "roles"} {
		l.withClaim(t, a, "token_malformed", claim, "", "null")
	}
	for _, claim := range []string{"iat", "nbf", "exp", "auth_time"} {
		l.withClaim(t, a, "token_malformed", claim, "", "null", "true", "false", `""`, quoted(fmt.Sprint(now+60)), "[]", fmt.Sprintf("[%d]", now+60), "{}",
			"0", "-0", "-1", fmt.Sprint(-now), "1e308", "1e999", "-1e999", "9e18", "9000000000000000000", "9223372036854775807", "9223372036854775808",
			"18446744073709551616", "253402300800", "1000000000000000", fmt.Sprintf("%d.5", now+60), fmt.Sprintf("%d.0", now+60), fmt.Sprintf("%de0", now+60),
			fmt.Sprintf("0%d", now+60), fmt.Sprintf("+%d", now+60), "0x6957", "1_767_323_045", "NaN", "Infinity")
	}
	for _, ago := range []int64{0, 1, 30, 60, 3600} {
		l.add(fmt.Sprint("expired since ", ago), "token_expired", a.signed(t, a.header(nil), a.payload(edits{
			"exp": fmt.Sprint(now - ago), "iat": fmt.Sprint(now - ago - 600), "nbf": fmt.Sprint(now - ago - 600),
		})))
	}
}

func attackLifetimes(t testing.TB, a target, l *attacks) {
	now := a.Now().Unix()
	for _, seconds := range []int64{24*3600 + 1, 48 * 3600, 365 * 24 * 3600, 200000000000, 0, -1, -3600} {
		l.withClaim(t, a, "token_malformed", "exp", fmt.Sprint(now+seconds))
	}
	l.withClaim(t, a, "token_malformed", "iat", "1", fmt.Sprint(now-24*3600), fmt.Sprint(now+1800), fmt.Sprint(now+1801))
}

func attackFuture(t testing.TB, a target, l *attacks) {
	now := a.Now().Unix()
	for _, ahead := range []int64{31, 60, 600, 1799} {
		l.withClaim(t, a, "token_not_yet_valid", "iat", fmt.Sprint(now+ahead))
		l.withClaim(t, a, "token_not_yet_valid", "nbf", fmt.Sprint(now+ahead))
		l.withClaim(t, a, "token_not_yet_valid", "auth_time", fmt.Sprint(now+ahead))
	}
	l.withClaim(t, a, "token_not_yet_valid", "nbf", "253402300799")
	l.withClaim(t, a, "token_not_yet_valid", "auth_time", "253402300799")
}

// with adds text behind the last member.
func with(object, tail string) string { return object[:len(object)-1] + "," + tail + "}" }

// inPayload and inHeader add a token for each text.
func (l *attacks) inPayload(t testing.TB, a target, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if l.skips() {
			continue
		}
		l.add(fmt.Sprintf("%d payload %q", len(l.list), ending(text)), "token_malformed", a.signed(t, a.header(nil), text))
	}
}

func (l *attacks) inHeader(t testing.TB, a target, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if l.skips() {
			continue
		}
		l.add(fmt.Sprintf("%d header %q", len(l.list), ending(text)), "token_malformed", a.signed(t, text, a.payload(nil)))
	}
}

// ending is where texts of one rule differ.
func ending(text string) string { return text[max(0, len(text)-40):] }

func attackEncodings(t testing.TB, a target, l *attacks) {
	header, payload := a.header(nil), a.payload(nil)
	for _, text := range []string{"\"x\":\"\xff\"", "\"\xc0\xaf\":1", "\"x\":\"\xed\xa0\x80\"", "\"x\":\"\xf4\x90\x80\x80\"", `"x":"\ud800"`, `"x":"\udc00"`, `"\ud83d":1`, `"x":"\ud800\u0041"`, `"x":["\udfff"]`} {
		l.inPayload(t, a, with(payload, text))
		l.inHeader(t, a, with(header, text))
	}
	l.inPayload(t, a, "\ufeff"+payload, "\xff\xfe"+payload, wide(payload), wide("\ufeff"+payload))
	l.inHeader(t, a, "\ufeff"+header, "\xff\xfe"+header, wide(header), wide("\ufeff"+header))
}

// wide is ASCII text in UTF-16.
func wide(text string) string {
	var out strings.Builder
	for _, r := range text {
		out.Write([]byte{byte(r), byte(r >> 8)})
	}
	return out.String()
}

func attackDuplicates(t testing.TB, a target, l *attacks) {
	header, payload := a.header(nil), a.payload(nil)
	for _, tail := range []string{`"exp":9999999999`, `"sub":"admin"`, `"roles":["admin"]`, `"x":1,"x":1`, `"x":{"y":1,"y":2}`, `"x":[{"y":1,"y":2}]`, `"\u0065xp":9999999999`, `"":1,"":2`, `"x":{"a":{"b":{"c":1,"c":1}}}`} {
		l.inPayload(t, a, with(payload, tail))
	}
	l.inPayload(t, a, `{"exp":1,`+payload[1:], `{"sub":"admin",`+payload[1:])
	l.inHeader(t, a, `{"alg":"none",`+header[1:], with(header, `"alg":"none"`), with(header, `"alg":`+quoted(a.algorithm)), with(header, `"kid":"x"`),
		with(header, `"typ":"JWT"`), with(header, `"x":{"y":1,"y":1}`), with(header, `"\u0061lg":"none"`))
}

func attackLetterCase(t testing.TB, a target, l *attacks) {
	for _, tail := range []string{`"EXP":9999999999`, `"Sub":"admin"`, `"ROLES":["admin"]`, `"Tenant":"x"`, `"AUTH_TIME":1`, `"jtI":"x"`, `"SID":"x"`, `"Aud":"x"`, `"ISS":"x"`} {
		l.inPayload(t, a, with(a.payload(nil), tail))
	}
	for _, tail := range []string{`"ALG":"none"`, `"Kid":"x"`, `"TYP":"x"`, `"CRIT":["x"]`, `"Zip":"DEF"`, `"B64":false`, `"JKU":"x"`, `"JWK":{}`, `"X5C":[]`} {
		l.inHeader(t, a, with(a.header(nil), tail))
	}
	l.inPayload(t, a, a.payload(edits{"exp": "", "Exp": fmt.Sprint(a.Now().Unix() + 60)}))
}

func attackHomoglyphs(t testing.TB, a target, l *attacks) {
	for _, tail := range []string{`"i\u017f\u017f":"x"`, `"\u017fub":"admin"`, `"role\u017f":["admin"]`, `"\u017fid":"x"`, "\"ſub\":\"admin\""} {
		l.inPayload(t, a, with(a.payload(nil), tail))
	}
	l.inHeader(t, a, with(a.header(nil), `"\u212aid":"x"`), with(a.header(nil), `"j\u212au":"x"`), with(a.header(nil), "\"jw\u212a\":{}"))
}

func attackTrailing(t testing.TB, a target, l *attacks) {
	header, payload := a.header(nil), a.payload(nil)
	for _, tail := range []string{"{}", " x", ",", "}", "\x00", "null", "//", "[]", "\v", "\u00a0"} {
		l.inPayload(t, a, payload+tail)
		l.inHeader(t, a, header+tail)
	}
	l.inPayload(t, a, payload+payload, "["+payload+"]", ")]}'\n"+payload)
}

func attackNoObject(t testing.TB, a target, l *attacks) {
	texts := []string{"null", "[]", `"x"`, "1", "true", " ", "{", "}", "{,}", "{{}}", `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`}
	l.inPayload(t, a, append(texts, "", "{}", strings.ReplaceAll(a.payload(nil), `"`, "'"), strings.Replace(a.payload(nil), ",", ",,", 1), with(a.payload(nil), ""),
		with(a.payload(nil), `"x":01`), with(a.payload(nil), `"x":undefined`), with(a.payload(nil), "\"x\":\"\n\""), with(a.payload(nil), `"x":/**/1`))...)
	l.inHeader(t, a, append(texts, "", strings.ReplaceAll(a.header(nil), `"`, "'"), with(a.header(nil), ""))...)
}

func attackClaimTypes(t testing.TB, a target, l *attacks) {
	l.withClaim(t, a, "token_malformed", "aud", "{}", `{"authmodule":true}`, `[["authmodule"]]`, `["authmodule",1]`, `["authmodule",["x"]]`)
	for _, claim := range []string{"sub", "sid", "jti"} {
		l.withClaim(t, a, "token_malformed", claim, "true", "false", "[]", `["x"]`, "{}", `{"a":"x"}`, `""`, quoted(strings.Repeat("x", 256)), `"x`, "x")
	}
	for _, claim := range []string{"amr", "roles"} {
		l.withClaim(t, a, "token_malformed", claim, "true", "1", `"admin"`, `""`, "{}", `{"0":"admin"}`, "[1]", "[null]", `["admin",1]`, `[["admin"]]`, `[{"a":"admin"}]`, "[,]", `["a",]`, `["a" "b"]`)
	}
	l.withClaim(t, a, "token_malformed", "tenant", "true", "[]", "{}", `"Acme"`, `"a_b"`, `"-a"`, `"a.b"`, `" acme"`, `"../x"`, quoted(strings.Repeat("t", 64)))
}

func attackBigNumbers(t testing.TB, a target, l *attacks) {
	for _, claim := range []string{"sub", "tenant", "sid", "jti"} {
		l.withClaim(t, a, "token_malformed", claim, "0", "1", "9007199254740993", "12345678901234567890", "1e400")
	}
}

func attackSizes(t testing.TB, a target, l *attacks) {
	header, payload := a.header(nil), a.payload(nil)
	nested := func(n int) string { return `"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) }
	l.inPayload(t, a, with(payload, nested(32)), with(payload, nested(5000)), with(payload, `"x":`+strings.Repeat(`{"a":`, 32)+"1"+strings.Repeat("}", 32)),
		strings.Repeat("[", 8000), strings.Repeat(`{"a":`, 1600), with(payload, members(245)), with(payload, `"x":{`+members(244)+"}"),
		with(payload, `"x":`+quoted(strings.Repeat("y", 10<<10))), with(payload, `"x":`+quoted(strings.Repeat("y", 20<<10))))
	l.inHeader(t, a, with(header, nested(4)), strings.Repeat("[", 1500), with(header, members(30)), with(header, `"x":`+quoted(strings.Repeat("y", 2<<10))))
	l.add("1 MiB", "token_malformed", strings.Repeat("A", 1<<20))
	l.add("1 MiB in three segments", "token_malformed", encode64(header)+"."+strings.Repeat("A", 1<<20)+".AAAA")
	l.add("16 KiB of dots", "token_malformed", strings.Repeat(".", 16<<10))
	l.add("1 MiB of dots", "token_malformed", strings.Repeat(".", 1<<20))
}

func members(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"m%d":0`, i)
	}
	return strings.Join(list, ",")
}
