package authmodule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func TestValidatePasswordPolicy(t *testing.T) {
	t.Parallel()
	password := func(change func(*authn.PasswordConfig)) func(*authmodule.Config) {
		return func(c *authmodule.Config) { change(&c.Password) }
	}
	breach := func(b authn.BreachConfig) func(*authmodule.Config) {
		return password(func(c *authn.PasswordConfig) { c.Breach = b })
	}
	const length = "is below 8: set LEX_AUTH__PASSWORD__MIN_LENGTH"
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, profile, []change{
			{"a pepper", password(func(c *authn.PasswordConfig) { c.Pepper = goodSecret + "p" }), ""},
			{"previous peppers", password(func(c *authn.PasswordConfig) { c.PreviousPeppers = []setting.Secret{canary} }), ""},
			{"an empty previous pepper", password(func(c *authn.PasswordConfig) { c.PreviousPeppers = []setting.Secret{canary, ""} }),
				"auth.password.previous_peppers item 2 is empty: list in LEX_AUTH__PASSWORD__PREVIOUS_PEPPERS the secrets that auth.password.pepper had before, or leave it out"},
			{"a pepper that seals too", func(c *authmodule.Config) { c.SecretKey, c.Password.Pepper = canary+goodSecret, canary+goodSecret },
				"auth.password.pepper is auth.secret_key or auth.jwt.secret_key as well: set LEX_AUTH__PASSWORD__PEPPER to a secret of its own, for example from: openssl rand -base64 48"},
			{"7 characters", password(func(c *authn.PasswordConfig) { c.MinLength = 7 }),
				"auth.password.min_length " + length + " to a whole number from 8 to 64"},
			{"7 characters with MFA", password(func(c *authn.PasswordConfig) { c.MinLengthMFA = 7 }),
				"auth.password.min_length_mfa " + length + "_MFA to a whole number from 8 to 64"},
			{"too long a history", password(func(c *authn.PasswordConfig) { c.History = 25 }),
				"auth.password.history is out of range: set LEX_AUTH__PASSWORD__HISTORY to a whole number from 0 to 24"},
			{"8 characters", password(func(c *authn.PasswordConfig) { c.MinLength = 8 }), ""},
			{"65 characters", password(func(c *authn.PasswordConfig) { c.MinLength = 65 }),
				"auth.password.min_length is out of range: set LEX_AUTH__PASSWORD__MIN_LENGTH to a whole number from 0 to 64"},
			{"digits", password(func(c *authn.PasswordConfig) { c.Composition.Digits = 65 }),
				"auth.password.composition.digits is out of range: set LEX_AUTH__PASSWORD__COMPOSITION__DIGITS to a whole number from 0 to 64"},
			{"online", breach(authn.BreachConfig{Online: true, OnOutage: authn.BreachClosed}), ""},
			{"a file", breach(authn.BreachConfig{File: "breached.txt"}), ""},
			{"V6.2.12 online, and nothing said of outages", breach(authn.BreachConfig{Online: true}),
				"auth.password.breach.on_outage is not named, and auth.password.breach.online is true: set LEX_AUTH__PASSWORD__BREACH__ON_OUTAGE to closed, to refuse new passwords while the server does not answer, or to open, to accept them"},
			{"another outage", breach(authn.BreachConfig{File: "breached.txt", OnOutage: "maybe"}),
				"auth.password.breach.on_outage is unknown: set LEX_AUTH__PASSWORD__BREACH__ON_OUTAGE to closed or open"},
			{"http", breach(authn.BreachConfig{Online: true, OnOutage: authn.BreachOpen, URL: "http://example.com/range/"}),
				"auth.password.breach.url is neither https nor http to a loopback host: set LEX_AUTH__PASSWORD__BREACH__URL to an https address, such as https://api.pwnedpasswords.com/range/"},
			{"11 seconds", breach(authn.BreachConfig{Online: true, OnOutage: authn.BreachOpen, TimeoutMilliseconds: 11_000}),
				"auth.password.breach.timeout_milliseconds is out of range: set LEX_AUTH__PASSWORD__BREACH__TIMEOUT_MILLISECONDS to a whole number from 0 to 10000"},
		})
	}
	check(t, authmodule.ProfileStaging, []change{
		{"a short pepper", password(func(c *authn.PasswordConfig) { c.Pepper = "short" }),
			"auth.password.pepper is shorter than 32 bytes: set LEX_AUTH__PASSWORD__PEPPER to at least 32 random bytes, for example: openssl rand -base64 48"},
	})
}

// What asks less of passwords than NIST does, or what it forbids, is not done silently.
func TestLoosePasswordsAreWarnedOf(t *testing.T) {
	t.Parallel()
	for expected, change := range map[string]func(*authn.PasswordConfig){
		"auth.password.min_length is below 15: a password that is the only factor is easier to guess than NIST SP 800-63B-4 allows (see LEX_AUTH__PASSWORD__MIN_LENGTH)": func(c *authn.PasswordConfig) { c.MinLength = 14 },
		"auth.password.common_passwords is false: the passwords that are guessed first may be chosen (see LEX_AUTH__PASSWORD__COMMON_PASSWORDS)":                         func(c *authn.PasswordConfig) { c.CommonPasswords = setting.Off },
		"auth.password.composition.upper or another kind of characters is asked for: such rules make passwords easier to guess, and NIST SP 800-63B-4 forbids them (see LEX_AUTH__PASSWORD__COMPOSITION__UPPER)": func(c *authn.PasswordConfig) {
			c.Composition.Symbols = 1
		},
		"auth.password.pepper is shorter than 32 bytes; staging and production refuse it (see LEX_AUTH__PASSWORD__PEPPER)": func(c *authn.PasswordConfig) { c.Pepper = "short" },
	} {
		cfg := sound(authmodule.ProfileDevelopment)
		assert.NotContains(t, cfg.Warnings(), expected)
		change(&cfg.Password)
		assert.Contains(t, cfg.Warnings(), expected)
	}
}
