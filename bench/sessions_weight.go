package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	scsmem "github.com/alexedwards/scs/v2/memstore"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

const weighedSessions = 100_000

func perSession() pair.Metric { return pair.Metric{Name: "B/session"} }

// weightCase is requirement REL-18 for sessions.
func weightCase() pair.Case {
	return pair.Case{
		Name: "memory of sessions",
		What: "100,000 live sessions in the memory store, of an account each, opened by a login with a browser's User-Agent; then each is used, and the manager saves up what it may of " +
			"the uses, 65,536 at most. scs's memory store has 300 bytes under each token.",
		Open: func() (*pair.Bench, error) {
			const used, theirs = ours + ", uses saved up", "scs memstore"
			return &pair.Bench{
				Sides: []pair.Side{
					{Name: ours, Sample: func() (pair.Values, error) { return weigh(fillOurs(false)) }},
					{Name: used, Sample: func() (pair.Values, error) { return weigh(fillOurs(true)) }},
					{Name: theirs, Sample: func() (pair.Values, error) { return weigh(fillTheirs) }},
				},
				Claims: []pair.Claim{
					{Goal: "REL-18", Text: "bytes of a live session", Figure: pair.Value(perSession(), ours), Bound: pair.AtMost(1024)},
					{Text: ours + " ÷ " + theirs, Figure: pair.Ratio(perSession(), ours, theirs)},
				},
			}, nil
		},
	}
}

// weigh tells what n sessions keep, once fill is done with its own.
func weigh(fill func(n int) (kept any, err error)) (pair.Values, error) {
	before := heap()
	kept, err := fill(weighedSessions)
	weight := heap() - before
	runtime.KeepAlive(kept)
	return pair.Values{perSession(): weight / weighedSessions}, err
}

func fillOurs(used bool) func(n int) (any, error) {
	return func(n int) (any, error) {
		var now time.Time
		manager, err := session.New(session.Config{}, session.Deps{Store: memstore.New(), Now: func() time.Time { return now }})
		if err != nil {
			return nil, err
		}
		start := time.Now()
		for i := range n {
			now = start
			_, cookie, err := manager.Open(context.Background(), opening(i, now))
			if err != nil {
				return nil, err
			}
			if !used {
				continue
			}
			now = start.Add(time.Minute)
			if _, err := manager.Resume(context.Background(), cookie, ownClient()); err != nil {
				return nil, err
			}
		}
		return manager, nil
	}
}

func fillTheirs(n int) (any, error) {
	store := scsmem.NewWithCleanupInterval(0)
	var errs []error
	for i := range n {
		errs = append(errs, store.Commit(fmt.Sprintf("%043d", i), make([]byte, theirBytes), time.Now().Add(idleTimeout)))
	}
	return store, errors.Join(errs...)
}

// opening is the login of account number i, at the time.
func opening(i int, at time.Time) authn.Opening {
	return authn.Opening{
		Proof:   authn.Proof{Subject: authn.Subject{ID: fmt.Sprintf("usr%033d", i)}, Methods: []string{authn.MethodPassword}, Time: at},
		Carrier: authn.CarrierCookie, Client: ownClient(),
	}
}

// ownClient has a header of its own, as each request has.
func ownClient() authn.Client {
	client := sessionClient()
	client.UserAgent = strings.Clone(client.UserAgent)
	return client
}
