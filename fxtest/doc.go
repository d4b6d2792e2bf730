// Package fxtest is for the tests of applications: it boots the same graph
// with memory stores, makes principals and tokens, moves the clock and records
// events. docs/testing.md shows it at work.
//
//	func TestAdminsMayDelete(t *testing.T) {
//		app := fxtest.New(t, myapp.Module, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, myapp.Routes))
//		admin := app.Principal("admin")
//
//		r := httptest.NewRequest(http.MethodDelete, "/articles/1", nil)
//		r.Header.Set("Authorization", "Bearer "+app.Token(admin))
//		if got := app.Do(r).Code; got != http.StatusNoContent {
//			t.Errorf("status %d", got)
//		}
//	}
//
// [App.CheckRoutes] fails a test that has a route without a guard.
//
// A [Mailbox] keeps what would be mailed, and [App.TOTP] is an authenticator app.
//
// Nothing is faked: a principal is a stored account with a live session, and a
// token is signed, so ending the one ends the other.
package fxtest
