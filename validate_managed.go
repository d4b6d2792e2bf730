package authmodule

import (
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// managed checks what managed signing keys need, in every profile.
func (p *problems) managed(c Config) {
	m := c.JWT.Managed
	if c.HTTP.KeyEndpoints && !m.Enabled {
		p.add("http.key_endpoints", "is true but signing keys are not managed", "set LEX_AUTH__JWT__MANAGED__ENABLED to true, or leave $VAR out")
	}
	if !m.Enabled {
		return
	}
	if c.SecretKey == "" {
		p.add("secret_key", "is not set, and seals the managed signing keys (auth.jwt.managed.enabled)", secretFix(authn.ShortestSecret))
	}
	if c.JWT.SecretKey != "" || c.JWT.PrivateKeyFile != "" || len(c.JWT.Keys) > 0 {
		p.add("jwt.managed.enabled", "is true beside auth.jwt.secret_key, auth.jwt.private_key_file or auth.jwt.keys",
			"leave those out, or set $VAR to false")
	}
	if n := m.PublishSeconds; n > 0 && n < authn.DefaultPublishSeconds {
		p.add("jwt.managed.publish_seconds", fmt.Sprintf("is shorter than the %d seconds for which others may keep the key set", authn.DefaultPublishSeconds),
			"raise $VAR, or leave it out")
	}
}

func (p *problems) previousSecrets(c Config) {
	for i, s := range c.PreviousSecretKeys {
		if s == "" {
			p.add("previous_secret_keys", fmt.Sprintf("item %d is empty", i+1), "list in $VAR the secrets that auth.secret_key had before, or leave it out")
		}
	}
	if len(c.PreviousSecretKeys) > 0 && c.SecretKey == "" {
		p.add("previous_secret_keys", "is set but auth.secret_key is not", "set LEX_AUTH__SECRET_KEY, or leave $VAR out")
	}
}
