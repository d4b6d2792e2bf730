package redisstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/session"
)

// What a request costs: the reading of its session.
func BenchmarkSession(b *testing.B) {
	s := single(b)
	r := newRecord(b, ada)
	_, err := s.CreateSession(b.Context(), r, session.Limit{})
	require.NoError(b, err)
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Session(b.Context(), ada.Tenant, r.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Session(b.Context(), ada.Tenant, r.ID); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
