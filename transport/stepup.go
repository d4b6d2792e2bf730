package transport

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// ProofSkew is how far in the future a login or a second factor may lie, by the clock of another node, and still count.
const ProofSkew = time.Minute

// proving is what a guard asks of how, and how long ago, its callers proved who they are. It does not change.
type proving struct {
	kind    GuardKind
	maxAge  time.Duration
	classes []string
	// refusal is the answer to who has proved less.
	refusal Problem
}

func newProving(kind GuardKind, maxAge time.Duration, classes []string) *proving {
	w := &proving{kind: kind, maxAge: maxAge, classes: slices.Clone(classes)}
	detail := map[GuardKind]string{
		KindMFA: "this needs a login by a second factor", KindRecentAuth: "this needs a login that is more recent", KindACR: "this needs a stronger login",
	}[kind]
	if kind == KindMFA && maxAge > 0 {
		detail = "this needs a second factor that was proved recently"
	}
	p := problem(http.StatusUnauthorized, "insufficient_user_authentication", detail)
	p.ACRValues, p.MaxAge = strings.Join(w.classes, " "), w.seconds()
	if kind == KindMFA {
		p.ACRValues = authn.ACR2
	}
	p.Challenge = challengeNone + `, error="insufficient_user_authentication", error_description="` + detail + `"`
	if p.ACRValues != "" {
		p.Challenge += `, acr_values="` + p.ACRValues + `"`
	}
	if p.MaxAge > 0 {
		p.Challenge += `, max_age="` + strconv.FormatInt(p.MaxAge, 10) + `"`
	}
	w.refusal = *p
	return w
}

// seconds is the age as it is told: whole, and never 0 for one that is not.
func (w *proving) seconds() int64 {
	s := int64(w.maxAge / time.Second)
	switch {
	case s == 0 && w.maxAge > 0:
		return 1
	case s == 0 && w.maxAge < 0:
		return -1
	}
	return s
}

// fault says what is wrong with the guard itself, or nothing.
func (w *proving) fault() string {
	switch {
	case w.kind == KindMFA && w.maxAge < 0:
		return "RequireMFA has a negative age"
	case w.kind == KindRecentAuth && w.maxAge <= 0:
		return "RequireRecentAuth has no age"
	case w.kind == KindACR && len(w.classes) == 0:
		return "RequireACR names no class"
	case slices.ContainsFunc(w.classes, func(c string) bool { return !soundClass(c) }):
		return "RequireACR names what is no class"
	}
	return ""
}

// soundClass reports whether the text can be one of acr_values: visible ASCII without spaces and what ends a quoted string (RFC 9110, section 5.6.4).
func soundClass(text string) bool {
	unsound := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	return text != "" && !strings.ContainsFunc(text, unsound)
}

// met reports whether the caller has proved enough.
func (w *proving) met(p *authn.Principal, now time.Time) bool {
	switch w.kind {
	case KindMFA:
		return w.secondFactor(p, now)
	case KindRecentAuth:
		return recent(p.AuthTime, now, w.maxAge)
	}
	return slices.ContainsFunc(w.classes, func(wanted string) bool { return authn.Meets(p.ACR, wanted) })
}

// secondFactor takes the word of another issuer, and of an authenticator of the application's own: its acr or amr say that there was a
// second factor, and its auth_time when.
func (w *proving) secondFactor(p *authn.Principal, now time.Time) bool {
	if p.SessionID != "" || !p.MFATime.IsZero() {
		return recent(p.MFATime, now, w.maxAge)
	}
	if !authn.Meets(p.ACR, authn.ACR2) && !slices.Contains(p.Methods, authn.MethodMFA) {
		return false
	}
	return w.maxAge == 0 || recent(p.AuthTime, now, w.maxAge)
}

// recent reports whether it was at most maxAge ago; at any time, if that is 0.
func recent(at, now time.Time, maxAge time.Duration) bool {
	if at.IsZero() || at.Sub(now) > ProofSkew {
		return false
	}
	return maxAge == 0 || now.Sub(at) <= maxAge
}

// provable reports whether the credential is one whose user could prove more: no API key and nothing with scopes, and nobody who
// acts as somebody else.
func provable(p *authn.Principal) bool {
	return p.KeyID == "" && (p.Scopes == nil || p.Issuer != "") && p.Actor == ""
}

// proves reports that the caller has proved what is asked.
func (c *Caller) proves(w *proving) bool {
	return c.problem == nil && c.principal != nil && provable(c.principal) && w.fault() == "" && w.met(c.principal, c.gate.deps.Now())
}

// requireProof answers 401 to who has proved less than is asked, and can prove more; 403 to who cannot.
func (c *Caller) requireProof(ctx context.Context, w *proving) *Problem {
	if p := c.RequireAuth(); p != nil {
		return p
	}
	if fault := w.fault(); fault != "" {
		c.gate.deps.Log.ErrorContext(ctx, "request refused: a guard is written wrongly", "error", fault)
		return internalError()
	}
	return c.gate.unproved(c.principal, w)
}

// unproved is why the principal has not proved what is asked, or nil.
func (g *Gate) unproved(p *authn.Principal, w *proving) *Problem {
	switch {
	case p.Actor != "":
		return impersonated()
	case !provable(p):
		return loginRequired()
	case w.met(p, g.deps.Now()):
		return nil
	}
	refusal := w.refusal
	if p.SessionID != "" && p.Issuer == "" {
		refusal.StepUp = g.cfg.Prefix + stepUpPath
	}
	return &refusal
}

// impersonated refuses who acts as somebody else what only the account's owner may do. Proving more would not help.
func impersonated() *Problem {
	return problem(http.StatusForbidden, "impersonated", "only the account's owner may do this, and nobody in their name")
}

// GuardMFA lets callers through who proved a second factor at most maxAge ago; 0 is at any time in their session. It answers 401
// insufficient_user_authentication (RFC 9470, section 3) to others, and 403 to those who could never pass: API keys, other credentials with
// scopes, and who acts as somebody else. Another issuer's token is taken at its word: acr or amr say that there was a second factor, and
// auth_time when. A negative age is a mistake and answers 500.
func GuardMFA(maxAge time.Duration) *Guard { return provingGuard(KindMFA, maxAge, nil) }

// GuardRecentAuth is [GuardMFA] for callers who proved who they are, by whatever factor, at most maxAge ago. Refreshing tokens
// proves nothing. An age that is not positive is a mistake and answers 500.
func GuardRecentAuth(maxAge time.Duration) *Guard { return provingGuard(KindRecentAuth, maxAge, nil) }

// GuardACR is [GuardMFA] for callers whose login is of one of the authentication context classes, or of a stronger one: see [authn.Meets].
// Naming none is a mistake and answers 500.
func GuardACR(anyOf ...string) *Guard { return provingGuard(KindACR, 0, anyOf) }

func provingGuard(kind GuardKind, maxAge time.Duration, classes []string) *Guard {
	w := newProving(kind, maxAge, classes)
	return &Guard{kind: kind, names: w.classes, proving: w}
}
