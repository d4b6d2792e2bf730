// Package storetest is the stores' contract as a test suite, for this
// project's drivers and for other people's. A driver's test hands it a
// function that opens an empty store:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Stores {
//			s := mystore.OpenEmpty(t) // closed by t.Cleanup
//			return storetest.Stores{
//				Users: s, Passwords: s, Revocations: s, OneTimes: s, APIKeys: s,
//				Sessions: s, Roles: s, Assignments: s,
//			}
//		})
//	}
//
// A driver of one port calls that port's function, such as [SessionStore].
// The function is called once per case, and the cases run in parallel, so each
// call must return a store of its own.
//
// Races are run with 20 callers and, unless go test has -short, with 1,000.
// What the suite does not test: that an acknowledged write survives a crash,
// and that two processes agree.
package storetest
