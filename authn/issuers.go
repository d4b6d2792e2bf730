package authn

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/authmodule/authmodule/internal/strictjson"
	"github.com/authmodule/authmodule/setting"
)

// Issuers are the other issuers whose access tokens are accepted. A nil *Issuers knows none.
type Issuers struct {
	byIssuer map[string]*Issuer
}

// IssuerDeps are what [Issuers] work with. Fields without a remark are required.
type IssuerDeps struct {
	Roles RoleSource
	// Own is the iss of this application's own tokens, which no other issuer may have.
	Own string
	// Client fetches keys. See [RemoteKeysConfig].
	Client *http.Client
	Log    *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

// NewIssuers returns the issuers by their names. It does no I/O: the first token
// of an issuer fetches its keys, so that the application starts while an issuer is down.
func NewIssuers(configs map[string]IssuerConfig, deps IssuerDeps) (*Issuers, error) {
	if deps.Roles == nil || deps.Log == nil {
		return nil, errors.New("authn: issuers need every field of IssuerDeps that has no default")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	all := &Issuers{byIssuer: map[string]*Issuer{}}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		issuer, err := newIssuer(name, configs[name].WithDefaults(), deps)
		if err != nil {
			return nil, err
		}
		if _, twice := all.byIssuer[issuer.cfg.Issuer]; twice || issuer.cfg.Issuer == deps.Own {
			return nil, fmt.Errorf("authn: issuer %s: another one has the same iss", name)
		}
		all.byIssuer[issuer.cfg.Issuer] = issuer
	}
	return all, nil
}

func newIssuer(name string, cfg IssuerConfig, deps IssuerDeps) (*Issuer, error) {
	var faults []error
	for _, fault := range cfg.Check(name) {
		faults = append(faults, fmt.Errorf("authn: issuer %s: %w", name, fault))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	keys, err := NewRemoteKeys(RemoteKeysConfig{
		URL: cfg.JWKSURL, Algorithms: cfg.Algorithms, MaxStale: cfg.maxStale(), Client: deps.Client, Log: deps.Log.With("issuer", name), Now: deps.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("authn: issuer %s: %w", name, err)
	}
	return &Issuer{name: name, cfg: cfg, keys: keys, roles: deps.Roles, now: deps.Now}, nil
}

// Of returns the issuer that a token claims to be from, or nil when it names
// none of these. The claim is not verified: it chooses who verifies the token, and
// nothing else (V9.1.1).
func (a *Issuers) Of(token setting.Secret) *Issuer {
	if a == nil {
		return nil
	}
	first, last, err := dots(token.Reveal())
	if err != nil {
		return nil
	}
	segment := token.Reveal()[first+1 : last]
	if strictBase64.DecodedLen(len(segment)) > payloadLimits.Bytes {
		return nil
	}
	payload, err := decodeSegment(nil, []byte(segment))
	if err != nil {
		return nil
	}
	object, err := strictjson.Parse(payload, payloadLimits)
	if err != nil {
		return nil
	}
	iss, err := object.String("iss")
	if err != nil {
		return nil
	}
	return a.byIssuer[iss]
}

// Close ends the fetches that run. It is for the end of the application.
func (a *Issuers) Close() {
	if a == nil {
		return
	}
	for _, issuer := range a.byIssuer {
		issuer.keys.Close()
	}
}
