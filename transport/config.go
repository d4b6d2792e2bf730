package transport

import (
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Config configures the HTTP surface. Its zero value is the safest working default.
type Config struct {
	// Prefix is where the module's own routes live. Defaults to /auth.
	Prefix string `yaml:"prefix"`
	// PublicURL is the application's own address, such as https://app.example.com; links are built from it, never from a request. Without it a link is logged as a path.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are the networks in CIDR form whose X-Forwarded-For is believed. None by default: the client's address is that of the connection.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ClientCertificate says where client certificates are found: off, tls (this program terminates TLS), or header (a trusted proxy does). Defaults to off.
	ClientCertificate CertificateSource `yaml:"client_certificate"`
	// ClientCertificateHeader is the header that the trusted proxies set, and remove from what clients send. Defaults to Client-Cert (RFC 9440).
	ClientCertificateHeader string `yaml:"client_certificate_header"`
	// ClientCertificateTrust says which certificates count: pki or self_signed, never both. Defaults to pki.
	ClientCertificateTrust CertificateTrust `yaml:"client_certificate_trust"`
	// TrustedOrigins are other origins, such as https://www.example.com, that may send cookie requests. None by default.
	TrustedOrigins []string `yaml:"trusted_origins"`
	// MaxBodyKiB caps a request body of the module's own routes, in KiB. Defaults to 64.
	MaxBodyKiB setting.Count `yaml:"max_body_kib"`
	// RevocationEndpoint adds POST /revoke (RFC 7009): authenticated callers end tokens of their own account, and of others with the permission tokens.revoke.
	RevocationEndpoint bool `yaml:"revocation_endpoint"`
	// IntrospectionEndpoint adds POST /introspect (RFC 7662) for callers with the permission tokens.introspect.
	IntrospectionEndpoint bool `yaml:"introspection_endpoint"`
	// KeyEndpoints adds GET /keys, POST /keys/rotate and DELETE /keys/{kid} for managed signing keys, with the permissions keys.read, keys.rotate and keys.kill.
	KeyEndpoints bool `yaml:"key_endpoints"`
	// Health adds GET /livez and GET /readyz, which anybody may ask: whether the process answers, and which of its stores do not.
	Health bool `yaml:"health"`
	// SessionEndpoints adds GET and DELETE /users/{id}/sessions and /tenant/sessions, and DELETE /tenant/sessions/{id}, for callers with the permissions sessions.read and sessions.revoke.
	SessionEndpoints bool `yaml:"session_endpoints"`
	// RBACEndpoints adds the routes that administer roles, assignments and policies of the caller's tenant: /roles, /users/{id}/roles, /policies and
	// /authorize/explain, for callers with the permissions roles.read, roles.write, assignments.read, assignments.write, policies.read and policies.write.
	// Roles must be switched on.
	RBACEndpoints bool `yaml:"rbac_endpoints"`
	// AuditEndpoint adds GET /audit, the audit journal of the caller's tenant, for callers with the permission audit.read. The journal must be switched on.
	AuditEndpoint bool `yaml:"audit_endpoint"`
	// StepUpMinutes is how old a login, or a step-up, may be of who changes credentials or acts on other accounts, from 1 to 1440. Defaults to 15.
	StepUpMinutes setting.Count `yaml:"step_up_minutes"`
	// Impersonation adds POST /users/{id}/impersonate for callers with the permission users.impersonate. Roles must be switched on.
	Impersonation bool `yaml:"impersonation"`
	// UserEndpoints adds GET /users and /users/{id}, POST /users/{id}/unlock, /disable, /enable and /password-reset, and DELETE /users/{id} and /users/{id}/mfa, for
	// callers with the permissions users.read, users.unlock, users.disable, users.reset_password, users.delete and users.reset_mfa. Roles must be switched on.
	UserEndpoints bool `yaml:"user_endpoints"`
	// ClearSiteData has browsers drop the site's cached pages and stored data at logout. Cookies of the application's own stay.
	ClearSiteData bool `yaml:"clear_site_data"`
	// CheckRoutes says what happens at start when a route is neither guarded nor public on purpose, or a guard can be passed by nobody: off, warn or strict.
	// Defaults to warn in development and to strict elsewhere.
	CheckRoutes RouteCheck `yaml:"check_routes"`
	// InsecureCookies sends the session cookie over plain HTTP from hosts other than loopback: without the Secure attribute, and named session instead of __Host-session.
	InsecureCookies bool `yaml:"insecure_cookies"`
}

// Defaults of [Config].
const (
	DefaultPrefix     = "/auth"
	DefaultMaxBodyKiB = 64
	// DefaultStepUpMinutes is that of [Config].StepUpMinutes, and LongestStepUpMinutes its upper bound.
	DefaultStepUpMinutes = 15
	LongestStepUpMinutes = 1440
)

func (c Config) stepUpAge() time.Duration { return time.Duration(c.StepUpMinutes) * time.Minute }

// WithDefaults returns a copy in which every unset field has its default.
func (c Config) WithDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.MaxBodyKiB == 0 {
		c.MaxBodyKiB = DefaultMaxBodyKiB
	}
	if c.StepUpMinutes == 0 {
		c.StepUpMinutes = DefaultStepUpMinutes
	}
	if c.ClientCertificate == "" {
		c.ClientCertificate = CertificatesOff
	}
	if c.ClientCertificateHeader == "" {
		c.ClientCertificateHeader = HeaderClientCert
	}
	if c.ClientCertificateTrust == "" {
		c.ClientCertificateTrust = TrustPKI
	}
	return c
}
