package account

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// NoticeKind says what a [Notice] is about.
type NoticeKind string

// Notices that bring something: a link, or a code.
const (
	// NoticeVerifyEmail has the link that shows that its reader owns the address.
	NoticeVerifyEmail NoticeKind = "verify_email"
	// NoticeAccountExists goes to who registered with an address that has an account. It has the link to a new password.
	NoticeAccountExists NoticeKind = "account_exists"
	// NoticeResetPassword has the link to a new password, which the owner asked for, or an administrator: then the fact "by" is "administrator".
	NoticeResetPassword NoticeKind = "reset_password"
	// NoticeChangeEmail goes to the new address, with the link that confirms it.
	NoticeChangeEmail NoticeKind = "change_email"
	// NoticeMagicLink has a link that logs in.
	NoticeMagicLink NoticeKind = "magic_link"
	// NoticeLoginCode has a code that logs in.
	NoticeLoginCode NoticeKind = "login_code"
	// NoticeFactorCode has a code that is a second factor.
	NoticeFactorCode NoticeKind = "factor_code"
)

// Notices that tell what happened, so that an owner who did not do it can act.
const (
	// NoticePasswordChanged: the account has another password.
	NoticePasswordChanged NoticeKind = "password_changed"
	// NoticeEmailChanging goes to the address that an account has: another was asked for, fact "new_email".
	NoticeEmailChanging NoticeKind = "email_changing"
	// NoticeEmailChanged goes to the address that an account had before: fact "new_email".
	NoticeEmailChanged NoticeKind = "email_changed"
	// NoticeFactorAdded: the account has a further factor, fact "factor".
	NoticeFactorAdded NoticeKind = "factor_added"
	// NoticeFactorRemoved: a factor was taken away, fact "factor".
	NoticeFactorRemoved NoticeKind = "factor_removed"
	// NoticeRecoveryCodeUsed: a recovery code was used; fact "left" is how many there still are.
	NoticeRecoveryCodeUsed NoticeKind = "recovery_code_used"
	// NoticeNewDevice: a login on a device that was not known, fact "device".
	NoticeNewDevice NoticeKind = "new_device"
	// NoticeAccountDeleted: the account is gone.
	NoticeAccountDeleted NoticeKind = "account_deleted"
)

// NoticeKinds returns every kind, in the order of the documentation.
func NoticeKinds() []NoticeKind {
	return []NoticeKind{
		NoticeVerifyEmail, NoticeAccountExists, NoticeResetPassword, NoticeChangeEmail, NoticeMagicLink, NoticeLoginCode, NoticeFactorCode,
		NoticePasswordChanged, NoticeEmailChanging, NoticeEmailChanged, NoticeFactorAdded, NoticeFactorRemoved, NoticeRecoveryCodeUsed, NoticeNewDevice, NoticeAccountDeleted,
	}
}

// Notice is one message to the owner of an address.
type Notice struct {
	Kind NoticeKind
	// To is one canonical address.
	To string
	// Subject is the account.
	Subject authn.Subject
	// Link and Code are secrets for the reader alone; most kinds have one of them or none. Expires is until when they are good.
	Link    setting.Secret
	Code    setting.Secret
	Expires time.Time
	// Time is when it happened, IP and UserAgent who caused it, as far as known.
	Time          time.Time
	IP, UserAgent string
	// Facts are what belongs to the kind, such as "new_email". They hold text that other people chose: escape them.
	Facts map[string]string
}

// Notifier brings notices to their readers. It is called in the background, by at most a few goroutines at a time, with a context
// that has a deadline. It must not log Link and Code. After an error the notice is tried again a few times.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// ErrorReporter is a [Notifier] whose errors may be logged. Of those of others the type alone is, since what they say may hold the
// link or the code.
type ErrorReporter interface {
	// ReportError returns what may be logged of an error of Notify: no link, no code, no password, and no text that a server or
	// another person chose.
	ReportError(err error) string
}
