package session_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// BenchmarkResume is what a request with a session cookie asks of the manager, over the memory store.
func BenchmarkResume(b *testing.B) {
	store := memstore.New()
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: store})
	require.NoError(b, err)
	m, err := session.New(session.Config{}, session.Deps{Store: store, Revocations: view})
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	b.Cleanup(func() { stop(); <-done })
	go func() { _ = view.Run(ctx) }()
	client := authn.Client{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	cookies := make([]setting.Secret, 10_000)
	for i := range cookies {
		subject := authn.Subject{ID: fmt.Sprintf("usr%033d", i)}
		_, cookies[i], err = m.Open(ctx, authn.Opening{
			Proof:   authn.Proof{Subject: subject, Methods: []string{authn.MethodPassword}, Time: time.Now()},
			Carrier: authn.CarrierCookie, Client: client,
		})
		require.NoError(b, err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		random := rand.New(rand.NewPCG(1, 2))
		for pb.Next() {
			if _, err := m.Resume(ctx, cookies[random.IntN(len(cookies))], client); err != nil {
				b.Error(err)
			}
		}
	})
}
