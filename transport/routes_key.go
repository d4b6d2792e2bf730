package transport

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// The permissions that the endpoints of signing keys ask for.
const (
	// PermissionReadKeys lets a caller list the signing keys, without the keys themselves.
	PermissionReadKeys = "keys.read"
	// PermissionRotateKeys lets a caller have the next key sign.
	PermissionRotateKeys = "keys.rotate"
	// PermissionKillKeys lets a caller end a compromised key, and with it all its tokens.
	PermissionKillKeys = "keys.kill"
)

// keyEndpoints are off until configured.
func (g *Gate) keyEndpoints() []Endpoint {
	if !g.cfg.KeyEndpoints || g.deps.SigningKeys == nil {
		return nil
	}
	return []Endpoint{
		{Method: http.MethodGet, Path: "/keys", Need: NeedSession, Handle: g.managing(PermissionReadKeys, g.listKeys)},
		{Method: http.MethodPost, Path: "/keys/rotate", Need: NeedSession, Owner: true, Handle: g.managing(PermissionRotateKeys, g.sensitive(g.rotateKeys))},
		{Method: http.MethodDelete, Path: "/keys/{kid}", Need: NeedSession, Owner: true, Handle: g.managing(PermissionKillKeys, g.sensitive(g.killKey))},
	}
}

type signingKey struct {
	ID        string     `json:"kid"`
	Algorithm string     `json:"alg"`
	State     string     `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
	SignsAt   *time.Time `json:"signs_at"`
	RetiredAt *time.Time `json:"retired_at"`
	ExpiresAt *time.Time `json:"expires_at"`
}

func viewKey(k authn.ManagedKey) signingKey {
	return signingKey{
		ID: k.ID, Algorithm: k.Algorithm, State: string(k.State), CreatedAt: k.CreatedAt.UTC(),
		SignsAt: moment(k.SignsAt), RetiredAt: moment(k.RetiredAt), ExpiresAt: moment(k.Expires),
	}
}

func (g *Gate) listKeys(ctx context.Context, _ *http.Request) (Reply, error) {
	keys, err := g.deps.SigningKeys.Keys(ctx)
	if err != nil {
		return Reply{}, err
	}
	views := make([]signingKey, 0, len(keys))
	for _, k := range keys {
		views = append(views, viewKey(k))
	}
	return Reply{Body: map[string]any{"keys": views}}, nil
}

func (g *Gate) rotateKeys(ctx context.Context, r *http.Request) (Reply, error) {
	if _, err := g.read(r); err != nil {
		return Reply{}, err
	}
	signs, err := g.deps.SigningKeys.Rotate(ctx, authn.PrincipalFrom(ctx))
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: viewKey(signs)}, nil
}

func (g *Gate) killKey(ctx context.Context, r *http.Request) (Reply, error) {
	err := g.deps.SigningKeys.Kill(ctx, authn.PrincipalFrom(ctx), r.PathValue("kid"))
	if errors.Is(err, authn.ErrNotFound) {
		return Reply{}, problem(http.StatusNotFound, "key_not_found", "there is no signing key with this kid")
	}
	return Reply{}, err
}

// managing runs the handler for callers that have the permission, and belong to no tenant: the keys sign for all.
func (g *Gate) managing(permission string, handle handler) handler {
	return func(ctx context.Context, r *http.Request) (Reply, error) {
		if authn.PrincipalFrom(ctx).Subject.Tenant != "" {
			return Reply{}, problem(http.StatusForbidden, "permission_denied", "signing keys belong to no tenant")
		}
		return g.permitted(permission, handle)(ctx, r)
	}
}
