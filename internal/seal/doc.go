// Package seal keeps secrets that the application must read again, such as
// signing keys, in a store that must not be able to read them (AES-256-GCM,
// NIST SP 800-38D, with a random nonce).
//
//	box, err := seal.New("signing keys", current, previous)
//	sealed, err := box.Seal(rand.Reader, der, kid, algorithm)
//	der, fresh, err := box.Open(sealed, kid, algorithm)
//
// A sealed value opens under the purpose and the context that it was sealed
// with, and nowhere else: a value that is copied to another record is damaged
// there. What it does not do: it hides no lengths, and it cannot tell an old
// value that somebody put back from the present one.
package seal
