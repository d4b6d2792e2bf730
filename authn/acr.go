package authn

import "slices"

// The authentication context classes of this module's logins, from weak to strong. They are claims about the login, not about
// the account, and follow the authenticator assurance levels of NIST SP 800-63B-4: a mailbox is no authenticator, and only two
// different factors make the second level.
const (
	// ACR0: a link or a code sent by e-mail, and nothing else.
	ACR0 = "aal0"
	// ACR1: one factor.
	ACR1 = "aal1"
	// ACR2: two different factors, neither of them a mailbox or a recovery code.
	ACR2 = "aal2"
)

// Authentication method references (RFC 8176) that this module knows, besides others' own.
const (
	MethodPassword = "pwd"
	MethodOTP      = "otp"
	MethodMFA      = "mfa"
	// MethodEmail is a link or a code sent by e-mail, and MethodRecovery a recovery code; neither is registered.
	MethodEmail    = "email"
	MethodRecovery = "recovery"
)

// ACR returns the class of the session's logins and step-ups; none for one in somebody else's name, whose owner proved nothing.
func (s Session) ACR() string {
	if s.Actor != "" {
		return ""
	}
	return ACROf(s.Methods)
}

// ACROf returns the class of a login by these methods.
func ACROf(methods []string) string {
	factors := 0
	for _, m := range methods {
		if m != MethodMFA && m != MethodEmail && m != MethodRecovery {
			factors++
		}
	}
	switch {
	case factors == 0:
		return ACR0
	case factors > 1 && slices.Contains(methods, MethodMFA):
		return ACR2
	}
	return ACR1
}

// Meets reports whether a login of class acr is good for who asks for the class wanted: it is the same, or a weaker one of this module's.
func Meets(acr, wanted string) bool {
	if acr == wanted {
		return acr != ""
	}
	order := []string{ACR0, ACR1, ACR2}
	has, asked := slices.Index(order, acr), slices.Index(order, wanted)
	return asked >= 0 && has > asked
}
