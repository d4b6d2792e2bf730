package authn

import (
	"context"
	"net/netip"

	"github.com/authmodule/authmodule/audit"
)

// Binding is what a caller asks a session to be bound to at login, besides
// what the configuration demands. See [Confirmation].
type Binding struct {
	// Certificate binds to the certificate that the client presents.
	Certificate bool
	// IP binds to the client's address: to its network where the configuration says prefix, else to the address alone.
	IP bool
}

// check returns a [FieldError] for what is asked for and cannot be had.
func (b Binding) check(client Client) error {
	switch {
	case b.Certificate && client.Certificate.IsZero():
		return &FieldError{Field: "bind", Code: "no_certificate", Problem: "names certificate, but the connection has no client certificate that is accepted here"}
	case b.IP && !client.IP.IsValid():
		return &FieldError{Field: "bind", Code: "no_address", Problem: "names ip, but the address of the client is not known here"}
	}
	return nil
}

// confirm returns what a login of the account is bound to, [ErrCertificateRequired] or
// [ErrAddressRequired] when it lacks what is demanded, or what [Binding.check] returns.
func (p *bindingPolicy) confirm(ctx context.Context, t Tenant, assigned []string, asked Binding, client Client) (Confirmation, error) {
	if err := asked.check(client); err != nil {
		return Confirmation{}, err
	}
	rule, err := p.rule(ctx, t, assigned)
	if err != nil {
		return Confirmation{}, err
	}
	var c Confirmation
	if asked.Certificate || rule.certificate >= certificateIfAny {
		c.Certificate = client.Certificate
	}
	if rule.certificate == certificateMust && c.Certificate.IsZero() {
		return Confirmation{}, ErrCertificateRequired
	}
	if asked.IP || rule.ip >= ipNetwork {
		c.Network = p.network(client.IP, rule.ip)
	}
	if rule.ip >= ipNetwork && !c.Network.IsValid() {
		return Confirmation{}, ErrAddressRequired
	}
	return c, nil
}

// network is what an address is bound to, invalid for no address.
func (p *bindingPolicy) network(a netip.Addr, level int) netip.Prefix {
	a = canonicalIP(a)
	bits := a.BitLen()
	if level == ipNetwork {
		bits = p.bits(a.Is4())
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// bound returns [ErrTokenBinding] unless the client proves what the credential
// is bound to, and the credential is bound to what is demanded of its account.
func (s *Service) bound(ctx context.Context, p *Principal, client func() Client, credential string) error {
	why := ""
	if p.Confirmation != (Confirmation{}) {
		why = p.Confirmation.Unproved(client())
	}
	if why == "" {
		missing, err := s.binding.demands(ctx, p.Subject.Tenant, p.Roles, p.Confirmation)
		if err != nil || missing == "" {
			return err
		}
		why = missing + "_required"
	}
	s.deps.Events.Emit(ctx, BindingFailed(p.Subject, p.SessionID, client(), credential, why))
	return ErrTokenBinding
}

// CheckBinding returns [ErrTokenBinding] unless the client proves what p's access token is
// bound to and the token is bound to what is demanded of its account. It is for principals that
// this service did not make, such as those of other issuers.
func (s *Service) CheckBinding(ctx context.Context, p *Principal, client Client) error {
	return s.bound(ctx, p, func() Client { return client }, CredentialAccessToken)
}

// The credentials that [BindingFailed] names.
const (
	CredentialAccessToken  = "access_token"
	CredentialRefreshToken = "refresh_token"
	CredentialCookie       = "cookie"
	CredentialAPIKey       = "api_key"
)

// BindingFailed is the event that a credential was presented without the proof
// that it needs. The reason is [BoundCertificate] or [BoundIP], with _required after it when the credential
// is not bound and must be.
func BindingFailed(s Subject, session string, client Client, credential, why string) audit.Event {
	return audit.Event{
		Type: audit.BindingFailed, Tenant: string(s.Tenant), Subject: s.ID, SessionID: session,
		IP: client.IPText(), UserAgent: client.UserAgent, Reason: why, Detail: map[string]string{"credential": credential},
	}
}
