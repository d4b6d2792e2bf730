package authz

import "github.com/authmodule/authmodule/setting"

// Config configures the [Service]. Its zero value enables roles, with a default role that grants nothing.
type Config struct {
	// Enabled false makes role and permission guards ask for authentication
	// only. Staging and production refuse it without InsecureAllowDisabled. Defaults to true.
	Enabled setting.Toggle `yaml:"enabled"`
	// InsecureAllowDisabled permits Enabled false in staging and production.
	InsecureAllowDisabled bool `yaml:"insecure_allow_disabled"`
	// DefaultRole is the role of an account without any assignment. Defaults to viewer. A role of this name that is defined nowhere grants nothing.
	DefaultRole string `yaml:"default_role"`
	// AdminRole is the role that the first administrator is given. Defaults to admin.
	AdminRole string `yaml:"admin_role"`
	// SuperuserRole names a role whose holders pass every permission and role check. Empty, the default, is none.
	SuperuserRole string `yaml:"superuser_role"`
	// Groups are the roles that groups of identity providers give, by the name of the group.
	Groups map[string][]string `yaml:"groups"`
	// Roles are the role definitions by name. One takes the place of a role of the same name in code.
	Roles map[string]RoleConfig `yaml:"roles"`
}

// RoleConfig defines one role in [Config].
type RoleConfig struct {
	// Description says what the role is for.
	Description string `yaml:"description"`
	// Permissions are patterns such as articles.read, articles.* and articles.**. One that begins with ! takes away.
	Permissions []string `yaml:"permissions"`
	// Inherits names the roles whose permissions this one has as well.
	Inherits []string `yaml:"inherits"`
}

// Defaults of [Config].
const (
	DefaultRole      = "viewer"
	DefaultAdminRole = "admin"
)

// WithDefaults returns a copy in which every unset field has its default.
func (c Config) WithDefaults() Config {
	if c.DefaultRole == "" {
		c.DefaultRole = DefaultRole
	}
	if c.AdminRole == "" {
		c.AdminRole = DefaultAdminRole
	}
	return c
}
