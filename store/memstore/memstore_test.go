package memstore_test

import (
	"testing"

	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		s := memstore.New()
		return storetest.Stores{
			Users: s, Passwords: s, History: s, Revocations: s, OneTimes: s, Counters: s, APIKeys: s, Keys: s,
			Sessions: s, Devices: s, Factors: s, Rules: s, Assignments: s, Journal: s,
		}
	})
}
