package authn

import (
	"fmt"

	"github.com/authmodule/authmodule/setting"
)

// PasswordConfig configures password hashing (argon2id, RFC 9106) and which passwords may be chosen.
type PasswordConfig struct {
	// MemoryKiB is the memory of one hash in KiB. Defaults to 19456 (19 MiB).
	MemoryKiB setting.Count `yaml:"memory_kib"`
	// Iterations is the number of passes over the memory. Defaults to 2.
	Iterations setting.Count `yaml:"iterations"`
	// Parallelism is the number of lanes. Defaults to 1.
	Parallelism setting.Count `yaml:"parallelism"`
	// Workers is how many passwords are hashed at a time. Defaults to the number of cores less one, at least one.
	Workers setting.Count `yaml:"workers"`
	// Queue is how many more may wait for a worker; a further one is refused with [ErrOverloaded]. Defaults to 64 for each worker.
	Queue setting.Count `yaml:"queue"`
	// Pepper keys passwords before they are hashed, so that the store alone verifies nothing. At least 32 bytes, kept
	// apart from the store. Losing it loses every password. Empty is none.
	Pepper setting.Secret `yaml:"pepper"`
	// PreviousPeppers are what Pepper was before: hashes made with them are checked, and replaced at the next login.
	PreviousPeppers []setting.Secret `yaml:"previous_peppers"`
	// MinLength is the least length of a new password, in characters (code points after NFC). Defaults to [ShortestPassword].
	MinLength setting.Count `yaml:"min_length"`
	// MinLengthMFA is MinLength for accounts that cannot log in without a second factor. Defaults to [ShortestPasswordWithMFA].
	MinLengthMFA setting.Count `yaml:"min_length_mfa"`
	// CommonPasswords refuses the passwords that are guessed first, from an embedded list. Defaults to on.
	CommonPasswords setting.Toggle `yaml:"common_passwords"`
	// Words are refused as passwords besides the account's own: names of the application, its company, its products.
	Words []string `yaml:"words"`
	// History is how many former passwords of an account may not be chosen again, besides the present one; up to [LongestHistory]. Zero, the
	// default, keeps none.
	History setting.Count `yaml:"history"`
	// Composition asks for kinds of characters. NIST and OWASP advise against it; nothing is asked for by default.
	Composition CompositionConfig `yaml:"composition"`
	// Breach refuses passwords that are known from breaches. Off by default.
	Breach BreachConfig `yaml:"breach"`
}

// CompositionConfig says how many characters of a kind a new password has at least. Zero asks for none.
type CompositionConfig struct {
	// Upper counts upper-case letters.
	Upper setting.Count `yaml:"upper"`
	// Lower counts lower-case letters.
	Lower setting.Count `yaml:"lower"`
	// Digits counts decimal digits.
	Digits setting.Count `yaml:"digits"`
	// Symbols counts what is neither letter, digit, mark nor space.
	Symbols setting.Count `yaml:"symbols"`
}

// BreachConfig says where breached passwords are looked up.
type BreachConfig struct {
	// Online asks a server of the Pwned Passwords protocol, which learns the first 20 bits of the password's SHA-1.
	Online bool `yaml:"online"`
	// URL is the server's, without the prefix that is asked for. Defaults to [DefaultBreachURL].
	URL string `yaml:"url"`
	// TimeoutMilliseconds bounds one question. Defaults to 1000.
	TimeoutMilliseconds setting.Count `yaml:"timeout_milliseconds"`
	// File is a list of SHA-1 hashes in hexadecimal, ascending, one a line, each with a colon and a count behind it or not.
	File string `yaml:"file"`
	// Least is how often a password must be listed to be refused. Defaults to 1.
	Least setting.Count `yaml:"least"`
	// OnOutage says what happens when a list cannot be asked: [BreachClosed] refuses the new password with
	// [ErrBreachUnavailable], [BreachOpen] accepts it and logs a warning. Empty is closed.
	OnOutage BreachOutage `yaml:"on_outage"`
}

// BreachOutage says what happens when breached passwords cannot be looked up.
type BreachOutage string

// The choices for an outage.
const (
	BreachClosed BreachOutage = "closed"
	BreachOpen   BreachOutage = "open"
)

// Format shows the configuration with its secrets redacted.
func (c PasswordConfig) Format(f fmt.State, _ rune) {
	type plain PasswordConfig
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}
