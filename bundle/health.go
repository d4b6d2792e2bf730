package bundle

import (
	"context"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/health"
)

func (s Settings) newHealth(p ports, k keys, view *authn.Revocations) (*health.Service, error) {
	probes := append(p.probes,
		health.Probe{Name: "revocation_view", Driver: "node", Read: view.Ready, Class: classOf},
		health.Probe{Name: "key_ring", Driver: "node", Class: noKey, Read: func(context.Context) error {
			_, err := k.ring.Signing()
			return err
		}},
	)
	return health.New(health.Config{Timeout: s.Store.Timeout, Now: s.Now}, probes...)
}

func noKey(error) string { return "no_key" }
