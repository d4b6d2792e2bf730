package authmodule

import (
	"maps"
	"slices"
)

// issuers checks each of the other issuers, and that every iss belongs to one of them alone.
func (p *problems) issuers(c Config) {
	taken := map[string]bool{c.JWT.WithDefaults().Issuer: true}
	for _, name := range slices.Sorted(maps.Keys(c.Issuers)) {
		issuer, key := c.Issuers[name], "issuers."+name
		for _, fault := range issuer.Check(name) {
			at := key
			if fault.Field != "" {
				at += "." + fault.Field
			}
			p.addFile(at, fault.Problem, fault.Fix)
		}
		if taken[issuer.Issuer] {
			p.addFile(key+".issuer", "is auth.jwt.issuer, or that of another issuer here", "give each its own, so that a token has one who verifies it")
		}
		taken[issuer.Issuer] = true
	}
}
