package authmodule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/layer"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

// Validate reports every problem at once, joined. Each names the key, its variable and the way to mend it, and none
// shows a secret. How strict it is depends on the profile: staging and production refuse what suits development only.
// Roles are not looked at, because code may add to them; [authz.New] judges them.
func (c Config) Validate() error {
	profile := c.Profile.orEnvironment()
	c.Profile = profile
	p := &problems{strict: profile.Strict()}
	if err := profile.check(); err != nil {
		p.errs = append(p.errs, err)
	}
	p.secret("secret_key", c.SecretKey.Reveal(), authn.ShortestSecret, p.strict)
	p.previousSecrets(c)
	p.numbers(c)
	p.tokens(c.JWT)
	p.revocation(c.Revocation)
	p.managed(c)
	p.password(passwordDefaults(c.Password))
	p.throttle(c)
	p.peppers(c)
	p.breach(c.Password.Breach)
	p.session(c)
	p.apiKeys(c.APIKeys)
	p.mfa(c)
	p.audit(c)
	p.smtp(c.SMTP)
	p.issuers(c)
	p.rbac(c.RBAC)
	p.rbacEndpoints(c)
	p.http(c.HTTP)
	p.clientCertificate(c)
	p.binding(c.Binding)
	p.store(c.Store)
	p.redis(c.Store)
	p.accounts(c)
	p.flows(c)
	return errors.Join(p.errs...)
}

// problems collects what Validate finds.
type problems struct {
	strict bool
	errs   []error
}

// add notes what is wrong with a key and how to mend it. $VAR in fix is the key's variable.
func (p *problems) add(key, what, fix string) {
	key = rootKey + "." + key
	fix = strings.ReplaceAll(fix, "$VAR", layer.Variable(variablePrefix, key))
	p.errs = append(p.errs, fmt.Errorf("%s %s: %s", key, what, fix))
}

// addFile notes what is wrong with a key that files alone can set.
func (p *problems) addFile(key, what, fix string) {
	p.errs = append(p.errs, fmt.Errorf("%s.%s %s: %s", rootKey, key, what, fix))
}

const (
	largest     = 1_000_000
	largestDays = 36_500 // a time.Duration ends at 106,751 days
)

func (p *problems) numbers(c Config) {
	for _, n := range []struct {
		key         string
		value, most int
	}{
		{"jwt.expiration_hours", int(c.JWT.ExpirationHours), largest},
		{"jwt.access_token_expire_minutes", int(c.JWT.AccessTokenExpireMinutes), largest},
		{"jwt.refresh_token_expire_days", int(c.JWT.RefreshTokenExpireDays), largestDays},
		{"jwt.remembered", int(c.JWT.Remembered), largest},
		{"revocation.max_stale_seconds", int(c.Revocation.MaxStaleSeconds), authn.MaxStaleSeconds},
		{"jwt.managed.rotate_days", int(c.JWT.Managed.RotateDays), 3650},
		{"jwt.managed.publish_seconds", int(c.JWT.Managed.PublishSeconds), 604_800},
		{"password.memory_kib", int(c.Password.MemoryKiB), 1 << 20},
		{"password.iterations", int(c.Password.Iterations), 64},
		{"password.parallelism", int(c.Password.Parallelism), 64},
		{"password.workers", int(c.Password.Workers), 1024},
		{"password.queue", int(c.Password.Queue), largest},
		{"throttle.lock_seconds", int(c.Throttle.LockSeconds), authn.LongestLock},
		{"throttle.longest_lock_seconds", int(c.Throttle.LongestLockSeconds), authn.LongestLock},
		{"throttle.max_consecutive_failures", int(c.Throttle.MaxConsecutiveFailures), authn.MaxConsecutiveFailures},
		{"password.history", int(c.Password.History), authn.LongestHistory},
		{"password.min_length", int(c.Password.MinLength), authn.LongestMinLength},
		{"password.min_length_mfa", int(c.Password.MinLengthMFA), authn.LongestMinLength},
		{"password.composition.upper", int(c.Password.Composition.Upper), authn.LongestMinLength},
		{"password.composition.lower", int(c.Password.Composition.Lower), authn.LongestMinLength},
		{"password.composition.digits", int(c.Password.Composition.Digits), authn.LongestMinLength},
		{"password.composition.symbols", int(c.Password.Composition.Symbols), authn.LongestMinLength},
		{"password.breach.timeout_milliseconds", int(c.Password.Breach.TimeoutMilliseconds), authn.LongestBreachTimeoutMilliseconds},
		{"password.breach.least", int(c.Password.Breach.Least), largest},
		{"session.timeout_minutes", int(c.Session.TimeoutMinutes), largest},
		{"session.absolute_timeout_days", int(c.Session.AbsoluteTimeoutDays), largestDays},
		{"session.remember_days", int(c.Session.RememberDays), largestDays},
		{"session.remember_idle_days", int(c.Session.RememberIdleDays), largestDays},
		{"session.max_per_user", int(c.Session.MaxPerUser), largest},
		{"session.last_use_seconds", int(c.Session.LastUseSeconds), session.MaxLastUseSeconds},
		{"session.refresh_grace_seconds", int(c.Session.RefreshGraceSeconds), session.MaxRefreshGraceSeconds},
		{"api_keys.default_days", int(c.APIKeys.DefaultDays), largestDays},
		{"api_keys.max_days", int(c.APIKeys.MaxDays), largestDays},
		{"api_keys.max_per_user", int(c.APIKeys.MaxPerUser), largest},
		{"rbac.granted_events_percent", int(c.RBAC.GrantedEventsPercent), 100},
		{"rbac.denied_events_percent", int(c.RBAC.DeniedEventsPercent), 100},
		{"binding.ipv4_prefix", int(c.Binding.IPv4Prefix), 32},
		{"binding.ipv6_prefix", int(c.Binding.IPv6Prefix), 128},
		{"store.timeout_seconds", int(c.Store.TimeoutSeconds), LongestStoreTimeoutSeconds},
		{"store.max_records", int(c.Store.MaxRecords), memstore.DefaultRecords},
		{"store.max_connections", int(c.Store.MaxConnections), 1000},
		{"http.max_body_kib", int(c.HTTP.MaxBodyKiB), largest},
		{"http.step_up_minutes", int(c.HTTP.StepUpMinutes), transport.LongestStepUpMinutes},
		{"audit.verify_hours", int(c.Audit.VerifyHours), LongestVerifyHours},
		{"impersonation_minutes", int(c.ImpersonationMinutes), LongestImpersonationMinutes},
	} {
		if n.value < 0 || n.value > n.most {
			p.add(n.key, "is out of range", fmt.Sprintf("set $VAR to a whole number from 0 to %d", n.most))
		}
	}
}

