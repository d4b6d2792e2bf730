package authn

import (
	"errors"

	"github.com/authmodule/authmodule/internal/credential"
)

// ErrTenantSyntax is returned by [ParseTenant].
var ErrTenantSyntax = errors.New("authn: a tenant is 1 to 63 of a-z, 0-9 and -, beginning with a letter or a digit")

// ParseTenant checks the form of a tenant: up to 63 lower-case letters, digits
// and hyphens, the first no hyphen. The empty string is the only tenant of a
// single-tenant application.
func ParseTenant(text string) (Tenant, error) {
	if text != "" && !credential.ValidTenant(text) {
		return "", ErrTenantSyntax
	}
	return Tenant(text), nil
}
