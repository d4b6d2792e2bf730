package account

import "errors"

// Why a flow is refused. Test with errors.Is.
var (
	// ErrTokenInvalid: the link is malformed, used, replaced by a newer one, expired, or of an account that changed since; which one is not told.
	ErrTokenInvalid = errors.New("account: the link is not valid")
	// ErrCodeInvalid: the code is wrong, or its challenge is unknown, used, expired or had too many wrong codes.
	ErrCodeInvalid = errors.New("account: the code is not valid")
	// ErrNoNotifier: the flow sends something, and there is nothing to send it with.
	ErrNoNotifier = errors.New("account: there is no notifier: use authmodule.UseNotifier, or configure auth.smtp")
	// ErrNotOffered: the configuration does not offer this flow.
	ErrNotOffered = errors.New("account: this is not offered here")
	// ErrLastAdmin: the account is the last administrator's, and cannot be deleted.
	ErrLastAdmin = errors.New("account: the last administrator cannot be deleted")
)
