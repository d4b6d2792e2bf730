package authmodule

import (
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// password checks the cost of a hash against the OWASP minima for argon2id (ASVS 5.0 V11.4.2, appendix C), and the least lengths.
func (p *problems) password(c authn.PasswordConfig) {
	for _, n := range []struct {
		key   string
		value int
	}{{"password.min_length", int(c.MinLength)}, {"password.min_length_mfa", int(c.MinLengthMFA)}} {
		if n.value > 0 && n.value < authn.ShortestPasswordWithMFA {
			p.add(n.key, fmt.Sprintf("is below %d", authn.ShortestPasswordWithMFA), fmt.Sprintf("set $VAR to a whole number from %d to %d", authn.ShortestPasswordWithMFA, authn.LongestMinLength))
		}
	}
	if c.Parallelism > 0 && c.MemoryKiB < 8*c.Parallelism {
		p.add("password.memory_kib", "is below 8 KiB for each lane", "set $VAR to 19456 or more")
		return
	}
	if p.strict && weakPassword(c) {
		p.add("password.memory_kib", "and auth.password.iterations are below the accepted minimum",
			"set $VAR to at least 19456 with LEX_AUTH__PASSWORD__ITERATIONS at least 2, or to at least 47104 with any number")
	}
}

func weakPassword(c authn.PasswordConfig) bool {
	return !(c.MemoryKiB >= 19456 && c.Iterations >= 2 || c.MemoryKiB >= 47104 && c.Iterations >= 1)
}

// peppers checks that the pepper is a secret of its own.
func (p *problems) peppers(c Config) {
	pepper := c.Password.Pepper
	p.secret("password.pepper", pepper.Reveal(), authn.ShortestSecret, p.strict)
	if pepper != "" && (pepper == c.SecretKey || pepper == c.JWT.SecretKey) {
		p.add("password.pepper", "is auth.secret_key or auth.jwt.secret_key as well", "set $VAR to a secret of its own, for example from: openssl rand -base64 48")
	}
	for i, s := range c.Password.PreviousPeppers {
		if s == "" {
			p.add("password.previous_peppers", fmt.Sprintf("item %d is empty", i+1), "list in $VAR the secrets that auth.password.pepper had before, or leave it out")
		}
	}
}

func (p *problems) breach(c authn.BreachConfig) {
	switch c.OnOutage {
	case authn.BreachOpen, authn.BreachClosed:
	case "":
		if c.Online {
			p.add("password.breach.on_outage", "is not named, and auth.password.breach.online is true",
				"set $VAR to closed, to refuse new passwords while the server does not answer, or to open, to accept them")
		}
	default:
		p.add("password.breach.on_outage", "is unknown", "set $VAR to closed or open")
	}
	if err := c.CheckURL(); c.Online && err != nil {
		p.add("password.breach.url", err.Error(), "set $VAR to an https address, such as "+authn.DefaultBreachURL)
	}
}

// loosePasswords says where the policy asks less or other than NIST SP 800-63B-4 does.
func (c Config) loosePasswords() []string {
	var all []string
	if weakPassword(c.Password) {
		all = append(all, warning("password.memory_kib", "and auth.password.iterations are below the accepted minimum; staging and production refuse it"))
	}
	if n := c.Password.MinLength; n > 0 && n < authn.ShortestPassword {
		all = append(all, warning("password.min_length", fmt.Sprintf("is below %d: a password that is the only factor is easier to guess than NIST SP 800-63B-4 allows", authn.ShortestPassword)))
	}
	if !c.Password.CommonPasswords.Enabled() {
		all = append(all, warning("password.common_passwords", "is false: the passwords that are guessed first may be chosen"))
	}
	if c.Password.Composition != (authn.CompositionConfig{}) {
		all = append(all, warning("password.composition.upper", "or another kind of characters is asked for: such rules make passwords easier to guess, and NIST SP 800-63B-4 forbids them"))
	}
	return all
}
