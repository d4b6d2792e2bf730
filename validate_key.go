package authmodule

import (
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// leastSecret is the least length of a secret, in bytes: that of HS256's hash (RFC 7518, section 3.2).
const leastSecret = 32

const secretFix = "set $VAR to at least 32 random bytes, for example: openssl rand -base64 48"

// tokens checks that the signing key and its algorithm fit, and that one lifetime is meant.
func (p *problems) tokens(c authn.TokenConfig) {
	switch algorithm := c.WithDefaults().Algorithm; algorithm {
	case "HS256":
		p.secret("jwt.secret_key", c.SecretKey.Reveal(), p.strict)
		if c.SecretKey == "" && c.PrivateKeyFile == "" && p.strict {
			p.add("jwt.secret_key", "is not set", secretFix)
		}
		if c.PrivateKeyFile != "" {
			p.add("jwt.private_key_file", "is set but auth.jwt.algorithm is HS256, which signs with auth.jwt.secret_key",
				"set LEX_AUTH__JWT__ALGORITHM to RS256, ES256 or EdDSA, or leave $VAR out")
		}
	case "RS256", "ES256", "EdDSA":
		if c.SecretKey != "" {
			p.add("jwt.secret_key", "is set but auth.jwt.algorithm is "+algorithm+", which signs with auth.jwt.private_key_file",
				"leave $VAR out, or set LEX_AUTH__JWT__ALGORITHM to HS256")
		}
		if c.PrivateKeyFile == "" && p.strict {
			p.add("jwt.private_key_file", "is not set", "set $VAR to a PEM file, for example one made by: "+keyCommand(algorithm))
		}
	default:
		p.add("jwt.algorithm", "is unknown", "set $VAR to HS256, RS256, ES256 or EdDSA, in this spelling")
	}
	if c.ExpirationHours != 0 && c.AccessTokenExpireMinutes != 0 {
		p.add("jwt.expiration_hours", "and auth.jwt.access_token_expire_minutes set the same value",
			"keep one of $VAR and LEX_AUTH__JWT__ACCESS_TOKEN_EXPIRE_MINUTES")
	}
}

func keyCommand(algorithm string) string {
	switch algorithm {
	case "RS256":
		return "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
	case "ES256":
		return "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
	default:
		return "openssl genpkey -algorithm ED25519 -out key.pem"
	}
}

// secret checks a secret that is set, where that matters.
func (p *problems) secret(key, value string, matters bool) {
	if value == "" || !matters {
		return
	}
	if flaw := secretFlaw(value); flaw != "" {
		p.add(key, flaw, secretFix)
	}
}

// secretFlaw says what is wrong with a secret, or returns "". It compares the whole secret and never looks for parts:
// a random secret may contain any word.
func secretFlaw(value string) string {
	lower := strings.ToLower(strings.TrimSpace(value))
	switch {
	case slices.Contains(exampleSecrets(), lower):
		return "is an example from documentation, known to everybody"
	case strings.Trim(value, value[:1]) == "":
		return "is one character repeated"
	case len(value) < leastSecret:
		return "is shorter than 32 bytes"
	default:
		return ""
	}
}

// exampleSecrets are what documentation, tutorials and this repository put where a secret belongs, in lower case.
func exampleSecrets() []string {
	return []string{
		"your-secret-key", "your-jwt-secret", "your-secret", "your_secret_key", "your-secret-here", "your-secret-key-here",
		"your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "my-secret-key", "mysecretkey", "my-secret", "mysecret",
		"secret", "secret-key", "secret_key", "secretkey", "supersecret", "super-secret", "super-secret-key", "jwt-secret", "jwt_secret",
		"changeme", "change-me", "change_me", "changeit", "change-me-in-production", "change-this-in-production", "changethis",
		"password", "passw0rd", "test", "test-secret", "example", "example-secret", "default", "dev", "development", "insecure", "none",
		"null", "undefined", "todo", "xxx", "foobar", "keyboard cat", "letmein", "admin", "qwerty", "123456", "12345678", "1234567890",
		"${jwt_secret_key}", "${secret_key}", "$jwt_secret_key",
		"your-secret-key-change-in-production", "your-secret-key-change-this-in-production", "your-secret-key-at-least-32-characters-long",
		"change-me-to-a-random-string-of-32-bytes", "this-is-a-very-long-secret-key-for-testing",
		"a-string-secret-at-least-256-bits-long",
		"a secret of at least 32 bytes, from a generator",
		"your-super-secret-jwt-token-with-at-least-32-characters-long", "super-secret-jwt-token-with-at-least-32-characters-long",
		"0123456789abcdef0123456789abcdef", "abcdefghijklmnopqrstuvwxyz123456", "01234567890123456789012345678901", "12345678901234567890123456789012",
		"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
	}
}
