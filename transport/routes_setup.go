package transport

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"regexp"

	"github.com/authmodule/authmodule/setting"
)

//go:embed setup.html
var setupHTML []byte

// setupPage returns the handler of the page, whose policy is worked out once.
func setupPage() func(context.Context, *http.Request) (Reply, error) {
	page := Page{HTML: setupHTML, Policy: inlinePolicy(setupHTML)}
	return func(context.Context, *http.Request) (Reply, error) { return Reply{Body: page}, nil }
}

// inlinePolicy allows exactly the page's own script and style, by their hashes.
func inlinePolicy(html []byte) string {
	source := func(tag string) string {
		inner := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindSubmatch(html)[1]
		sum := sha256.Sum256(inner)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; script-src " +
		source("script") + "; style-src " + source("style")
}

func (g *Gate) setup(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	token, password := in.secret("token"), in.secret("password")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	user, err := g.deps.Setup.Redeem(ctx, token, password, g.Client(r))
	if err != nil {
		return Reply{}, err
	}
	roles, _, err := g.deps.Authz.RolesOf(ctx, user.Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Status: http.StatusCreated, Body: accountView{ID: user.Subject.ID, Email: user.Email, Roles: roles}}, nil
}

// SetupLink is where a set-up token is redeemed by hand. The token stands in
// the fragment, which no server sees and no log of requests holds; opening the link does not use it up.
func (g *Gate) SetupLink(token setting.Secret) string {
	return g.cfg.PublicURL + g.cfg.Prefix + "/setup#" + token.Reveal()
}
