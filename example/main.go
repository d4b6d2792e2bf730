// Command example is a small articles service with a page to click through,
// guarded by authmodule the way any application is:
//
//	go run ./example
//	http://localhost:8080
//
// The page registers accounts, logs in with a token or a cookie, shows and
// revokes sessions, and tries each guarded route; administrators give roles that
// end, see why an account may do something, act as somebody else, and read the audit
// trail. Owners set up second factors, have devices trusted, log in by a mailed link or code, choose new passwords, and delete their accounts; deleting an
// article wants a login of the last minutes (-recent). Who may do what to which article is in
// policies/articles.yaml, and tested by testdata/articles.authz.yaml. The accounts
// admin@example.com, editor@example.com and viewer@example.com are made when
// they are missing, with the password in EXAMPLE_PASSWORD, or with random ones that are printed once.
//
// In development the log has the links that would be mailed; auth.smtp mails them. Second factors and the trail need
// auth.secret_key, which development makes and keeps.
//
// Everything is kept in one folder, which -data names; with -dsn, accounts and
// sessions are in a PostgreSQL database. -config reads a
// configuration file of authmodule; LEX_ENV and the LEX_AUTH__ variables count as everywhere, and switch off what the example switches on:
// LEX_AUTH__MFA__ENABLED=false. With
//
//	LEX_AUTH__STORE__SESSIONS=redis LEX_AUTH__STORE__REDIS__ADDR=127.0.0.1:6379 go run ./example
//
// sessions are kept in Redis.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account/smtp"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/store/redisstore"
)

const (
	startWithin = 30 * time.Second
	// stopWithin keeps below the ten seconds after which supervisors kill.
	stopWithin = 9 * time.Second
)

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program, up to its exit code. Addresses and passwords go to stdout, the log and errors to stderr.
func run(args []string, stdout, stderr io.Writer) int {
	flags, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil: // the flag package has said why
		return exitUsage
	}
	s, err := load(flags, os.Getenv)
	if err != nil {
		return refuse(stderr, err)
	}
	s.out = stdout
	log := slog.New(slog.NewTextHandler(stderr, nil))
	log.Info("everything is kept in this folder", "data", s.folder)
	return untilStopped(fx.New(application(s, log)), stderr)
}

// application is the whole graph.
func application(s settings, log *slog.Logger) fx.Option {
	return fx.Options(
		authmodule.Configure(s.auth),
		redisstore.Module(), // for auth.store.sessions: redis
		smtp.Module(),       // for auth.smtp
		addPolicies(),
		fx.Supply(s, log),
		fx.Provide(newEcho, newArticles, newChanges, newPage),
		// Hooks run in this order, after those of the module, whose store they need.
		fx.Invoke(echoauth.Mount, routes, seed, serve),
		fx.StartTimeout(startWithin),
		fx.StopTimeout(stopWithin),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log}
			l.UseLogLevel(slog.LevelDebug)
			l.UseErrorLevel(slog.LevelDebug) // untilStopped says it, once
			return l
		}),
	)
}

// untilStopped starts the application and stops it on SIGINT or SIGTERM, or when the server fails.
func untilStopped(app *fx.App, stderr io.Writer) int {
	if err := app.Err(); err != nil {
		return refuse(stderr, err)
	}
	stopped := app.Wait() // before the start, so that no signal is missed
	start, cancel := context.WithTimeout(context.Background(), app.StartTimeout())
	defer cancel()
	if err := app.Start(start); err != nil {
		return refuse(stderr, err)
	}
	signal := <-stopped
	stop, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	if err := app.Stop(stop); err != nil {
		fmt.Fprintln(stderr, "example: stop:", err)
		return exitFailed
	}
	return signal.ExitCode
}

func refuse(stderr io.Writer, err error) int {
	fmt.Fprintln(stderr, "example: cannot start:", dig.RootCause(err))
	return exitFailed
}
