package authmodule_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
)

// V6.3.8: asking for a new password, a link or a code, and registering, take the same time for an address with an account, one without, and
// one of an account that is disabled. 2,000 samples each, in turn; a median gap under 1 ms or a Mann-Whitney p above 0.01.
func TestSoakV638AskingTakesTheSameTime(t *testing.T) {
	peer.Soak(t)
	sameTime(t, 2000)
}

func sameTime(t *testing.T, samples int) {
	t.Helper()
	const inAnHour = 90
	for name, ask := range map[string]func(app *fxtest.App, email string) error{
		"forgot": func(app *fxtest.App, email string) error {
			return app.Accounts.Forgot(t.Context(), account.Request{Email: email})
		},
		"code": func(app *fxtest.App, email string) error {
			return errOf(app.Accounts.BeginCode(t.Context(), account.Request{Email: email}))
		},
		"register": func(app *fxtest.App, email string) error {
			return app.Accounts.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
		},
	} {
		var out *account.Outbox
		app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.Password, c.Account.LoginCode, c.Account.MailsPerHour = authn.PasswordConfig{}, true, 100
		}, authmodule.UseNotifier(func() account.Notifier { return &mailbox{} }), fx.Populate(&out))
		user, disabled := app.User(), app.User()
		require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
		took := make([][]float64, 3)
		for i := range samples {
			if i%inAnHour == inAnHour-1 {
				app.Advance(time.Hour)
			}
			for class, address := range []string{unknown(name, i), user.Email, disabled.Email} {
				start := time.Now()
				err := ask(app, address)
				took[class] = append(took[class], time.Since(start).Seconds()*1000)
				require.NoError(t, err)
				require.Eventually(t, func() bool { return out.Waiting() == 0 }, time.Minute, time.Millisecond) // the job of one is not in the time of the next
			}
		}
		for class := 1; class < len(took); class++ {
			gap, p := math.Abs(median(took[0])-median(took[class])), mannWhitney(took[0], took[class])
			t.Logf("%s: unknown %.3f ms, class %d %.3f ms, p %.3f", name, median(took[0]), class, median(took[class]), p)
			assert.True(t, gap < 1 || p > 0.01, "%s: class %d differs by %.3f ms, p %.4f", name, class, gap, p)
		}
	}
}

// unknown is an address without an account: one for all that is asked for, so that its counter is as old as the others', and a new one
// for each registration.
func unknown(flow string, i int) string {
	if flow == "register" {
		return fmt.Sprintf("nobody%d@example.com", i)
	}
	return "nobody@example.com"
}