func (p *problems) revocation(c authn.RevocationConfig) {
	switch c.Mode {
	case "", authn.RevocationBounded, authn.RevocationStrict:
	default:
		p.add("revocation.mode", "is unknown", "set $VAR to bounded or strict")
	}
}

func (p *problems) rbac(c authz.Config) {
	if d := c.WithDefaults(); d.AdminRole == d.DefaultRole {
		p.add("rbac.admin_role", "is the default role, which every account has", "set $VAR to a role of its own")
	}
	switch c.ExplainDenials {
	case "", authz.ExplainInDevelopment, authz.ExplainAlways, authz.ExplainNever:
	default:
		p.add("rbac.explain_denials", "is unknown", "set $VAR to development, always or never")
	}
	if p.strict && !c.Enabled.Enabled() && !c.InsecureAllowDisabled {
		p.add("rbac.enabled", "is false, which opens every role and permission guard to any account",
			"set $VAR to true, or set LEX_AUTH__RBAC__INSECURE_ALLOW_DISABLED to true as well")
	}
}

func (p *problems) rbacEndpoints(c Config) {
	for _, routes := range []struct {
		key string
		on  bool
	}{
		{"http.rbac_endpoints", c.HTTP.RBACEndpoints}, {"http.session_endpoints", c.HTTP.SessionEndpoints}, {"http.user_endpoints", c.HTTP.UserEndpoints},
		{"http.key_endpoints", c.HTTP.KeyEndpoints}, {"http.introspection_endpoint", c.HTTP.IntrospectionEndpoint},
		{"http.audit_endpoint", c.HTTP.AuditEndpoint},
		{"http.user_endpoints", c.HTTP.UserEndpoints}, {"http.impersonation", c.HTTP.Impersonation},
	} {
		if !routes.on || c.RBAC.Enabled.Enabled() {
			continue
		}
		p.add(routes.key, "is true while rbac.enabled is false, which would make any account an administrator", "set $VAR to false, or LEX_AUTH__RBAC__ENABLED to true")
	}
}

func (p *problems) accounts(c Config) {
	switch c.Registration {
	case authn.RegistrationOpen, authn.RegistrationClosed:
	case "":
		if c.Profile == ProfileProduction {
			p.add("registration", "is not named", "set $VAR to open if anybody may make an account, else to closed")
		}
	default:
		p.add("registration", "is unknown", "set $VAR to open or closed")
	}
	if c.AdminEmail == "" {
		return
	}
	if _, err := authn.CanonicalEmail(c.AdminEmail); err != nil {
		p.add("admin_email", "is not one e-mail address", "set $VAR to an address such as ada@example.com")
	}
}
