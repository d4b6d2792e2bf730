// Package smtppart is what account/smtp and the wiring agree upon, so that
// neither imports the other: a program links a mail client and templates only if it imports it.
//
//	slot.Module[smtppart.Opener]("smtp.Module", func() smtppart.Opener { … }, 1)
package smtppart
