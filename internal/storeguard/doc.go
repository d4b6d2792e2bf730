// Package storeguard stands between the module and a store that does I/O. Every
// call gets a deadline, a panic becomes an error, and what fails is counted
// for each port:
//
//	guard := storeguard.New(storeguard.Config{Port: "users", Timeout: 2 * time.Second})
//	users := guard.Users(store)        // an authn.UserStore
//	trouble, failing := guard.Trouble() // what health checks ask
//
// The deadline holds even for a store that does not look at its context: such
// a call is left behind. What it does later is unknown to whoever asked, just as after a lost connection.
package storeguard
