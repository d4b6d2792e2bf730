// Package smtp sends the notices of package account by e-mail. It is an opt-in package: a program links a mail client and templates
// only if it imports it.
//
//	fx.New(
//		authmodule.Configure(cfg), // auth.smtp.host and auth.smtp.from are set
//		smtp.Module(),
//	)
//
// Without fx, or with a certificate authority of one's own:
//
//	sender, err := smtp.New(account.SMTPConfig{Host: "mail.example.com", From: "noreply@example.com"}, smtp.Options{RootCAs: pool})
//
// Each notice is one mail with a text and an HTML part, over a connection of its own. docs/mail.md says what templates may say.
package smtp
