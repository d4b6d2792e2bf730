package authn

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	longestKeyName = 100
	mostScopes     = 100
	mostNetworks   = 100
)

// APIKeyRequest asks for a key. Who owns it is not in it: that is the caller.
type APIKeyRequest struct {
	// Name is 1 to 100 printable characters.
	Name string
	// Scopes are patterns of the form resource.action, within what the caller may do. See [APIKey].Scopes.
	Scopes []string
	// Lifetime is how long the key lives; zero takes the configured default.
	Lifetime time.Duration
	// NeverExpires asks for a key without an end, which configuration must permit.
	NeverExpires bool
	// AllowedIPs are the networks that the key may be used from; none is everywhere.
	AllowedIPs []netip.Prefix
}

// checked returns the key that is asked for, or every [FieldError] joined.
func (r APIKeyRequest) checked(cfg APIKeyConfig, now time.Time) (APIKey, error) {
	networks, errNetworks := plainNetworks(r.AllowedIPs)
	expires, errExpires := r.expires(cfg, now)
	if err := errors.Join(checkKeyName(r.Name), atMost("scopes", len(r.Scopes), mostScopes), errExpires, errNetworks); err != nil {
		return APIKey{}, err
	}
	scopes := append([]string{}, r.Scopes...)
	slices.Sort(scopes)
	return APIKey{Name: r.Name, Scopes: slices.Compact(scopes), AllowedIPs: networks, CreatedAt: now, Expires: expires}, nil
}

func (r APIKeyRequest) expires(cfg APIKeyConfig, now time.Time) (time.Time, error) {
	const field = "expires_in_days"
	switch {
	case r.NeverExpires && !cfg.AllowNeverExpire:
		return time.Time{}, &FieldError{Field: "expires", Code: "not_permitted", Problem: "must not be never: keys have to expire here"}
	case r.NeverExpires && r.Lifetime != 0:
		return time.Time{}, &FieldError{Field: field, Code: "not_permitted", Problem: "must not be given for a key that never expires"}
	case r.NeverExpires:
		return time.Time{}, nil
	case r.Lifetime == 0:
		return now.Add(cfg.DefaultDays.Duration()), nil
	case r.Lifetime < 0 || r.Lifetime > cfg.MaxDays.Duration():
		return time.Time{}, &FieldError{Field: field, Code: "out_of_range", Problem: fmt.Sprintf("must be from 1 to %d", int(cfg.MaxDays))}
	}
	return now.Add(r.Lifetime), nil
}

func checkKeyName(name string) error { return checkName("name", name, 1, longestKeyName) }

// checkName wants from least to most characters, all of which print.
func checkName(field, name string, least, most int) error {
	n := utf8.RuneCountInString(name)
	if n < least || n > most || !utf8.ValidString(name) {
		return &FieldError{Field: field, Code: "out_of_range", Problem: fmt.Sprintf("must have %d to %d characters", least, most)}
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return &FieldError{Field: field, Code: "invalid_text", Problem: "must have printable characters only"}
		}
	}
	return nil
}

func atMost(field string, n, most int) error {
	if n > most {
		return &FieldError{Field: field, Code: "too_many", Problem: fmt.Sprintf("must be at most %d", most)}
	}
	return nil
}

// plainNetworks returns the networks in their one form: IPv4 unmapped, no bits of a host.
func plainNetworks(networks []netip.Prefix) ([]netip.Prefix, error) {
	const field = "allowed_ips"
	if err := atMost(field, len(networks), mostNetworks); err != nil {
		return nil, err
	}
	plain := make([]netip.Prefix, 0, len(networks))
	for i, network := range networks {
		bits := network.Bits()
		if network.Addr().Is4In6() {
			bits -= 96
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), bits).Masked()
		if !network.IsValid() {
			return nil, &FieldError{Field: field, Code: "malformed", Problem: fmt.Sprintf("item %d is not an address or a network", i+1)}
		}
		plain = append(plain, network)
	}
	return plain, nil
}
