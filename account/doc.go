// Package account is what an owner does with an account, and an administrator with those of others: it verifies addresses, resets
// and changes passwords, changes addresses, deletes, disables, and logs in by a link or a code that is sent by e-mail.
//
// Nothing that a caller without a session is told depends on whether an address has an account. What is sent goes through the
// application's own [Notifier], or that of the package account/smtp.
package account
