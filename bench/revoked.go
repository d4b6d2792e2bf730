package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	revokedIDs = 500_000
	lookups    = 200_000
)

func perEntry() pair.Metric   { return pair.Metric{Name: "B/entry"} }
func lookup() pair.Metric     { return pair.Metric{Name: "lookup, CPU", Unit: "ns"} }
func collection() pair.Metric { return pair.Metric{Name: "forced collection, wall", Unit: "ns"} }
func insertCost() pair.Metric { return pair.Metric{Name: "insert, CPU", Unit: "ns"} }

// revoker is a set of revoked token IDs.
type revoker interface {
	revoke(id string, until time.Time) error
	revoked(id string, now time.Time) (bool, error)
}

// revokedCase is goal P15.
func revokedCase() pair.Case {
	return pair.Case{
		Name: "revocations",
		What: "A set of 500,000 revoked token IDs of 22 characters, built anew in each round; IDs are looked up at random. The log itself is in a store elsewhere.",
		Open: func() (*pair.Bench, error) {
			const mine, plain = ours + ", a node's view", "map[string]time.Time"
			ids := revokedSet{known: randomIDs(revokedIDs), unknown: randomIDs(1000)}
			return &pair.Bench{
				Sides: []pair.Side{
					ids.side(mine, newView),
					ids.side(plain, func() revoker { return plainMap{} }),
				},
				Claims: []pair.Claim{
					{Goal: "P15", Text: "memory of " + ours + " ÷ map", Figure: pair.Ratio(perEntry(), mine, plain), Bound: pair.AtMost(0.5)},
					{Goal: "P15", Text: "lookup of " + ours + " ÷ map (the goal is for 10,000,000)", Figure: pair.Ratio(lookup(), mine, plain), Bound: pair.AtMost(0.6)},
					{Goal: "P15", Text: "collection of " + ours + " ÷ map", Figure: pair.Ratio(collection(), mine, plain), Bound: pair.AtMost(0.02)},
				},
			}, nil
		},
	}
}

// revokedSet has IDs back to back without a pointer each, so that collecting them costs nothing.
type revokedSet struct{ known, unknown idList }

type idList []byte

const idLength = 22

func randomIDs(n int) idList {
	raw, list := make([]byte, 16), make(idList, 0, n*idLength)
	for range n {
		_, _ = rand.Read(raw) // never fails
		list = base64.RawURLEncoding.AppendEncode(list, raw)
	}
	return list
}

func (l idList) len() int { return len(l) / idLength }

// at returns a new string, as a token that is decoded brings one.
func (l idList) at(i int) string { return string(l[i*idLength : (i+1)*idLength]) }

func (s revokedSet) side(name string, empty func() revoker) pair.Side {
	return pair.Side{
		Name:   name,
		Sample: func() (pair.Values, error) { return s.sample(empty()) },
		Check:  func() error { return s.check(empty()) },
	}
}

// sample fills the set, and measures what it weighs and costs.
func (s revokedSet) sample(set revoker) (pair.Values, error) {
	before, until := heap(), time.Now().Add(time.Hour)
	insert, err := pair.Cost(s.known.len(), func(i int) error { return set.revoke(s.known.at(i), until) })
	if err != nil {
		return nil, err
	}
	weight := heap() - before
	start := time.Now()
	runtime.GC()
	collected := time.Since(start)
	visit, now := newOrder(s.known.len()), time.Now()
	found, err := pair.Cost(lookups, func(int) error {
		return mustBe(true)(set.revoked(s.known.at(visit.next()), now))
	})
	runtime.KeepAlive(set)
	return pair.Values{
		perEntry(): weight / float64(s.known.len()), insertCost(): insert, lookup(): found, collection(): float64(collected),
	}, err
}

func (s revokedSet) check(set revoker) error {
	until, now := time.Now().Add(time.Hour), time.Now()
	if err := set.revoke(s.known.at(0), until); err != nil {
		return err
	}
	return errors.Join(mustBe(true)(set.revoked(s.known.at(0), now)), mustBe(false)(set.revoked(s.unknown.at(0), now)))
}

func mustBe(wanted bool) func(bool, error) error {
	return func(got bool, err error) error {
		if err == nil && got != wanted {
			return fmt.Errorf("bench: the answer is %t", got)
		}
		return err
	}
}

func heap() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// view is a node's picture of a log that is kept elsewhere, in a database for example.
type view struct {
	*authn.Revocations
	log *feed
}

func newView() revoker {
	log := &feed{}
	revocations, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: log})
	if err != nil {
		panic(err) // the configuration is the default
	}
	return view{revocations, log}
}

func (v view) revoke(id string, until time.Time) error {
	return v.RevokeToken(context.Background(), "", id, until)
}

func (v view) revoked(id string, _ time.Time) (bool, error) {
	return v.TokenRevoked(context.Background(), "", id)
}

// feed is a log whose entries are kept by nobody: the view has seen them.
type feed struct {
	authn.RevocationStore
	head atomic.Int64
}

// Revoke implements [authn.RevocationStore].
func (f *feed) Revoke(_ context.Context, entries ...authn.Revocation) (int64, error) {
	return f.head.Add(int64(len(entries))), nil
}

// Revocations implements [authn.RevocationStore].
func (f *feed) Revocations(context.Context, int64, int) ([]authn.Revocation, int64, error) {
	return nil, f.head.Load(), nil
}

type plainMap map[string]time.Time

func (m plainMap) revoke(id string, until time.Time) error {
	m[id] = until
	return nil
}

func (m plainMap) revoked(id string, now time.Time) (bool, error) {
	until, found := m[id]
	return found && !now.After(until), nil
}
