package authn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// IssuerConfig is one other issuer whose access tokens are accepted.
type IssuerConfig struct {
	// Issuer is the iss claim, to the letter: an https URL, or http with a loopback host.
	Issuer string `yaml:"issuer"`
	// JWKSURL is where its keys are; https, or http to a loopback host. No token has a say in it.
	JWKSURL string `yaml:"jwks_url"`
	// Audience is what the aud claim must name: this application, as the issuer calls it.
	Audience string `yaml:"audience"`
	// Algorithms are those of the issuer's keys. Defaults to [DefaultIssuerAlgorithms].
	Algorithms []string `yaml:"algorithms"`
	// Tenant is the one that the issuer's subjects belong to. Defaults to the only tenant of a single-tenant application.
	Tenant Tenant `yaml:"tenant"`
	// MaxLifetimeMinutes is the longest lifetime of a token, from iat to exp. Defaults to 1440, a day.
	MaxLifetimeMinutes setting.Minutes `yaml:"max_lifetime_minutes"`
	// MaxStaleHours is how long keys may be used after they were fetched, when they cannot be fetched again. Defaults to 24.
	MaxStaleHours setting.Hours `yaml:"max_stale_hours"`
	// RolesClaim is the claim with the subject's roles, a list of texts: a name, or a path such as realm_access.roles.
	// Without it roles are those assigned here.
	RolesClaim string `yaml:"roles_claim"`
	// Roles are this application's roles that values of RolesClaim give. Other values give nothing.
	Roles map[string]IssuerRole `yaml:"roles"`
	// InsecureUntyped accepts tokens whose typ is JWT, or that have none, besides at+jwt (RFC 9068).
	InsecureUntyped bool `yaml:"insecure_untyped"`
	// InsecureIgnoreScope lets a token be used for all that its roles permit, whatever its scope claim says.
	InsecureIgnoreScope bool `yaml:"insecure_ignore_scope"`
}

// IssuerRole says who has a role.
type IssuerRole struct {
	// Values are those of the claim, any of which gives the role.
	Values []string `yaml:"values"`
}

// Defaults of [IssuerConfig].
const (
	DefaultMaxLifetimeMinutes = 24 * 60
	DefaultMaxStaleHours      = 24
)

// DefaultIssuerAlgorithms are the algorithms of an issuer's keys where none are named.
func DefaultIssuerAlgorithms() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// WithDefaults returns a copy in which every unset field has its default.
func (c IssuerConfig) WithDefaults() IssuerConfig {
	if len(c.Algorithms) == 0 {
		c.Algorithms = DefaultIssuerAlgorithms()
	}
	if c.MaxLifetimeMinutes == 0 {
		c.MaxLifetimeMinutes = DefaultMaxLifetimeMinutes
	}
	if c.MaxStaleHours == 0 {
		c.MaxStaleHours = DefaultMaxStaleHours
	}
	return c
}

// issuerName stands before the subject in [Subject.ID], and holds none of the characters that end it there.
var issuerName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// IssuerFault is what is wrong with one field of an [IssuerConfig].
type IssuerFault struct {
	// Field is the key in files, such as jwks_url, or empty for the name itself.
	Field string
	// Problem follows the field in a sentence, and Fix says what would be right.
	Problem, Fix string
}

// Error returns the field, the problem and the way to mend it.
func (f IssuerFault) Error() string { return f.Field + " " + f.Problem + ": " + f.Fix }

// Check returns everything that is wrong with the configuration of the issuer of that name, each an [IssuerFault].
func (c IssuerConfig) Check(name string) []IssuerFault {
	c = c.WithDefaults()
	var faults []IssuerFault
	bad := func(wrong bool, field, problem, fix string) {
		if wrong {
			faults = append(faults, IssuerFault{Field: field, Problem: problem, Fix: fix})
		}
	}
	bad(!issuerName.MatchString(name), "", "is not a name of 1 to 64 of A-Z a-z 0-9 _ . -", "give it a short word such as corp")
	for field, address := range map[string]string{"issuer": c.Issuer, "jwks_url": c.JWKSURL} {
		if err := checkRemoteURL(address); err != nil {
			bad(true, field, err.Error(), "use https, or http with localhost, 127.0.0.1 or [::1]")
		}
	}
	bad(len(c.Issuer) > longestText, "issuer", "is too long", fmt.Sprintf("use at most %d bytes", longestText))
	bad(c.Audience == "" || len(c.Audience) > longestText, "audience", "is not set, or too long", "set it to what the issuer calls this application in the aud claim")
	if err := checkRemoteAlgorithms(c.Algorithms); err != nil {
		bad(true, "algorithms", "names one that is unknown, named twice, or takes a secret", "use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA")
	}
	_, err := ParseTenant(string(c.Tenant))
	bad(err != nil, "tenant", "is not the name of a tenant", "use 1 to 63 of a-z, 0-9 and -, beginning with a letter or a digit")
	const mostMinutes, mostHours = 365 * 24 * 60, 30 * 24
	bad(c.MaxLifetimeMinutes < 0 || c.MaxLifetimeMinutes > mostMinutes, "max_lifetime_minutes", "is out of range", fmt.Sprintf("use 0 to %d", mostMinutes))
	bad(c.MaxStaleHours < 0 || c.MaxStaleHours > mostHours, "max_stale_hours", "is out of range", fmt.Sprintf("use 0 to %d", mostHours))
	bad((c.RolesClaim == "") != (len(c.Roles) == 0), "roles_claim", "and roles belong together", "set both, or leave both out")
	bad(slices.Contains(claimNames, c.RolesClaim), "roles_claim", "has a meaning of its own", "name the claim that lists roles, such as roles or realm_access.roles")
	for role, from := range c.Roles {
		bad(len(from.Values) == 0 || slices.Contains(from.Values, ""), "roles."+role, "names no value of the claim", "list the values that give the role")
	}
	slices.SortStableFunc(faults, func(a, b IssuerFault) int { return strings.Compare(a.Field, b.Field) })
	return faults
}

func (c IssuerConfig) maxStale() time.Duration    { return c.MaxStaleHours.Duration() }
func (c IssuerConfig) maxLifetime() time.Duration { return c.MaxLifetimeMinutes.Duration() }
