package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// challenged is the answer to a login that needs a second factor.
type challenged struct {
	MFARequired bool     `json:"mfa_required"`
	Challenge   string   `json:"challenge"`
	ExpiresIn   int64    `json:"expires_in"`
	Factors     []string `json:"factors"`
	// Enroll says that the account has none of the factors yet and must enroll one.
	Enroll bool `json:"enroll"`
}

// Format shows no challenge, for every verb.
func (c challenged) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "login that needs a second factor")
}

func (g *Gate) challenge(needed *authn.MFARequiredError) Reply {
	return Reply{Body: &challenged{
		MFARequired: true, Challenge: needed.Challenge.Reveal(), ExpiresIn: g.secondsUntil(needed.Expires), Factors: needed.Demand.Factors, Enroll: needed.Demand.Enroll,
	}}
}

func (g *Gate) secondsUntil(at time.Time) int64 {
	return int64(at.Sub(g.deps.Now()).Round(time.Second).Seconds())
}

// beginFactor prepares a factor of a login that waits: it sends a code, or makes an enrollment.
func (g *Gate) beginFactor(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	text, factor := in.secret("challenge"), in.text("factor")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	begun, err := g.deps.Users.BeginChallenge(ctx, text, factor, g.Client(r))
	if err != nil || begun.Public == "" {
		return Reply{}, mfaProblem(err)
	}
	return Reply{Body: &shown{begun.Public}}, nil
}

// answerChallenge completes a login by a second factor.
func (g *Gate) answerChallenge(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.ChallengeAnswer{
		Challenge: in.secret("challenge"), Factor: in.text("factor"), Code: in.secret("code"), Trust: in.flag("trust_device"), Client: g.Client(r),
	}
	request.Replaces, _, _ = g.cookie.read(r)
	claim, err := g.device(r, in, true)
	if err := errors.Join(in.err(), err); err != nil {
		return Reply{}, err
	}
	request.Device = claim
	grant, err := g.deps.Users.AnswerChallenge(ctx, request)
	return g.granted(ctx, grant, mfaProblem(err), claim)
}

// shown is JSON that is a secret: it is sent, and printed by nothing else.
type shown struct{ text setting.Secret }

// MarshalJSON writes it as it is.
func (s shown) MarshalJSON() ([]byte, error) { return []byte(s.text.Reveal()), nil }

// Format shows nothing of it, for every verb.
func (s shown) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, setting.Redacted) }

// brought is what a second factor brought along. It joins the login's answer.
type brought struct {
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
	TrustedDevice string   `json:"trusted_device,omitempty"`
	TrustedFor    int64    `json:"trusted_for,omitempty"`
}

// along returns what the client is told of a factor's result. Browsers get the secret of a trusted device as a cookie.
func (g *Gate) along(result authn.FactorResult, browser bool) (brought, []*http.Cookie) {
	b := brought{RecoveryCodes: reveal(result.RecoveryCodes)}
	if result.Trust == "" {
		return b, nil
	}
	b.TrustedFor = g.secondsUntil(result.TrustEnds)
	if browser {
		return b, []*http.Cookie{g.trustCookie.set(result.Trust, result.TrustEnds)}
	}
	b.TrustedDevice = result.Trust.Reveal()
	return b, nil
}

func reveal(list []setting.Secret) []string {
	var texts []string
	for _, s := range list {
		texts = append(texts, s.Reveal())
	}
	return texts
}
