package authn

import "github.com/authmodule/authmodule/setting"

// CertificateBinding says whether sessions are bound to the client's certificate (RFC 8705).
type CertificateBinding string

// The values of [CertificateBinding].
const (
	// CertificateOff binds only the logins that ask for it.
	CertificateOff CertificateBinding = "off"
	// CertificateOptional binds every login that comes with a certificate.
	CertificateOptional CertificateBinding = "optional"
	// CertificateRequired binds every login, and refuses one that comes without a certificate. Tokens that are not bound are refused.
	CertificateRequired CertificateBinding = "required"
)

// IPBinding says whether sessions are bound to the client's address.
type IPBinding string

// The values of [IPBinding].
const (
	// IPOff binds only the logins that ask for it, to one address.
	IPOff IPBinding = "off"
	// IPPrefix binds every login to the network of its address. Tokens that are not bound are refused.
	IPPrefix IPBinding = "prefix"
	// IPExact binds every login to its address alone. Tokens that are not bound so are refused.
	IPExact IPBinding = "exact"
)

// BindingConfig says to what sessions are bound at login. Of the rules for
// everybody, for the tenant and for each role of the account the strictest
// counts. Its zero value binds none but those that ask for it.
type BindingConfig struct {
	// Certificate is off, optional or required. Defaults to off.
	Certificate CertificateBinding `yaml:"certificate"`
	// IP is off, prefix or exact. Defaults to off.
	IP IPBinding `yaml:"ip"`
	// IPv4Prefix is the length of an IPv4 network for prefix. Defaults to 24.
	IPv4Prefix setting.Count `yaml:"ipv4_prefix"`
	// IPv6Prefix is the length of an IPv6 network for prefix. Defaults to 64.
	IPv6Prefix setting.Count `yaml:"ipv6_prefix"`
	// Roles are rules for the accounts that have a role, directly or by inheritance.
	Roles map[string]BindingRule `yaml:"roles"`
	// Tenants are rules for the accounts of a tenant.
	Tenants map[string]BindingRule `yaml:"tenants"`
}

// BindingRule is what a role or a tenant adds to the rule for everybody.
type BindingRule struct {
	// Certificate is off, optional or required. Defaults to off.
	Certificate CertificateBinding `yaml:"certificate"`
	// IP is off, prefix or exact. Defaults to off.
	IP IPBinding `yaml:"ip"`
}

// Defaults of [BindingConfig].
const (
	DefaultIPv4Prefix = 24
	DefaultIPv6Prefix = 64
	// ShortestIPv4Prefix and ShortestIPv6Prefix are the widest networks that count as a binding.
	ShortestIPv4Prefix = 8
	ShortestIPv6Prefix = 16
)

// WithDefaults returns a copy in which every unset field has its default.
func (c BindingConfig) WithDefaults() BindingConfig {
	if c.Certificate == "" {
		c.Certificate = CertificateOff
	}
	if c.IP == "" {
		c.IP = IPOff
	}
	if c.IPv4Prefix == 0 {
		c.IPv4Prefix = DefaultIPv4Prefix
	}
	if c.IPv6Prefix == 0 {
		c.IPv6Prefix = DefaultIPv6Prefix
	}
	return c
}

// WantsCertificates reports whether a rule is about certificates, so that the
// application must have a source of them.
func (c BindingConfig) WantsCertificates() bool {
	wants := func(b CertificateBinding) bool { return b != "" && b != CertificateOff }
	if wants(c.Certificate) {
		return true
	}
	for _, rules := range []map[string]BindingRule{c.Roles, c.Tenants} {
		for _, rule := range rules {
			if wants(rule.Certificate) {
				return true
			}
		}
	}
	return false
}
