package authmodule

import "github.com/authmodule/authmodule/authn"

// audit checks the journal.
func (p *problems) audit(c Config) {
	if c.Audit.KeepDays < 0 || c.Audit.KeepDays > largestDays {
		p.add("audit.keep_days", "is out of range", "set $VAR to a number of days from 1 to 36500, or to 0 to keep entries for ever")
	}
	if !c.Audit.Journal {
		if c.Audit.KeepDays > 0 || c.HTTP.AuditEndpoint {
			p.add("audit.journal", "is false, but audit.keep_days or http.audit_endpoint is set", "set $VAR to true, or leave those keys out")
		}
		return
	}
	needsSecret := p.strict || c.Store.Driver != "" && c.Store.Driver != DriverMemory
	if c.SecretKey == "" && needsSecret {
		p.add("secret_key", "is not set, and makes the hashes of the audit journal (auth.audit.journal)", secretFix(authn.ShortestSecret))
	}
	if p.strict && c.Store.Driver == DriverMemory {
		p.add("audit.journal", "is true with the memory driver, which keeps no journal beyond the process", "set LEX_AUTH__STORE__DRIVER to postgres or sqlite, or $VAR to false")
	}
}
