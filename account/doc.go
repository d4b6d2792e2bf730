// Package account is what an owner does with an account, and an administrator with those of others: it verifies addresses, resets
// and changes passwords, changes addresses, deletes, and logs in by a link or a code that is sent by e-mail.
//
//	outbox := account.NewOutbox(account.Config{}, notifier, log)
//	go outbox.Run(ctx)
//	service, err := account.New(account.Config{}, account.Deps{Users: users, Outbox: outbox, …})
//	err = service.Forgot(ctx, account.Request{Email: "ada@example.com", Client: client})
//	err = service.Reset(ctx, token, password, client) // with the token of the link that was sent
//
// Nothing that a caller without a session is told depends on whether an address has an account. What is sent goes through the
// application's own [Notifier], or that of the package account/smtp.
package account
