package authmodule

import "github.com/authmodule/authmodule/authn"

// mfa checks second factors.
func (p *problems) mfa(c Config) {
	for _, problem := range c.MFA.Problems() {
		p.add("mfa."+problem.Key, problem.Wrong, "set $VAR to "+problem.Right)
	}
	needsSecret := p.strict || c.Store.Driver != "" && c.Store.Driver != DriverMemory
	if c.MFA.Enabled && c.SecretKey == "" && needsSecret {
		p.add("secret_key", "is not set, and seals the secrets of authenticator apps (auth.mfa.enabled)", secretFix(authn.ShortestSecret))
	}
	for _, t := range c.MFA.RequireTenants {
		if _, err := authn.ParseTenant(t); err != nil || t == "" {
			p.add("mfa.require_tenants", "names a tenant that cannot be", "list tenants of 1 to 63 of a-z, 0-9 and - in $VAR")
		}
	}
	if !c.MFA.Enabled && (c.MFA.EmailCode || c.MFA.Require == "everybody" || len(c.MFA.RequireRoles)+len(c.MFA.RequireTenants) > 0) {
		p.add("mfa.enabled", "is false, but other keys of auth.mfa ask for second factors", "set $VAR to true, or leave those keys out")
	}
}
