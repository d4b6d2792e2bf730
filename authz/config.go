package authz

import (
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/setting"
)

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
	// Policies are policies that forbid and permit beside what roles grant.
	Policies PolicyConfig `yaml:"policies"`
	// ExplainDenials says when a 403 names what was missing or what forbids it: development (the default), always or never. Otherwise it
	// has a decision ID that the log knows.
	ExplainDenials ExplainDenials `yaml:"explain_denials"`
	// GrantedEventsPercent is the share of decisions that allow which are told of as [audit.AccessGranted], from 0 to 100. Defaults to 0: guards
	// that remember what they decided are the fastest then.
	GrantedEventsPercent setting.Count `yaml:"granted_events_percent"`
	// DeniedEventsPercent is the share of denials that are told of as [audit.AccessDenied], from 1 to 100. Defaults to 100; with less, not every
	// decision ID of a 403 is found in the log.
	DeniedEventsPercent setting.Count `yaml:"denied_events_percent"`
	// Groups are the groups of identity providers that give a role, by the name of the role: see [Service.SyncGroups].
	Groups map[string][]string `yaml:"groups"`
	// Roles are the role definitions by name. One takes the place of a role of the same name in code.
	Roles map[string]RoleConfig `yaml:"roles"`
}

// PolicyConfig are policies, in Cedar or in the short form, and what they may speak of; see
// [github.com/authmodule/authmodule/authz/policy].
type PolicyConfig struct {
	// Files are patterns of file names, such as policies/*.cedar. One that matches nothing is an error.
	Files []string `yaml:"files"`
	// Inline are policies in Cedar.
	Inline string `yaml:"inline"`
	// Short are policies in the short form, as a text of YAML.
	Short string `yaml:"short"`
	// Schema are names of files in Cedar's schema language.
	Schema []string `yaml:"schema"`
	// Resources are types of resources, by name, for those who write no schema.
	Resources map[string]ResourceConfig `yaml:"resources"`
	// Attributes are the attributes of callers by name, with their types.
	Attributes map[string]string `yaml:"attributes"`
	// Context are attributes of requests besides the built-in ones, with their types.
	Context map[string]string `yaml:"context"`
}

// ResourceConfig declares a type of resources.
type ResourceConfig struct {
	// Attributes are types by attribute: String, Bool, Long, datetime, duration, ipaddr, decimal, a type of resource, User, Role, or Set<...>
	// of these. A ? after the type makes the attribute optional.
	Attributes map[string]string `yaml:"attributes"`
	// Parents are the types of what a resource may be in.
	Parents []string `yaml:"parents"`
	// Actions are the permissions that are about it, such as articles.edit.
	Actions []string `yaml:"actions"`
}

func (c PolicyConfig) vocabulary(schemas []policy.Source) policy.Vocabulary {
	v := policy.Vocabulary{Schema: schemas, Attributes: c.Attributes, Context: c.Context, Resources: map[string]policy.ResourceType{}}
	for name, r := range c.Resources {
		v.Resources[name] = policy.ResourceType{Attributes: r.Attributes, Parents: r.Parents, Actions: r.Actions}
	}
	return v
}

// sources are the policies that stand in the configuration itself.
func (c PolicyConfig) sources() []policy.Source {
	var all []policy.Source
	if c.Inline != "" {
		all = append(all, policy.Source{Name: "auth.rbac.policies.inline", Text: []byte(c.Inline)})
	}
	if c.Short != "" {
		all = append(all, policy.Source{Name: "auth.rbac.policies.short", Text: []byte(c.Short), Format: policy.YAML})
	}
	return all
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

// ExplainDenials says when callers are told why they are denied.
type ExplainDenials string

// The values of [Config].ExplainDenials.
const (
	ExplainInDevelopment ExplainDenials = "development"
	ExplainAlways        ExplainDenials = "always"
	ExplainNever         ExplainDenials = "never"
)

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
	if c.ExplainDenials == "" {
		c.ExplainDenials = ExplainInDevelopment
	}
	if c.DeniedEventsPercent == 0 {
		c.DeniedEventsPercent = whole
	}
	return c
}
