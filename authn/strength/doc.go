// Package strength estimates how hard a password is to guess, by the method of
// zxcvbn (D. Wheeler, USENIX Security 2016): dictionaries, names, keyboard walks, dates and repetitions.
//
//	estimate := strength.Of("correct horse battery staple", "ada@example.com")
//	fmt.Println(estimate.Score) // 4, of 0 to 4
//
// It is meant for showing while a password is chosen. [AtLeast] makes a condition
// of it, for those who want one: NIST SP 800-63B-4 does not ask for it. Programs
// that do not import this package do not carry its dictionaries, which weigh 1 MB.
package strength
