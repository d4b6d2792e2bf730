package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// apiKeyEndpoints manage the caller's own keys. A key cannot call them.
func (g *Gate) apiKeyEndpoints() []Endpoint {
	return []Endpoint{
		{Method: http.MethodPost, Path: "/api-keys", Need: NeedSession, Owner: true, Handle: g.sensitive(g.createAPIKey)},
		{Method: http.MethodGet, Path: "/api-keys", Need: NeedSession, Handle: g.listAPIKeys},
		{Method: http.MethodPost, Path: "/api-keys/{id}/rotate", Need: NeedSession, Owner: true, Handle: g.sensitive(g.rotateAPIKey)},
		{Method: http.MethodDelete, Path: "/api-keys/{id}", Need: NeedSession, Owner: true, Handle: g.sensitive(g.revokeAPIKey)},
	}
}

type apiKeyView struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	AllowedIPs []string   `json:"allowed_ips"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	RotatedAt  *time.Time `json:"rotated_at"`
}

func viewAPIKey(k authn.APIKey) apiKeyView {
	networks := make([]string, 0, len(k.AllowedIPs))
	for _, network := range k.AllowedIPs {
		networks = append(networks, network.String())
	}
	return apiKeyView{
		ID: k.ID, Name: k.Name, Scopes: append([]string{}, k.Scopes...), AllowedIPs: networks,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: moment(k.Expires), LastUsedAt: moment(k.LastUsedAt), RotatedAt: moment(k.RotatedAt),
	}
}

// moment is null in JSON for a time that never was or never comes.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// newAPIKey shows a key's text, this once. It is handed on as a pointer: what
// holds it may be printed with a verb that asks no Format, and fmt then shows an address.
type newAPIKey struct {
	apiKeyView
	Key string `json:"key"`
}

// Format shows the ID, never the key, for every verb.
func (k newAPIKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "API key "+k.ID) }

func (g *Gate) createAPIKey(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.APIKeyRequest{Name: in.text("name"), Scopes: in.texts("scopes"), AllowedIPs: in.networks("allowed_ips")}
	if days, given := in.whole("expires_in_days"); given {
		request.Lifetime = lifetime(days)
	}
	request.NeverExpires = in.choice("expires", "default", "never") == "never"
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	key, text, err := g.deps.APIKeys.Create(ctx, authn.PrincipalFrom(ctx), request)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Status: http.StatusCreated, Body: &newAPIKey{viewAPIKey(key), text.Reveal()}}, nil
}

// lifetime of 0 days is asked for by nobody; it must not stand for the default.
func lifetime(days int64) time.Duration {
	const most = 100_000
	if days < 1 || days > most {
		return -1
	}
	return setting.Days(days).Duration()
}

func (g *Gate) listAPIKeys(ctx context.Context, _ *http.Request) (Reply, error) {
	keys, err := g.deps.APIKeys.List(ctx, authn.PrincipalFrom(ctx).Subject)
	if err != nil {
		return Reply{}, err
	}
	views := make([]apiKeyView, 0, len(keys))
	for _, key := range keys {
		views = append(views, viewAPIKey(key))
	}
	return Reply{Body: map[string]any{"api_keys": views}}, nil
}

func (g *Gate) rotateAPIKey(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	overlap, _ := in.whole("overlap_minutes")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	const week = 7 * 24 * 60 // longer than any overlap, and short enough to multiply
	key, text, err := g.deps.APIKeys.Rotate(ctx, authn.PrincipalFrom(ctx), r.PathValue("id"), time.Duration(min(overlap, week))*time.Minute)
	if err != nil {
		return Reply{}, apiKeyProblem(err)
	}
	return Reply{Body: &newAPIKey{viewAPIKey(key), text.Reveal()}}, nil
}

func (g *Gate) revokeAPIKey(ctx context.Context, r *http.Request) (Reply, error) {
	p := authn.PrincipalFrom(ctx)
	return Reply{}, apiKeyProblem(g.deps.APIKeys.Revoke(ctx, p, p.Subject, r.PathValue("id")))
}

func apiKeyProblem(err error) error {
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return problem(http.StatusNotFound, "api_key_not_found", "you have no API key with this id")
	case errors.Is(err, authn.ErrConflict):
		return problem(http.StatusConflict, "api_key_changed", "the API key was rotated at the same time")
	}
	return err
}

// networks returns a member that is a list of addresses or networks.
func (b *body) networks(name string) []netip.Prefix {
	var list []netip.Prefix
	for i, text := range b.texts(name) {
		network, ok := parseNetwork(text)
		if !ok {
			b.faults = append(b.faults, &authn.FieldError{
				Field: name, Code: "malformed", Problem: fmt.Sprintf("item %d is not an address such as 192.0.2.7 or a network such as 192.0.2.0/24", i+1),
			})
			return nil
		}
		list = append(list, network)
	}
	return list
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if network, err := netip.ParsePrefix(text); err == nil {
		return network, true
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(address, address.BitLen()), true
}
