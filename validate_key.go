package authmodule

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// tokens checks that the signing keys and their algorithms fit, and that one lifetime is meant.
func (p *problems) tokens(c authn.TokenConfig) {
	algorithm := c.WithDefaults().Algorithm
	switch {
	case !slices.Contains(authn.Algorithms(), algorithm):
		p.add("jwt.algorithm", "is unknown", "set $VAR to "+strings.Join(authn.Algorithms(), ", ")+", in this spelling")
	case c.Managed.Enabled:
	case len(c.Keys) > 0:
		p.keys(c, algorithm)
	case authn.SymmetricAlgorithm(algorithm):
		p.secretKey(c, algorithm)
	default:
		p.privateKey(c, algorithm)
	}
	if c.ExpirationHours != 0 && c.AccessTokenExpireMinutes != 0 {
		p.add("jwt.expiration_hours", "and auth.jwt.access_token_expire_minutes set the same value",
			"keep one of $VAR and LEX_AUTH__JWT__ACCESS_TOKEN_EXPIRE_MINUTES")
	}
}

func (p *problems) secretKey(c authn.TokenConfig, algorithm string) {
	least := authn.ShortestSecretFor(algorithm)
	p.secret("jwt.secret_key", c.SecretKey.Reveal(), least, p.strict)
	if c.SecretKey == "" && c.PrivateKeyFile == "" && p.strict {
		p.add("jwt.secret_key", "is not set", secretFix(least))
	}
	if c.PrivateKeyFile != "" {
		p.add("jwt.private_key_file", "is set but auth.jwt.algorithm is "+algorithm+", which signs with auth.jwt.secret_key",
			"set LEX_AUTH__JWT__ALGORITHM to RS256, ES256 or EdDSA, or leave $VAR out")
	}
}

func (p *problems) privateKey(c authn.TokenConfig, algorithm string) {
	if c.SecretKey != "" {
		p.add("jwt.secret_key", "is set but auth.jwt.algorithm is "+algorithm+", which signs with auth.jwt.private_key_file",
			"leave $VAR out, or set LEX_AUTH__JWT__ALGORITHM to HS256")
	}
	if c.PrivateKeyFile == "" && p.strict {
		p.add("jwt.private_key_file", "is not set", "set $VAR to a PEM file, for example one made by: "+keyCommand(algorithm))
	}
}

// keys checks several keys: one of them signs, and all are secrets or all are key pairs.
func (p *problems) keys(c authn.TokenConfig, algorithm string) {
	if c.SecretKey != "" || c.PrivateKeyFile != "" {
		p.addFile("jwt.keys", "is set beside auth.jwt.secret_key or auth.jwt.private_key_file", "keep one of them")
	}
	signing, symmetric := 0, map[bool]bool{}
	for _, kid := range slices.Sorted(maps.Keys(c.Keys)) {
		key := c.Keys[kid]
		key.Algorithm = cmp.Or(key.Algorithm, algorithm)
		p.key("jwt.keys."+kid, key)
		if slices.Contains(authn.Algorithms(), key.Algorithm) {
			symmetric[authn.SymmetricAlgorithm(key.Algorithm)] = true
		}
		if key.State == authn.KeySigning {
			signing++
		}
	}
	if signing != 1 {
		p.addFile("jwt.keys", "does not name one signing key", "give one key, and no other, the state signing")
	}
	if len(symmetric) > 1 {
		p.addFile("jwt.keys", "holds secrets and key pairs", "keep one kind, so that a public key can never pass for a secret")
	}
}

func (p *problems) key(name string, key authn.KeyConfig) {
	if !slices.Contains(authn.Algorithms(), key.Algorithm) {
		p.addFile(name+".algorithm", "is unknown", "use one of "+strings.Join(authn.Algorithms(), ", "))
		return
	}
	if key.State != "" && key.State != authn.KeySigning && key.State != authn.KeyVerifying {
		p.addFile(name+".state", "is unknown", "use signing or verifying")
	}
	least := authn.ShortestSecretFor(key.Algorithm)
	switch {
	case least == 0 && (key.SecretKey != "" || key.PrivateKeyFile == ""):
		p.addFile(name, "is for "+key.Algorithm, "set its private_key_file, and no secret_key")
	case least > 0 && (key.SecretKey == "" || key.PrivateKeyFile != ""):
		p.addFile(name, "is for "+key.Algorithm, "set its secret_key, and no private_key_file")
	case least > 0 && p.strict:
		if flaw := secretFlaw(key.SecretKey.Reveal(), least); flaw != "" {
			p.addFile(name+".secret_key", flaw, fmt.Sprintf("use at least %d random bytes", least))
		}
	}
}

func secretFix(least int) string {
	return fmt.Sprintf("set $VAR to at least %d random bytes, for example: openssl rand -base64 %d", least, least*3/2)
}

func keyCommand(algorithm string) string {
	switch algorithm {
	case "ES256":
		return "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
	case "ES384":
		return "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem"
	case "ES512":
		return "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem"
	case "EdDSA":
		return "openssl genpkey -algorithm ED25519 -out key.pem"
	default:
		return "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
	}
}

// secret checks a secret that is set, where that matters.
func (p *problems) secret(key, value string, least int, matters bool) {
	if value == "" || !matters {
		return
	}
	if flaw := secretFlaw(value, least); flaw != "" {
		p.add(key, flaw, secretFix(least))
	}
}

// secretFlaw says what is wrong with a secret, or returns "". It compares the whole secret and never looks for parts:
// a random secret may contain any word.
func secretFlaw(value string, least int) string {
	lower := strings.ToLower(strings.TrimSpace(value))
	switch {
	case slices.Contains(exampleSecrets(), lower):
		return "is an example from documentation, known to everybody"
	case strings.Trim(value, value[:1]) == "":
		return "is one character repeated"
	case len(value) < least:
		return fmt.Sprintf("is shorter than %d bytes", least)
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
