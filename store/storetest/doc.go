// Package storetest is the stores' contract as a test suite, for this
// project's drivers and for other people's. A driver's test hands it a
// function that opens an empty store:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Stores {
//			s := mystore.OpenEmpty(t) // closed by t.Cleanup
//			return storetest.Stores{
//				Users: s, Passwords: s, History: s, Revocations: s, OneTimes: s, Counters: s, APIKeys: s,
//				Sessions: s, Devices: s, Factors: s, Rules: s, Assignments: s, Journal: s, // a port left out is skipped
//			}
//		})
//	}
//
// A driver of one port calls that port's function, such as [SessionStore].
// The function is called once per case, and the cases run in parallel, so each
// call must return a store of its own.
//
// Texts come back as they were given, whatever their bytes are. Those that are UTF-8 without U+0000 and U+0001 are
// listed in the order of their bytes; the others have a fixed place of the store's choice. An identifier has up to
// 1 KiB, and those that name one record 2 KiB together; of longer ones a store may keep none. Times come back in UTC.
//
// Races are run with 20 callers and, unless go test has -short, with 1,000.
// What the suite does not test: that an acknowledged write survives a crash,
// and that two processes agree.
package storetest
