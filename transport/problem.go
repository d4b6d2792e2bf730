package transport

import (
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
)

// Problem is an error answer (RFC 9457). Code is the stable word that clients
// branch on. Equal failures are byte-equal: there is no instance, id or time in
// it, but for the decision id of a 403.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	// Field names the first offending member of the request, and Errors has all of them.
	Field  string       `json:"field,omitempty"`
	Errors []FieldFault `json:"errors,omitempty"`
	// Required and Decision belong to a 403: what was missing, or where the log says so.
	Required string `json:"required,omitempty"`
	Decision string `json:"decision,omitempty"`
	// ACRValues, of which one is needed, and MaxAge, in seconds, belong to a 401 that wants more proof (RFC 9470), as in its challenge; StepUp is
	// the path where this module takes it.
	ACRValues string `json:"acr_values,omitempty"`
	MaxAge    int64  `json:"max_age,omitempty"`
	StepUp    string `json:"step_up,omitempty"`

	// Challenge is the WWW-Authenticate header of a 401.
	Challenge string `json:"-"`
	// RetryAfter is the Retry-After header in seconds; zero sends none.
	RetryAfter int `json:"-"`
}

// FieldFault is an offending member.
type FieldFault struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Source, Line and Column are where a fault of policies stands; Line and Column count from 1.
	Source string `json:"source,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Error returns the code and the detail.
func (p *Problem) Error() string {
	if p == nil { // which became an error by mistake, and is answered with 500
		return "a *transport.Problem that is nil"
	}
	return p.Code + ": " + p.Detail
}

// ContentType of a problem.
const ContentType = "application/problem+json"

const (
	challengeNone    = `Bearer realm="authmodule"`
	challengeInvalid = `Bearer realm="authmodule", error="invalid_token"`
	retrySoon        = 1
	// retryKeys is when the keys of another issuer may be fetched again.
	retryKeys = 30
)

// NotFound is the answer to who asks about something that is not there, or that they must not know of.
func NotFound() *Problem {
	return problem(http.StatusNotFound, "not_found", "there is nothing here by this name")
}

func problem(status int, code, detail string) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
	switch status {
	case http.StatusUnauthorized:
		p.Challenge = challengeNone
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		p.RetryAfter = retrySoon
	}
	return p
}

func invalidToken(code, detail string) *Problem {
	p := problem(http.StatusUnauthorized, code, detail)
	p.Challenge = challengeInvalid
	return p
}

func unauthenticated() *Problem {
	return problem(http.StatusUnauthorized, "unauthenticated", "this needs a login: send an access token or a session cookie")
}

func internalError() *Problem {
	return problem(http.StatusInternalServerError, "internal_error", "the request could not be handled; the log says why")
}

// known maps the conditions that callers may be told of. Everything else is a
// store that could not answer.
func known(err error) *Problem {
	switch {
	case errors.Is(err, authn.ErrTokenMalformed):
		return invalidToken("token_malformed", "the access token is malformed")
	case errors.Is(err, authn.ErrTokenAlgorithm):
		return invalidToken("token_algorithm", "the access token's algorithm is not accepted")
	case errors.Is(err, authn.ErrTokenKey):
		return invalidToken("token_key", "the access token's key is not known here")
	case errors.Is(err, authn.ErrTokenSignature):
		return invalidToken("token_signature", "the access token's signature does not verify")
	case errors.Is(err, authn.ErrTokenType):
		return invalidToken("token_type", "this token is not an access token")
	case errors.Is(err, authn.ErrTokenIssuer):
		return invalidToken("token_issuer", "the access token is from another issuer")
	case errors.Is(err, authn.ErrTokenAudience):
		return invalidToken("token_audience", "the access token is for another audience")
	case errors.Is(err, authn.ErrTokenExpired):
		return invalidToken("token_expired", "the access token has expired")
	case errors.Is(err, authn.ErrTokenNotYetValid):
		return invalidToken("token_not_yet_valid", "the access token is not valid yet")
	case errors.Is(err, authn.ErrTokenRevoked):
		return invalidToken("token_revoked", "the access token was revoked")
	case errors.Is(err, authn.ErrTokenBinding):
		return invalidToken("token_binding", "the credential is bound to another client, or must be bound and is not")
	case errors.Is(err, authn.ErrKeysUnavailable):
		return keysUnavailable()
	case errors.Is(err, authn.ErrAPIKeyInvalid):
		return invalidAPIKey()
	case errors.Is(err, authn.ErrSessionEnded):
		return invalidToken("session_ended", "the session has ended")
	}
	return knownFlow(err)
}

func keysUnavailable() *Problem {
	p := problem(http.StatusServiceUnavailable, "unavailable", "the keys of the token's issuer cannot be had at the moment; try again shortly")
	p.RetryAfter = retryKeys
	return p
}

func throttled(err *authn.ThrottledError) *Problem {
	p := problem(http.StatusTooManyRequests, "throttled", "too many attempts have failed; try again later")
	p.RetryAfter = err.Seconds()
	return p
}

func knownFlow(err error) *Problem {
	var over *authn.ThrottledError
	switch {
	case errors.As(err, &over):
		return throttled(over)
	case errors.Is(err, authn.ErrAuthenticatorDisabled):
		return problem(http.StatusForbidden, "authenticator_disabled", "this way of proving who you are has failed too often; it must be set up anew")
	case errors.Is(err, authn.ErrInvalidCredentials), errors.Is(err, authn.ErrEmailUnverified): // alike, so that registering tells nothing
		return problem(http.StatusUnauthorized, "invalid_credentials", "the e-mail address or the password is wrong")
	case errors.Is(err, authn.ErrRefreshReused):
		return invalidToken("refresh_reused", "the refresh token was used before; its session has been ended")
	case errors.Is(err, authn.ErrRefreshInvalid):
		return invalidToken("refresh_invalid", "the refresh token is not valid")
	case errors.Is(err, authn.ErrSessionRenewed):
		return problem(http.StatusConflict, "session_renewed", "another request has just renewed this session; repeat this one with the cookie that it set")
	case errors.Is(err, authn.ErrSetupInvalid):
		return problem(http.StatusBadRequest, "setup_invalid", "the set-up token is not valid; restart the application for a new one")
	case errors.Is(err, authn.ErrEmailTaken):
		return problem(http.StatusConflict, "email_taken", "an account with this e-mail address exists")
	case errors.Is(err, authn.ErrRegistrationClosed):
		return problem(http.StatusForbidden, "registration_closed", "accounts cannot be registered here")
	case errors.Is(err, authn.ErrSessionLimit):
		return problem(http.StatusForbidden, "session_limit", "the account has as many sessions as it may have; end one first")
	case errors.Is(err, authn.ErrContinuationInvalid):
		return problem(http.StatusUnauthorized, "continuation_invalid", "the login cannot be continued: it was continued already, or waited too long; log in again")
	case errors.Is(err, authn.ErrCertificateRequired):
		return problem(http.StatusForbidden, "certificate_required", "this account may log in with a client certificate only")
	case errors.Is(err, authn.ErrAddressRequired):
		return problem(http.StatusForbidden, "address_required", "this account may log in only where the address of the client is known")
	case errors.Is(err, authn.ErrAPIKeyLimit):
		return problem(http.StatusForbidden, "api_key_limit", "the account has as many API keys as it may have; revoke one first")
	case errors.Is(err, authn.ErrLoginRequired):
		return loginRequired()
	case errors.Is(err, authn.ErrBreachUnavailable):
		return problem(http.StatusServiceUnavailable, "unavailable", "whether this password is known from breaches cannot be looked up at the moment; try again shortly")
	case errors.Is(err, authn.ErrOverloaded):
		return problem(http.StatusServiceUnavailable, "overloaded", "too many logins at once; try again shortly")
	}
	return nil
}

// fields returns the problem for every [authn.FieldError] in err, or nil.
func fields(err error) *Problem {
	faults := faultsIn(err)
	if len(faults) == 0 {
		return nil
	}
	p := problem(http.StatusBadRequest, "invalid_request", faults[0].Field+" "+faults[0].Detail)
	p.Field, p.Errors = faults[0].Field, faults
	return p
}

func faultsIn(err error) []FieldFault {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []FieldFault
		for _, one := range joined.Unwrap() {
			out = append(out, faultsIn(one)...)
		}
		return out
	}
	var field *authn.FieldError
	if !errors.As(err, &field) {
		return nil
	}
	return []FieldFault{{Field: field.Field, Code: field.Code, Detail: field.Problem}}
}
