package account

import "errors"

// ErrUndeliverable is what a [Notifier] returns, wrapped, when the address does not take mail: do not try again.
var ErrUndeliverable = errors.New("account: the address does not take mail")
