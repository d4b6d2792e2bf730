package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// RoleLineage is what a [RoleSource] that knows inheritance also answers. With
// one that does not, a rule for a role is for the accounts that it is assigned to.
type RoleLineage interface {
	// Holds reports whether one of the assigned roles is the named one, inherits it, or passes for it.
	Holds(ctx context.Context, t Tenant, assigned []string, role string) (bool, error)
}

// The levels of a rule. The higher is the stricter.
const (
	certificateIfAny = 1
	certificateMust  = 2

	ipNetwork = 1
	ipAddress = 2
)

// bindingRule is a [BindingRule] that can be compared; zero demands nothing.
type bindingRule struct{ certificate, ip int }

func (r bindingRule) stricter(o bindingRule) bindingRule {
	return bindingRule{certificate: max(r.certificate, o.certificate), ip: max(r.ip, o.ip)}
}

// bindingPolicy is a checked [BindingConfig].
type bindingPolicy struct {
	everybody  bindingRule
	roles      map[string]bindingRule
	tenants    map[Tenant]bindingRule
	ipv4, ipv6 int
	// lineage is nil when nobody knows inheritance.
	lineage RoleLineage
}

func newBindingPolicy(cfg BindingConfig, source RoleSource) (*bindingPolicy, error) {
	cfg = cfg.WithDefaults()
	p := &bindingPolicy{roles: map[string]bindingRule{}, tenants: map[Tenant]bindingRule{}, ipv4: int(cfg.IPv4Prefix), ipv6: int(cfg.IPv6Prefix)}
	if p.ipv4 < ShortestIPv4Prefix || p.ipv4 > 32 || p.ipv6 < ShortestIPv6Prefix || p.ipv6 > 128 {
		return nil, fmt.Errorf("authn: a prefix of the binding is out of range: IPv4 from %d to 32, IPv6 from %d to 128", ShortestIPv4Prefix, ShortestIPv6Prefix)
	}
	var err error
	p.everybody, err = BindingRule{Certificate: cfg.Certificate, IP: cfg.IP}.level()
	for name, rule := range cfg.Roles {
		level, wrong := rule.level()
		p.roles[name], err = level, errors.Join(err, wrong)
	}
	for name, rule := range cfg.Tenants {
		level, wrong := rule.level()
		p.tenants[Tenant(name)], err = level, errors.Join(err, wrong)
	}
	if err != nil {
		return nil, err
	}
	p.lineage, _ = source.(RoleLineage)
	return p, nil
}

func (r BindingRule) level() (bindingRule, error) {
	certificate := slices.Index([]CertificateBinding{CertificateOff, CertificateOptional, CertificateRequired}, r.Certificate)
	ip := slices.Index([]IPBinding{IPOff, IPPrefix, IPExact}, r.IP)
	if r.Certificate == "" {
		certificate = 0
	}
	if r.IP == "" {
		ip = 0
	}
	if certificate < 0 || ip < 0 {
		return bindingRule{}, errors.New("authn: a rule of the binding has a value that is unknown")
	}
	return bindingRule{certificate: certificate, ip: ip}, nil
}

// rule is the strictest of those that apply to an account.
func (p *bindingPolicy) rule(ctx context.Context, t Tenant, assigned []string) (bindingRule, error) {
	rule := p.everybody
	if len(p.tenants) > 0 {
		rule = rule.stricter(p.tenants[t])
	}
	for name, extra := range p.roles {
		holds, err := p.holds(ctx, t, assigned, name)
		if err != nil {
			return bindingRule{}, wrapped("look up a role's binding", err)
		}
		if holds {
			rule = rule.stricter(extra)
		}
	}
	return rule, nil
}

func (p *bindingPolicy) holds(ctx context.Context, t Tenant, assigned []string, role string) (bool, error) {
	if slices.Contains(assigned, role) {
		return true, nil
	}
	if p.lineage == nil {
		return false, nil
	}
	return p.lineage.Holds(ctx, t, assigned, role)
}

// demands returns what the account of a credential must be bound to and is
// not: [BoundCertificate] or [BoundIP], or nothing. A role that was given later or a rule that is newer than the
// session counts at once.
func (p *bindingPolicy) demands(ctx context.Context, t Tenant, assigned []string, c Confirmation) (string, error) {
	rule, err := p.rule(ctx, t, assigned)
	switch {
	case err != nil:
		return "", err
	case rule.certificate == certificateMust && c.Certificate.IsZero():
		return BoundCertificate, nil
	case rule.ip == ipAddress && !c.Network.IsSingleIP():
		return BoundIP, nil
	case rule.ip == ipNetwork && (!c.Network.IsValid() || c.Network.Bits() < p.bits(c.Network.Addr().Is4())):
		return BoundIP, nil
	}
	return "", nil
}

func (p *bindingPolicy) bits(ipv4 bool) int {
	if ipv4 {
		return p.ipv4
	}
	return p.ipv6
}
